"""The bridge's own voice: short recordings for when the engine can't speak."""

from dataclasses import dataclass

__all__ = ["Clips"]


@dataclass(frozen=True, slots=True)
class Clips:
    """One language's. Each is base64 of mu-law at 8 kHz, in pieces of a second at most.

    The fields are named for the sentences of `phrases.Phrases` that they say.
    """

    one_moment: tuple[str, ...]
    still_here: tuple[str, ...]
    time_nearly_up: tuple[str, ...]
    sorry: tuple[str, ...]
    farewell: tuple[str, ...]
