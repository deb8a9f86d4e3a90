"""What is remembered and decided about calls, without I/O."""
