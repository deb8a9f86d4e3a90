"""What a brain is told: the turn it answers, the conversation so far, the call it is on."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from ringbridge.ids import CallSid, ConversationId

__all__ = ["Brain", "Call", "Message", "Turn"]


@dataclass(frozen=True, slots=True)
class Message:
    """One utterance of the conversation: who spoke (`user` is the caller), and the words."""

    role: Literal["user", "agent"]
    text: str


@dataclass(frozen=True, slots=True)
class Call:
    """The phone call that a turn belongs to.

    `caller` is the human's number as Twilio gives it: E.164, `anonymous`, `client:…`, `sip:…` or empty; `called` is
    ours. On an outbound call the two are the same way round: the caller is still the human.
    `digits` are the numbers keyed so far, in order, one entry for each `#` or pause of 1.5 s.
    """

    sid: CallSid
    caller: str
    called: str
    conversation_id: ConversationId
    digits: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Turn:
    """One thing to answer: the whole history (oldest first, its last entry the caller's newest words), and the call."""

    history: tuple[Message, ...]
    call: Call

    @property
    def text(self) -> str:
        """The caller's newest words; empty when the caller is silent."""
        return self.history[-1].text if self.history and self.history[-1].role == "user" else ""

    @property
    def caller(self) -> str:
        """Same as `call.caller`."""
        return self.call.caller

    @property
    def digits(self) -> tuple[str, ...]:
        """Same as `call.digits`."""
        return self.call.digits


Brain: TypeAlias = Callable[[Turn], AsyncIterator[str]]
"""A brain: `async def reply(turn): yield "text"`. Each piece is spoken as soon as it is yielded."""
