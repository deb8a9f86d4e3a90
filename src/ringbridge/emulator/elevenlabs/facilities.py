"""What every conversation of a twin shares."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import ClientSession

from ringbridge.emulator.addresses import AddressBook
from ringbridge.emulator.elevenlabs.diary import Event
from ringbridge.emulator.faults import Faults
from ringbridge.emulator.speech.base import Ears, Voice

if TYPE_CHECKING:
    from ringbridge.emulator.elevenlabs.conversation import Conversation

__all__ = ["Facilities"]


@dataclass(frozen=True, slots=True)
class Facilities:
    """`clock` tells the seconds since the epoch; `session` dials the brains; `tell` is called with every event.

    `secrets` are the workspace's, by their ids.
    """

    api_key: str
    voice: Voice
    ears: Ears
    addresses: AddressBook
    clock: Callable[[], float]
    faults: Faults
    session: ClientSession
    secrets: Mapping[str, str]
    tell: Callable[["Conversation", Event], None]
