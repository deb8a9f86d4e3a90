"""A conversation that is opened for real: ElevenLabs dials `/ws`, is let in, and speaks our words."""

import asyncio
from dataclasses import dataclass, field
from typing import Final

from ringbridge.apis.dialling import open_dialler
from ringbridge.apis.elevenlabs import open_elevenlabs
from ringbridge.config import Settings
from ringbridge.doctor.answering import SENTENCE, Answering
from ringbridge.doctor.verdict import Verdict, failure, ok, parted, warning
from ringbridge.errors import BrokenMessage
from ringbridge.live.socket import Socket, UpgradeFailed
from ringbridge.live.sockets import connect
from ringbridge.wire import engine

__all__ = ["LIVE", "converse"]

LIVE: Final = "conversation"

OPEN_SECONDS: Final = 3.0
ANSWER_SECONDS: Final = 4.0

FORMAT: Final = "ulaw_8000"

_VARIABLES: Final = {"caller": "+10000000000", "called": "+10000000000", "call_sid": "CA" + "0" * 32}


@dataclass(slots=True)
class _Heard:
    """What the engine has said so far."""

    socket: Socket
    opened: asyncio.Event = field(default_factory=asyncio.Event)
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    formats: tuple[str, str] = ("", "")
    complaint: str = ""

    def hear(self, text: bytes) -> None:
        try:
            message = engine.decode(text)
        except BrokenMessage:
            return
        match message:
            case engine.Metadata(conversation_initiation_metadata_event=metadata):
                self.formats = (metadata.user_input_audio_format, metadata.agent_output_audio_format)
                self.opened.set()
            case engine.Ping(ping_event=engine.PingEvent(event_id=int(event_id))):
                self.socket.send(engine.encode(engine.Pong(event_id)))
            case engine.AgentResponse(agent_response_event=said) if SENTENCE in said.agent_response:
                self.answered.set()
            case engine.Error():
                self.complaint = message.kind
            case _:
                pass


async def converse(settings: Settings, answering: Answering) -> list[Verdict]:
    """Open it, say a word in text, and wait for our own. Costs a few credits. Raises `VendorError`."""
    async with (
        open_elevenlabs(api_key=settings.elevenlabs_api_keys[0], base_url=settings.elevenlabs_base_url) as api,
        open_dialler() as dialler,
    ):
        url = await api.signed_url(settings.speech_engine_id)
        try:
            socket = await connect(dialler, url, seconds=OPEN_SECONDS, heartbeat=20.0)
        except (UpgradeFailed, OSError) as error:  # a time-out is an OSError, too
            return [failure(LIVE, f"the engine's socket did not open: {type(error).__name__}", "try again")]
        heard = _Heard(socket)
        socket.listen(heard.hear)
        async with asyncio.TaskGroup() as tasks:
            over = tasks.create_task(socket.closed(), name="the conversation's end")
            verdict = await _verdict(settings, answering, heard)
            await socket.close()
            await over
        return [verdict]


async def _verdict(settings: Settings, answering: Answering, heard: _Heard) -> Verdict:
    override = {"agent": {"first_message": settings.greeting}} if settings.greeting else {}
    heard.socket.send(engine.encode(engine.Initiate(_VARIABLES, override)))
    if not await _within(OPEN_SECONDS, heard.opened):
        why = heard.complaint or "it said nothing"
        mend = "where the engine does not allow GREETING, let `ringbridge setup --apply` make a new one"
        return failure(LIVE, f"the engine did not begin: {why}", mend)
    if heard.formats != (FORMAT, FORMAT):
        found = f"the engine hears {heard.formats[0]} and speaks {heard.formats[1]}"
        return failure(LIVE, found, f"`ringbridge setup --apply` sets both to {FORMAT}")
    heard.socket.send(engine.encode(engine.UserMessage("Hello.")))
    if not await _within(ANSWER_SECONDS, answering.dialled):
        found = f"ElevenLabs did not dial {settings.public_url.wss('/ws')}"
        return failure(LIVE, found, "see that the engine's ws_url is that, and that it can be reached")
    if answering.problem:
        found, mend = parted(answering.problem)
        return failure(LIVE, f"ElevenLabs dialled, and was refused: {found}", mend)
    if await _within(ANSWER_SECONDS, heard.answered):
        return ok(LIVE, "opened, answered by our /ws, and our words came back as the agent's")
    mend = "see in the engine whether client_events has agent_response; a call will tell"
    return warning(LIVE, "opened, and our /ws was dialled, but our words did not come back", mend)


async def _within(seconds: float, event: asyncio.Event) -> bool:
    try:
        async with asyncio.timeout(seconds):
            return await event.wait()
    except TimeoutError:
        return False
