"""Faults on demand: what shall go wrong, where, when and how often.

The twins ask for them at the beginning of each connection and request, and carry them out.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

__all__ = ["FITS", "Fault", "Faults", "Kind", "Where"]

Where: TypeAlias = Literal[
    "signed_url", "engine_socket", "brain_socket", "webhook", "media_socket", "twilio_rest", "callback"
]
"""The places that can fail, each named for what travels there.

A `webhook` asks for TwiML; a `callback` only tells what happened to a call, a stream, a recording.
"""

Kind: TypeAlias = Literal[
    "refuse",  # answered with `status`, and with `text` where the vendor has a word for it
    "delay",  # `ms` late
    "drop",  # the connection is cut, without a close frame or `stop`; a brain is dialled again after `ms`, if given
    "half_open",  # silent both ways from then on, but connected
    "garble",  # a broken message is sent, or `text`
    "slow_reader",  # nothing is read for `ms`
    "quota",  # accepted and greeted, then closed with 1002, as ElevenLabs does when credits are spent
    "close",  # closed with `code`
    "error",  # an error event is sent, in the given `shape`
    "hang",  # never answered
    "wrong_host",  # the signed URL leads to the host `text`
    "no_metadata",  # the conversation is open, but the engine says nothing at all
    "wrong_formats",  # the metadata names the audio format `text`, by default pcm_16000
    "mute",  # the engine sends its metadata and its pings only; with `text`, everything but messages of these types
    "no_pings",  # the engine's pings stop
    "mid_sentence",  # the agent's next piece of audio is cut in half, and the conversation closed with 1000
    "binary",  # a binary message is sent
    "huge",  # a text message of 20 MB is sent
    "burst",  # ten minutes of audio are sent at once
    "queue",  # `queue_status` waiting, and after `ms` admitted, or what `text` says: timed_out is closed with 3008
    "never",  # the brain is not dialled at all
    "twice",  # a webhook comes twice, `ms` apart; a brain is dialled once more while its first socket lives
    "unknown",  # the brain is told of a conversation that nobody knows
    "after_end",  # a webhook is given up as unanswered, and comes `ms` after the end of its call
    "out_of_order",  # a callback comes after the one that follows it; caller's frames change places, two by two
    "no_start",  # a media stream never starts
    "start_twice",  # it starts twice
    "start_late_media",  # its frames begin `ms` before `start`, by default 100
    "start_other_call",  # `start` names another call, `text` if given
    "no_marks",  # marks are not echoed any more
    "no_frames",  # the caller's frames stop
    "stop_twice",  # `stop` is sent twice
]
"""What can go wrong."""

FITS: Final[dict[Kind, frozenset[Where]]] = {
    "refuse": frozenset({"signed_url", "engine_socket", "brain_socket", "webhook", "media_socket", "twilio_rest"}),
    "delay": frozenset({"signed_url", "engine_socket", "brain_socket", "webhook", "media_socket", "twilio_rest"}),
    "drop": frozenset({"signed_url", "engine_socket", "brain_socket", "media_socket", "twilio_rest"}),
    "half_open": frozenset({"signed_url", "engine_socket", "brain_socket", "media_socket"}),
    "garble": frozenset({"signed_url", "engine_socket", "brain_socket", "media_socket"}),
    "slow_reader": frozenset({"engine_socket", "brain_socket", "media_socket"}),
    "quota": frozenset({"signed_url", "engine_socket", "brain_socket"}),
    "close": frozenset({"engine_socket", "brain_socket"}),
    "error": frozenset({"engine_socket", "brain_socket", "twilio_rest"}),
    "hang": frozenset({"signed_url", "engine_socket", "twilio_rest"}),
    "wrong_host": frozenset({"signed_url"}),
    "no_metadata": frozenset({"engine_socket"}),
    "wrong_formats": frozenset({"engine_socket"}),
    "mute": frozenset({"engine_socket"}),
    "no_pings": frozenset({"engine_socket"}),
    "mid_sentence": frozenset({"engine_socket"}),
    "binary": frozenset({"engine_socket"}),
    "huge": frozenset({"engine_socket"}),
    "burst": frozenset({"engine_socket"}),
    "queue": frozenset({"engine_socket"}),
    "never": frozenset({"brain_socket"}),
    "twice": frozenset({"brain_socket", "webhook"}),
    "unknown": frozenset({"brain_socket"}),
    "after_end": frozenset({"webhook"}),
    "out_of_order": frozenset({"callback", "media_socket"}),
    "no_start": frozenset({"media_socket"}),
    "start_twice": frozenset({"media_socket"}),
    "start_late_media": frozenset({"media_socket"}),
    "start_other_call": frozenset({"media_socket"}),
    "no_marks": frozenset({"media_socket"}),
    "no_frames": frozenset({"media_socket"}),
    "stop_twice": frozenset({"media_socket"}),
}
"""Where each of them can be."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong.

    `after_ms` counts from the moment the connection opened or the request came; what belongs to the opening of a
    connection, or to its end, strikes there. `times` says how many connections or requests it strikes, -1 for every
    one. `status`, `ms`, `code`, `text` (a reason or message to send along) and `shape` (of an error event: ElevenLabs
    sends both) matter to the kinds that use them. Raises `ValueError` for a place, kind or shape that does not exist,
    a kind that can't be at its place, and numbers that make no sense.
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
        if self.where not in FITS[self.kind]:
            raise ValueError(f"{self.kind} can be at {', '.join(sorted(FITS[self.kind]))} only: {self.where!r}")
        if self.kind == "queue" and self.text not in {"", "admitted", "timed_out"}:
            raise ValueError(f"text must be admitted or timed_out for a queue: {self.text!r}")


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
