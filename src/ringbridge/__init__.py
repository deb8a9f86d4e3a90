"""Ringbridge puts your own LLM on a phone number."""

__version__ = "0.1.0"
