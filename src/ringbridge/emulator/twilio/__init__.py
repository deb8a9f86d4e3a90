"""Twilio's twin."""
