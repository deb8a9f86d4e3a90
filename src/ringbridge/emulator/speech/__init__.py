"""Speech without an account: words to µ-law audio and back."""
