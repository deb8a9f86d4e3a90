"""What is said on each wire: messages as values, without I/O."""
