"""Twilio and ElevenLabs at full load, each in a process of its own."""
