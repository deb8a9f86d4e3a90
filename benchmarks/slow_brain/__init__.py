"""Whether a slow brain makes the relay late, in the bridge's process and in one of its own."""
