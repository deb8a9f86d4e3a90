"""What the page and its telephone say to each other on their socket.

Text messages are JSON, told apart by `type`. Binary ones are audio, both ways: 20 ms of headerless mu-law at 8 kHz,
160 bytes.
"""

from typing import Literal, TypeAlias

import msgspec
from msgspec import Struct

__all__ = [
    "AgentWords",
    "Answered",
    "Call",
    "CallerWords",
    "Clear",
    "Corrected",
    "Ended",
    "FromPage",
    "HangUp",
    "Keys",
    "Mangled",
    "Press",
    "Ready",
    "Remark",
    "ToPage",
    "Waited",
    "read",
    "write",
]


class Mangled(Exception):
    """The page sent what no page of ours sends."""


class _Message(Struct, frozen=True, tag_field="type", tag=str.lower, forbid_unknown_fields=True):
    """A text message."""


# From the page


class Call(_Message, frozen=True):
    """Dial. While a call is in progress it does nothing."""


class Press(_Message, frozen=True):
    """The caller presses a key."""

    digit: Literal["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "#"]


class HangUp(_Message, frozen=True):
    """The caller puts the receiver down."""


FromPage: TypeAlias = Call | Press | HangUp


# To the page


class Ready(_Message, frozen=True):
    """The telephone is there: who answers it, and the ticket for the page's next socket."""

    brain: str
    ticket: str


class Answered(_Message, frozen=True):
    """Somebody has taken the call: from here on both sides are heard."""


class Ended(_Message, frozen=True):
    """The call is over; who ended it."""

    by: Literal["caller", "agent", "fault"]


class Clear(_Message, frozen=True):
    """What has been sent but not yet played is not to be heard: the caller has cut in."""


class CallerWords(_Message, frozen=True):
    """What the engine has understood of the caller's words so far; all of it when `final`. Personal."""

    text: str
    final: bool


class AgentWords(_Message, frozen=True):
    """The agent says this clause now. Personal."""

    text: str


class Corrected(_Message, frozen=True):
    """The caller cut in on the agent, and heard no more than this of its reply. Personal."""

    heard: str


class Keys(_Message, frozen=True):
    """The keys that the brain is told of, without the `#` that ends them; a dot for each that is secret. Personal."""

    digits: str


class Waited(_Message, frozen=True):
    """What the caller waited for an answer, in ms: see `waterfall.Waterfall`. A part that is not known is `None`."""

    total: float
    parts: dict[str, float | None]
    by: str | None


class Remark(_Message, frozen=True):
    """What one would not hear, in a sentence. Personal."""

    text: str
    bad: bool = False


ToPage: TypeAlias = Ready | Answered | Ended | Clear | CallerWords | AgentWords | Corrected | Keys | Waited | Remark

_decoder: msgspec.json.Decoder[FromPage] = msgspec.json.Decoder(FromPage)
_encoder = msgspec.json.Encoder()


def read(text: str) -> FromPage:
    """Read a text message of the page. Raises `Mangled`, whose text quotes nothing of it."""
    try:
        return _decoder.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        raise Mangled("a message is none of the page's") from None


def write(message: ToPage) -> str:
    """A text message for the page."""
    return _encoder.encode(message).decode()
