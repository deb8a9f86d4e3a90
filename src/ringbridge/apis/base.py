"""The vendors' REST APIs, as the rest of the package knows them."""

from typing import Protocol

from ringbridge.ids import CallSid

__all__ = ["EngineAPI", "PhoneAPI"]


class EngineAPI(Protocol):
    """What we ask of ElevenLabs."""

    async def signed_url(self) -> str:
        """Where one conversation may be opened, once. It holds a signature: it is never logged.

        Raises `VendorError`.
        """
        ...


class PhoneAPI(Protocol):
    """What we ask of Twilio."""

    async def hang_up(self, call_sid: CallSid) -> None:
        """End a call. One that has ended already is no error.

        Raises `VendorError`.
        """
        ...
