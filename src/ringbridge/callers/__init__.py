"""What is known about callers beyond one call."""
