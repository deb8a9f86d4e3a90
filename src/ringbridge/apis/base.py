"""The vendors' REST APIs, as the rest of the package knows them."""

from typing import Protocol

from ringbridge.ids import CallSid

__all__ = ["NOT_IN_PROGRESS", "EngineAPI", "PhoneAPI"]

NOT_IN_PROGRESS = 21220
"""Twilio's error for a call that has ended already (Twilio, "Error and Warning Dictionary")."""


class EngineAPI(Protocol):
    """What we ask of ElevenLabs."""

    async def signed_url(self, engine_id: str) -> str:
        """Where one conversation with an engine may be opened, once. It holds a signature: it is never logged.

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

    async def is_over(self, call_sid: CallSid) -> bool:
        """Whether a call has ended; one that Twilio does not know has.

        Raises `VendorError`.
        """
        ...

    async def redirect(self, call_sid: CallSid, twiml: str) -> None:
        """Have Twilio carry out another document, in place of what it does with the call now.

        Raises `VendorError`, with code `NOT_IN_PROGRESS` for a call that has ended.
        """
        ...
