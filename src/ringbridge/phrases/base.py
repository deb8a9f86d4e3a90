"""One language's table of sentences."""

from dataclasses import dataclass

__all__ = ["Phrases"]


@dataclass(frozen=True, slots=True)
class Phrases:
    """Our own sentences in one language, as they are spoken.

    `code` is its ISO 639 code, `language` the BCP 47 tag that `<Say language>` takes.
    """

    code: str
    language: str
    one_moment: str
    """The caller has heard nothing yet, or waits for an answer."""
    still_here: str
    """The same for longer; or the conversation had to be begun anew."""
    time_nearly_up: str
    """The call may not last much longer."""
    sorry: str
    """The bridge has failed. A human may be dialled after it."""
    connecting: str
    """After the sorry: a human is dialled."""
    leave_message: str
    """Nobody takes the call, but a message is recorded after a tone."""
    message_kept: str
    """The message was recorded; the call ends."""
    lines_busy: str
    """Refused: as many calls are up as may be, or as many minutes are spent."""
    called_too_often: str
    """Refused: this number has called as often as it may."""
    closed: str
    """Refused outside the opening hours."""
    not_accepted: str
    """Refused: calls of this number, or without one, are not taken."""
    goodbye: str
    """Nobody takes the call; it ends."""
    farewell: str
    """The call ends as it should, and the agent has not said so itself."""
    farewell_silent: str
    """The caller says nothing, although asked twice; the call ends."""
    model_failed: str
    """The brain failed at this turn."""
    too_slow: str
    """The brain said nothing in time."""
    declined: str
    """The model's provider does not let it answer that."""
    budget_spent: str
    """The call has used up what one call may; it ends."""
    tool_failed: str
    """Something that the agent wanted to do did not work."""
    ask_again: tuple[str, str]
    """The brain had no words: said alternately."""
    still_there: tuple[str, str]
    """The caller is silent: once, and once more in other words."""
    fillers: tuple[str, ...]
    """The caller has to wait a moment: one after the other."""
