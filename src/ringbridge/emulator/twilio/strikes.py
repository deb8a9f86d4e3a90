"""Faults of a media socket, carried out."""

import asyncio
from collections.abc import Iterable
from typing import Final, Protocol

from ringbridge.emulator.faults import Fault, Kind
from ringbridge.emulator.twilio.account import new_sid
from ringbridge.emulator.twilio.media_socket import MediaSocket

__all__ = ["Struck", "call_named", "hold_up", "starts", "strike"]

_BROKEN: Final = '{"event":"media","sequenceNumber":"'

_EARLY_MS: Final = 100

_OPENING: Final[frozenset[Kind]] = frozenset(
    {"refuse", "delay", "no_start", "start_twice", "start_late_media", "start_other_call"}
)
"""What belongs to the opening of a stream, and is over with it."""


class Struck(Protocol):
    """The stream, as far as a fault can do anything to it."""

    def struck(self, fault: Fault) -> None:
        """Write down that a fault strikes."""
        ...

    def attach(self) -> None:
        """Let the caller's frames flow."""
        ...

    def suffer(self, kind: Kind) -> None:
        """Be wrong in this way from now on."""
        ...

    def drop(self) -> None:
        """Break the connection."""
        ...


async def hold_up(stream: Struck, faults: Iterable[Fault]) -> bool:
    """Let pass what faults put before `start`. Whether it is sent at all."""
    for fault in faults:
        if fault.kind not in _OPENING:
            continue
        stream.struck(fault)
        match fault.kind:
            case "no_start":
                return False
            case "delay":
                await asyncio.sleep(fault.ms / 1000)
            case "start_late_media":
                stream.attach()
                await asyncio.sleep((fault.ms or _EARLY_MS) / 1000)
    return True


def starts(faults: Iterable[Fault]) -> int:
    """How often `start` is sent."""
    return 1 + any(fault.kind == "start_twice" for fault in faults)


def call_named(faults: Iterable[Fault], call_sid: str) -> str:
    """The call that `start` names."""
    return next((fault.text or new_sid("CA") for fault in faults if fault.kind == "start_other_call"), call_sid)


async def strike(stream: Struck, socket: MediaSocket, fault: Fault) -> None:
    """Wait for the fault's moment, then let it happen to the stream and its `socket`."""
    if fault.kind in _OPENING:
        return
    await asyncio.sleep(fault.after_ms / 1000)
    stream.struck(fault)
    match fault.kind:
        case "drop":
            stream.drop()
        case "garble":
            socket.write(fault.text or _BROKEN)
        case "slow_reader":
            await socket.deaf(fault.ms / 1000)
        case lasting:
            stream.suffer(lasting)
