"""What an engine and a number should be like, and how that differs from what they are. Values only."""
