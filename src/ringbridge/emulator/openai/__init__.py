"""The twin of a server that speaks OpenAI's Chat Completions, played by rules instead of a model."""
