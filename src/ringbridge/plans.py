"""What a brain wants done with the line once its words have been heard; a barge-in before that takes it back."""

from dataclasses import dataclass
from typing import TypeAlias

__all__ = ["CollectDigits", "HangUp", "Plan", "PlaySound", "SendDigits", "Transfer"]


@dataclass(frozen=True, slots=True)
class HangUp:
    """End the call."""


@dataclass(frozen=True, slots=True)
class Transfer:
    """Put the caller through to `number` (E.164), which goes by `name`."""

    name: str
    number: str


@dataclass(frozen=True, slots=True)
class SendDigits:
    """Press keys towards the caller; `w` is a pause of 0.5 s."""

    digits: str


@dataclass(frozen=True, slots=True)
class CollectDigits:
    """Gather up to `n` keys, those before `finish_on` ("" for none), or until none came for `timeout` seconds.

    What is `secret` is told to the call alone: neither the engine nor a fact has it.
    """

    n: int
    finish_on: str
    timeout: float
    secret: bool


@dataclass(frozen=True, slots=True)
class PlaySound:
    """Play audio: base64 of headerless mu-law at 8 kHz, in pieces that are one message each."""

    pieces: tuple[str, ...]


Plan: TypeAlias = HangUp | Transfer | SendDigits | CollectDigits | PlaySound
