"""A tool that waits for the caller's yes."""

from dataclasses import dataclass

from ringbridge.tools.consent import Consent, consent
from ringbridge.tools.exchange import Slot
from ringbridge.tools.parameters import Arguments
from ringbridge.tools.tool import AnyTool
from ringbridge.turn import Turn

__all__ = ["Pending"]


@dataclass(frozen=True, slots=True)
class Pending:
    """The question was given to be spoken in a turn of `utterance`, as that turn's last words."""

    tool: AnyTool
    arguments: Arguments
    question: str
    utterance: int
    slot: Slot

    def answered(self, turn: Turn) -> Consent | None:
        """What the caller says to the question in this turn; `None`: these words can't be an answer to it.

        They can only be if the question was heard to its end, and was the last thing that was heard before them.
        """
        heard = turn.heard_out and not turn.interrupted and _letters(turn.heard).endswith(_letters(self.question))
        if turn.utterance != self.utterance + 1 or not heard:
            return None
        return consent(turn.text, turn.call.language)


def _letters(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())
