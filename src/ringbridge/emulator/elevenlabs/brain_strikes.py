"""Faults of a brain socket, carried out."""

import asyncio
import secrets
from collections.abc import Iterable
from typing import Final, Protocol

from ringbridge.emulator.elevenlabs.diary import EventKind
from ringbridge.emulator.elevenlabs.messages import Message
from ringbridge.emulator.elevenlabs.peer import Peer
from ringbridge.emulator.faults import Fault, Kind

__all__ = ["Struck", "begins", "presented_as", "strike"]

_BROKEN: Final = '{"type": "user_transcript", "user_transcript": '

_OPENING: Final[frozenset[Kind]] = frozenset({"refuse", "delay", "never", "unknown"})
"""What belongs to the dialling, and is over with it."""


class Struck(Protocol):
    """Whoever dials the brain."""

    def note(self, kind: EventKind, detail: str = "") -> None:
        """Write something down."""
        ...

    def give_up(self) -> None:
        """Dial no more."""
        ...

    def redial_after(self, seconds: float) -> None:
        """Take so long to dial again."""
        ...

    def dial_again(self) -> None:
        """Dial once more, though the brain is there."""
        ...

    async def leave(self, peer: Peer, last: Message, code: int) -> None:
        """Say `last`, close, and dial no more."""
        ...


async def begins(brain: Struck, faults: Iterable[Fault]) -> bool:
    """Let pass what faults put before the dialling. Whether there is one."""
    for fault in faults:
        match fault.kind:
            case "refuse":
                brain.note("fault", "the brain is not dialled")
                return False
            case "never":
                brain.note("fault", "the brain is never dialled")
                brain.give_up()
                return False
            case "delay":
                await asyncio.sleep(fault.ms / 1000)
    return True


def presented_as(conversation_id: str, faults: Iterable[Fault]) -> str:
    """The conversation that the brain is told of."""
    strange = any(fault.kind == "unknown" for fault in faults)
    return f"conv_{secrets.token_hex(14)}" if strange else conversation_id


async def strike(brain: Struck, peer: Peer, fault: Fault) -> None:
    """Wait for the fault's moment, then let it happen to the socket whose `peer` is the brain's server."""
    if fault.kind in _OPENING:
        return
    await asyncio.sleep(fault.after_ms / 1000)
    brain.note("fault", f"brain socket: {fault.kind}")
    match fault.kind:
        case "drop":
            if fault.ms:
                brain.redial_after(fault.ms / 1000)
            peer.abort()
        case "half_open":
            peer.deafen()
        case "garble":
            peer.send(fault.text or _BROKEN)
        case "slow_reader":
            peer.pause(fault.ms / 1000)
        case "twice":
            brain.dial_again()
        case "error" | "quota":
            await brain.leave(peer, {"type": "error", "message": fault.text or "Failed."}, fault.code)
        case "close":
            await brain.leave(peer, {"type": "close"}, fault.code)
