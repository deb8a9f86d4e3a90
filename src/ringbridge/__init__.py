"""Ringbridge puts your own LLM on a phone number."""

from ringbridge.turn import Brain, Call, Message, Turn

__all__ = ["Brain", "Call", "Message", "Turn", "__version__"]

__version__ = "0.1.0"
