"""Faults on demand: what shall go wrong, where, when and how often.

The twins ask for them at the beginning of each connection and request, and carry them out.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

__all__ = ["Fault", "Faults", "Kind", "Where"]

Where: TypeAlias = Literal["signed_url", "engine_socket", "brain_socket", "webhook", "media_socket", "twilio_rest"]
"""The places that can fail, each named for what travels there."""

Kind: TypeAlias = Literal[
    "refuse",  # answered with `status`
    "delay",  # `ms` late
    "drop",  # the connection is cut, without a close frame or `stop`
    "half_open",  # silent both ways from then on, but connected
    "garble",  # a broken message is sent
    "slow_reader",  # nothing is read for `ms`
    "quota",  # accepted and greeted, then closed with 1002, as ElevenLabs does when credits are spent
    "close",  # closed with `code`
    "error",  # an error event is sent, in the given `shape`
]
"""What can go wrong."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong.

    `after_ms` counts from the moment the connection opened or the request came. `times` says how many
    connections or requests it strikes, -1 for every one. `status`, `ms`, `code`, `text` (a reason or message to
    send along) and `shape` (of an error event: ElevenLabs sends both) matter to the kinds that use them.
    Raises `ValueError` for a place, kind or shape that does not exist and for numbers that make no sense.
    """

    where: Where
    kind: Kind
    after_ms: int = 0
    status: int = 500
    ms: int = 0
    code: int = 1011
    text: str = ""
    shape: Literal["nested", "flat"] = "nested"
    times: int = 1

    def __post_init__(self) -> None:
        # Scenario files are written by hand: a fault that strikes nowhere would make a test that can't fail.
        for name, known in (
            ("where", get_args(Where)),
            ("kind", get_args(Kind)),
            ("shape", ("nested", "flat")),
        ):
            if getattr(self, name) not in known:
                raise ValueError(f"{name} must be one of {', '.join(known)}: {getattr(self, name)!r}")
        if self.after_ms < 0 or self.ms < 0:
            raise ValueError(f"milliseconds can't be below 0: {self.after_ms}, {self.ms}")
        if self.times < -1 or self.times == 0:
            raise ValueError(f"times must be 1 or more, or -1 for ever: {self.times}")


class Faults:
    """The faults that are still to strike."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self._left: list[tuple[Fault, int]] = []
        for fault in faults:
            self.add(fault)

    def add(self, fault: Fault) -> None:
        """Let `fault` strike from the next connection or request on."""
        self._left.append((fault, fault.times))

    def take(self, where: Where) -> list[Fault]:
        """Count and hand out, in the order they were added, all that strike what begins now at `where`."""
        struck = [fault for fault, _ in self._left if fault.where == where]
        counted = [(fault, left - (fault.where == where and left > 0)) for fault, left in self._left]
        self._left = [(fault, left) for fault, left in counted if left]
        return struck
