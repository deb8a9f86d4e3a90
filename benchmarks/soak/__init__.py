"""Thousands of short calls with faults among them: what they leave behind, and whether each heard only its own."""
