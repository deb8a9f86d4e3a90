"""Speech engines and the numbers beside them, at ElevenLabs, through its SDK."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from ringbridge.apis.elevenlabs_sdk import ONCE, asked, open_sdk
from ringbridge.errors import VendorError

if TYPE_CHECKING:
    from elevenlabs.client import AsyncElevenLabs
    from elevenlabs.speech_engine import SpeechEngineResource

__all__ = ["ElevenLabsEngines", "open_elevenlabs_engines"]

READ, WRITE = "convai_read", "convai_write"
"""The names of an API key's permissions for conversational AI, as the vendor's refusals tell them."""


class ElevenLabsEngines:
    """What is asked before there are calls. Engines are the JSON that the vendor sent, with fields unknown to us."""

    def __init__(self, client: "AsyncElevenLabs") -> None:
        self._client = client

    async def read(self, engine_id: str) -> dict[str, Any]:
        """An engine as it is. Raises `VendorError`, with status 404 where there is none of that id."""
        what = "speech engine"
        return _json(await asked(what, self._client.speech_engine.get(engine_id, request_options=ONCE), needs=READ))

    async def update(self, engine_id: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Change an engine by the groups of `body`; gives how it is then. Raises `VendorError`."""
        request = self._client.speech_engine.update(engine_id, **body, request_options=ONCE)
        return _json(await asked("change of the speech engine", request, needs=WRITE))

    async def create(self, body: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        """Make an engine; gives its id, and how it is. Raises `VendorError`."""
        request = self._client.speech_engine.create(**body, request_options=ONCE)
        made = _json(await asked("new speech engine", request, needs=WRITE))
        engine_id = made.get("speech_engine_id")
        if not isinstance(engine_id, str) or not engine_id:
            raise VendorError("ElevenLabs' answer tells no id of the new speech engine; look for it in its list")
        return engine_id, made

    async def agent_of(self, phone_number: str) -> str | None:
        """The name of the agent that answers a number itself, as it was imported; `None` where none does.

        Raises `VendorError`.
        """
        request = self._client.conversational_ai.phone_numbers.list(request_options=ONCE)
        for number in await asked("list of imported numbers", request, needs=READ):
            agent = getattr(number, "assigned_agent", None)
            if getattr(number, "phone_number", None) == phone_number and agent is not None:
                return str(getattr(agent, "agent_name", None) or getattr(agent, "agent_id", None) or "without a name")
        return None


@asynccontextmanager
async def open_elevenlabs_engines(*, api_key: str, base_url: str) -> AsyncIterator[ElevenLabsEngines]:
    """ElevenLabs' engines for as long as the context lasts."""
    async with open_sdk(api_key=api_key, base_url=base_url) as client:
        yield ElevenLabsEngines(client)


def _json(engine: "SpeechEngineResource") -> dict[str, Any]:
    # The SDK checks nothing: values may be of other types than it says, or the whole be no engine.
    found: dict[str, Any] = {}
    if isinstance(engine.config, BaseModel):
        found = engine.config.model_dump(mode="json", by_alias=True, exclude_unset=True, warnings=False)
    if not isinstance(found.get("speech_engine"), dict):
        raise VendorError("ElevenLabs' answer holds no speech engine; check ELEVENLABS_BASE_URL")
    return found
