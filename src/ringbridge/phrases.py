"""What the bridge itself says to a caller, in the call's language."""

from dataclasses import dataclass

__all__ = ["ENGLISH", "Phrases"]


@dataclass(frozen=True, slots=True)
class Phrases:
    """The bridge's own sentences in one language (`language` is a BCP 47 tag, as `<Say language>` takes it)."""

    language: str
    sorry: str
    goodbye: str
    model_failed: str
    ask_again: tuple[str, ...]
    still_there: tuple[str, ...]


ENGLISH = Phrases(
    language="en-US",
    sorry="I'm sorry, we're having a technical problem.",
    goodbye="I'm sorry, nobody is available right now. Please call again later. Goodbye.",
    model_failed="I'm sorry, I ran into a problem. Could you say that again?",
    ask_again=(
        "Sorry, I didn't catch that. Could you say it again?",
        "Could you put that another way?",
    ),
    still_there=(
        "Are you still there?",
        "I can't hear you. Is there anything I can help with?",
    ),
)
