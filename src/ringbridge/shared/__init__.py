"""What all processes of one deployment count together."""
