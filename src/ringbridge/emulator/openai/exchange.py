"""What the twin keeps of each request."""

from dataclasses import dataclass

from ringbridge.emulator.openai.script import Asked

__all__ = ["Exchange"]


@dataclass(slots=True, eq=False)
class Exchange:
    """One request that the model got, and what came of it. Times are on the loop's clock."""

    asked: Asked
    headers: dict[str, str]
    """Their names in small letters; the key is left out."""
    began: float
    first_at: float | None = None
    """When the first piece was made."""
    ended_at: float | None = None
    closed_by_client: bool = False
    """Whether the client went away before the end: nothing more was made, or would be billed."""
    pieces: int = 0
    """So many were made: of text, about a token each."""
