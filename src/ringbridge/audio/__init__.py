"""Sound as telephones have it: mu-law at 8 kHz, and its way to and from WAV files."""
