"""The HTTP routes: each handler parses, calls, answers."""
