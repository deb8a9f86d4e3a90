"""Who an API key of ElevenLabs belongs to, and what is left to it, through the SDK."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from ringbridge.apis.elevenlabs_engines import WRITE
from ringbridge.apis.elevenlabs_sdk import ONCE, asked, open_sdk
from ringbridge.errors import VendorError

if TYPE_CHECKING:
    from elevenlabs.client import AsyncElevenLabs

__all__ = ["ElevenLabsWorkspace", "Plan", "open_elevenlabs_workspace"]

USER: Final = "user_read"
"""The permission that the vendor's refusal names."""

_NOBODYS: Final = "seng_0000000000000000000000000000"
"""An engine that there is not: asking to change it changes nothing."""

_REFUSED: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})


@dataclass(frozen=True, slots=True)
class Plan:
    """What a workspace pays for: `used` of its `credits` are gone, which it may exceed, or not.

    `conversations` is how many there may be at once, where the vendor says so.
    """

    tier: str
    status: str
    used: int
    credits: int
    may_exceed: bool
    conversations: int | None


class ElevenLabsWorkspace:
    """What is asked of a key."""

    def __init__(self, client: "AsyncElevenLabs") -> None:
        self._client = client

    async def plan(self) -> Plan:
        """What is left. Raises `VendorError`, with status 401 or 403 for a key that is none, or may not ask."""
        user = await asked("user", self._client.user.get(request_options=ONCE), needs=USER)
        subscription = user.subscription
        # The SDK hands on what it does not know; the vendor's own page shows it here.
        extras = getattr(user, "subscription_extras", None)
        conversations = extras.get("convai_concurrency") if isinstance(extras, Mapping) else None
        try:
            return Plan(
                tier=str(subscription.tier),
                status=str(subscription.status),
                used=int(subscription.character_count),
                credits=int(subscription.character_limit),
                may_exceed=bool(subscription.can_extend_character_limit)
                and bool(subscription.allowed_to_extend_character_limit),
                conversations=conversations if isinstance(conversations, int) else None,
            )
        except (AttributeError, TypeError, ValueError):
            raise VendorError("ElevenLabs' answer holds no subscription; check ELEVENLABS_BASE_URL") from None

    async def may_change_engines(self) -> bool:
        """Whether the key has the permission for it, as found out by a change of an engine that there is not.

        Raises `VendorError` where nobody answers.
        """
        request = self._client.speech_engine.update(_NOBODYS, name="nobody's", request_options=ONCE)
        try:
            await asked("change of no engine", request, needs=WRITE)
        except VendorError as error:
            if error.status is None:
                raise
            return error.status not in _REFUSED
        return True


@asynccontextmanager
async def open_elevenlabs_workspace(*, api_key: str, base_url: str) -> AsyncIterator[ElevenLabsWorkspace]:
    """The workspace of a key for as long as the context lasts."""
    async with open_sdk(api_key=api_key, base_url=base_url) as client:
        yield ElevenLabsWorkspace(client)
