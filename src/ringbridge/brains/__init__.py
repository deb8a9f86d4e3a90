"""Brains that ship with Ringbridge, and how others are found."""
