"""Faults of a conversation socket, carried out."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Final, Protocol, TypeAlias

from ringbridge.emulator.elevenlabs import messages
from ringbridge.emulator.elevenlabs.diary import EventKind
from ringbridge.emulator.elevenlabs.messages import Message
from ringbridge.emulator.elevenlabs.peer import Peer
from ringbridge.emulator.faults import Fault, Kind

__all__ = ["Passes", "Struck", "formats", "hold_up", "strike"]

Passes: TypeAlias = Callable[[Message], bool]
"""Whether a message is sent, and not withheld."""

_QUOTA_MS: Final = 3000
"""Reported: a conversation beyond the quota is greeted, and closed after 3 to 5 s."""

_BROKEN: Final = '{"type": "audio", "audio_event": {"audio_base_64": '

_HUGE: Final = 20 * 1024 * 1024

_METADATA: Final = "conversation_initiation_metadata"

_OPENING: Final[frozenset[Kind]] = frozenset({"delay", "refuse", "hang", "queue", "wrong_formats"})
"""What belongs to the opening of a conversation, and is over with it."""


class Struck(Protocol):
    """The conversation, as far as a fault can do anything to it."""

    def emit(self, message: Message) -> None:
        """Send the client a message."""
        ...

    def note(self, kind: EventKind, detail: str = "") -> None:
        """Write something down."""
        ...

    def withhold(self, passes: Passes) -> None:
        """Send only what passes."""
        ...

    def stumble(self) -> None:
        """Break off in the midst of the agent's next words."""
        ...

    def burst(self) -> None:
        """Send ten minutes of audio at once."""
        ...

    def close(self, code: int = 1000, reason: str = "") -> None:
        """End it with a close frame."""
        ...

    def fail(self, code: int, error_type: str, text: str) -> None:
        """End it with an error event and a close frame."""
        ...

    def abort(self) -> None:
        """Cut the client's connection."""
        ...


async def hold_up(conversation: Struck, faults: Iterable[Fault]) -> bool:
    """Let pass what faults put before the metadata. Whether there is a conversation after that."""
    for fault in faults:
        if fault.kind == "delay":
            await asyncio.sleep(fault.ms / 1000)
        if fault.kind == "queue" and not await _wait_in_line(conversation, fault):
            return False
    return True


async def _wait_in_line(conversation: Struck, fault: Fault) -> bool:
    """Reported: who has waited in vain is closed with 3008."""
    conversation.note("fault", "engine socket: queue")
    conversation.emit(messages.queue_status("waiting"))
    await asyncio.sleep(fault.ms / 1000)
    outcome = fault.text or "admitted"
    conversation.emit(messages.queue_status(outcome))
    if outcome == "timed_out":
        conversation.close(3008, "Too many concurrent connections.")
    return outcome == "admitted"


def formats(faults: Iterable[Fault]) -> tuple[str, str] | None:
    """The audio formats that the metadata shall name wrongly, of the engine and of the caller."""
    wrong = next((fault.text or "pcm_16000" for fault in faults if fault.kind == "wrong_formats"), None)
    return None if wrong is None else (wrong, wrong)


async def strike(conversation: Struck, peer: Peer, fault: Fault) -> None:
    """Wait for the fault's moment, then let it happen to the client's socket, whose `peer` this is."""
    if fault.kind in _OPENING:
        return
    if after_ms := fault.after_ms or (_QUOTA_MS if fault.kind == "quota" else 0):
        await asyncio.sleep(after_ms / 1000)
    conversation.note("fault", f"engine socket: {fault.kind}")
    _strike_line(conversation, peer, fault)
    _strike_words(conversation, fault)


def _strike_line(conversation: Struck, peer: Peer, fault: Fault) -> None:
    """What becomes of the socket, and what comes over it that is no message of the engine's."""
    match fault.kind:
        case "drop":
            conversation.abort()
        case "half_open":
            peer.deafen()
        case "slow_reader":
            peer.pause(fault.ms / 1000)
        case "garble":
            peer.send(fault.text or _BROKEN)
        case "binary":
            peer.send(bytes(range(256)))
        case "huge":
            peer.send(f'{{"type": "audio", "audio_event": {{"event_id": 1, "audio_base_64": "{"A" * _HUGE}"}}}}')


def _strike_words(conversation: Struck, fault: Fault) -> None:
    """What the engine says or leaves unsaid."""
    match fault.kind:
        case "no_metadata":
            conversation.withhold(lambda _: False)
        case "mute":
            conversation.withhold(_mute(fault.text))
        case "no_pings":
            conversation.withhold(lambda message: message.get("type") != "ping")
        case "mid_sentence":
            conversation.stumble()
        case "burst":
            conversation.burst()
        case "quota":
            conversation.fail(1002, "unknown", fault.text or "This request exceeds your quota limit.")
        case "close":
            conversation.close(fault.code, fault.text)
        case "error":
            conversation.emit(messages.error(fault.code, "unknown", fault.text or "It failed.", fault.shape))


def _mute(types: str) -> Passes:
    """Withholds messages of these types, or all but those that show the engine to be there."""
    silent = frozenset(types.split())
    if silent:
        return lambda message: message.get("type") not in silent
    return lambda message: message.get("type") in {_METADATA, "ping"}
