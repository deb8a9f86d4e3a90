"""Faults of a conversation socket, carried out."""

import asyncio
from typing import Final, Protocol

from ringbridge.emulator.elevenlabs import messages
from ringbridge.emulator.elevenlabs.diary import EventKind
from ringbridge.emulator.elevenlabs.messages import Message
from ringbridge.emulator.elevenlabs.peer import Peer
from ringbridge.emulator.faults import Fault

__all__ = ["Struck", "strike"]

_QUOTA_MS: Final = 3000
"""Reported: a conversation beyond the quota is greeted, and closed after 3 to 5 s."""

_BROKEN: Final = '{"type": "audio", "audio_event": {"audio_base_64": '


class Struck(Protocol):
    """The conversation, as far as a fault can do anything to it."""

    def emit(self, message: Message) -> None:
        """Send the client a message."""
        ...

    def note(self, kind: EventKind, detail: str = "") -> None:
        """Write something down."""
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


async def strike(conversation: Struck, peer: Peer, fault: Fault) -> None:
    """Wait for the fault's moment, then let it happen to the client's socket, whose `peer` this is.

    `refuse` and `delay` are none of it: they belong to the opening.
    """
    if fault.kind in {"delay", "refuse"}:
        return
    after_ms = fault.after_ms or (_QUOTA_MS if fault.kind == "quota" else 0)
    await asyncio.sleep(after_ms / 1000)
    conversation.note("fault", f"engine socket: {fault.kind}")
    match fault.kind:
        case "drop":
            conversation.abort()
        case "half_open":
            peer.deafen()
        case "garble":
            peer.send(fault.text or _BROKEN)
        case "slow_reader":
            peer.pause(fault.ms / 1000)
        case "quota":
            conversation.fail(1002, "unknown", fault.text or "This request exceeds your quota limit.")
        case "close":
            conversation.close(fault.code, fault.text)
        case "error":
            conversation.emit(messages.error(fault.code, "unknown", fault.text or "It failed.", fault.shape))
