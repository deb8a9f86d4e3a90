"""ElevenLabs' twin."""
