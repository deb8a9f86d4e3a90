"""The twin of Anthropic's Messages API."""
