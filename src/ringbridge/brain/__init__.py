"""One conversation's words: decisions without I/O."""
