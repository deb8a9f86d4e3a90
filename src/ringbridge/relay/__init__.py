"""One call's audio and life: decisions without I/O."""
