"""The bridge of ElevenLabs' guide "Custom LLM integration" (Twilio, Speech Engine SDK, Python), written anew.

https://elevenlabs.io/docs/eleven-agents/phone-numbers/twilio-integration/custom-llm-integration

For each call and each frame it does what the guide's sample does, in the same order and with the same libraries: the
SDK's signature check, a client session for each call, the signed URL and the dial awaited inside the loop that reads
Twilio, a pump task for the other direction, `json.loads`, `json.dumps` and `send_str` for each message; for each
brain socket a plain comparison of `x-api-key`, the look-up of the engine by the SDK, and the SDK's session.

Changed so that it runs: the signature is checked against the public URL (the sample's own is refused behind any
tunnel); the API's address and the port are settings; the SDK's session, which refuses aiohttp's socket, gets it by
the three names that it calls (`SessionSocket`).
"""

import asyncio
import json
import os
import sys

import aiohttp
from aiohttp import web
from elevenlabs import AsyncElevenLabs
from elevenlabs.speech_engine.types import ConversationMessage
from twilio.request_validator import RequestValidator

PUBLIC_URL = os.environ["PUBLIC_URL"].rstrip("/")
SHARED_SECRET = os.environ["SHARED_SECRET"]
TEXT = aiohttp.WSMsgType.TEXT

elevenlabs = AsyncElevenLabs(api_key=os.environ["ELEVENLABS_API_KEY"], base_url=os.environ["ELEVENLABS_BASE_URL"])
validator = RequestValidator(os.environ["TWILIO_AUTH_TOKEN"])


async def incoming_call(request: web.Request) -> web.Response:
    form = await request.post()
    signature = request.headers.get("X-Twilio-Signature", "")
    if not validator.validate(PUBLIC_URL + request.path_qs, dict(form), signature):
        return web.Response(status=403, text="forbidden")
    host = PUBLIC_URL.partition("://")[2]
    stream = f'<Stream url="wss://{host}/media-stream"/>'
    twiml = f'<?xml version="1.0" encoding="UTF-8"?><Response><Connect>{stream}</Connect></Response>'
    return web.Response(text=twiml, content_type="text/xml")


async def signed_url() -> str:
    answer = await elevenlabs.conversational_ai.conversations.get_signed_url(agent_id=os.environ["SPEECH_ENGINE_ID"])
    url: str = answer.signed_url
    return url


async def pump(engine: aiohttp.ClientWebSocketResponse, twilio: web.WebSocketResponse, stream_sid: str) -> None:
    """What the engine says, to the caller."""
    async for message in engine:
        if message.type != TEXT:
            continue
        event = json.loads(message.data)
        kind = event.get("type")
        if kind == "audio":
            payload = event["audio_event"]["audio_base_64"]
            media = {"event": "media", "streamSid": stream_sid, "media": {"payload": payload}}
            await twilio.send_str(json.dumps(media))
        elif kind == "interruption":
            await twilio.send_str(json.dumps({"event": "clear", "streamSid": stream_sid}))
        elif kind == "ping":
            event_id = event.get("ping_event", {}).get("event_id")
            await engine.send_str(json.dumps({"type": "pong", "event_id": event_id}))


class SessionSocket:
    """aiohttp's socket by the SDK's names; as the SDK itself wraps Starlette's."""

    def __init__(self, socket: web.WebSocketResponse) -> None:
        self._socket = socket

    async def recv(self) -> str:
        return await self._socket.receive_str()

    async def send(self, text: str) -> None:
        await self._socket.send_str(text)

    async def close(self) -> None:
        await self._socket.close()


async def brain(request: web.Request) -> web.StreamResponse:
    if request.headers.get("x-api-key") != SHARED_SECRET:
        return web.Response(status=401, text="unauthorized")
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    engine = await elevenlabs.speech_engine.get(os.environ["SPEECH_ENGINE_ID"])
    session = engine.create_session(SessionSocket(socket))

    async def on_transcript(transcript: list[ConversationMessage]) -> None:
        await session.send_response(f"You said: {transcript[-1].content}.")

    session.on("user_transcript", on_transcript)
    await session.run()
    return socket


async def media_stream(request: web.Request) -> web.WebSocketResponse:
    twilio = web.WebSocketResponse()
    await twilio.prepare(request)
    session: aiohttp.ClientSession | None = None
    engine: aiohttp.ClientWebSocketResponse | None = None
    pumping: asyncio.Task[None] | None = None
    try:
        async for message in twilio:
            if message.type != TEXT:
                continue
            event = json.loads(message.data)
            if event["event"] == "start":
                session = aiohttp.ClientSession()
                engine = await session.ws_connect(await signed_url())
                await engine.send_str(json.dumps({"type": "conversation_initiation_client_data"}))
                stream_sid = event["start"]["streamSid"]
                pumping = asyncio.create_task(pump(engine, twilio, stream_sid))  # noqa: TID251 - as the sample does
            elif event["event"] == "media" and engine is not None:
                await engine.send_str(json.dumps({"user_audio_chunk": event["media"]["payload"]}))
            elif event["event"] == "stop":
                break
    finally:
        if pumping:
            pumping.cancel()
        if engine and not engine.closed:
            await engine.close()
        if session and not session.closed:
            await session.close()
    return twilio


def make_app() -> web.Application:
    app = web.Application()
    app.router.add_post("/incoming-call", incoming_call)
    app.router.add_get("/media-stream", media_stream)
    app.router.add_get("/ws", brain)
    return app


def main() -> None:
    loop: asyncio.AbstractEventLoop | None = None
    if "--uvloop" in sys.argv:
        import uvloop  # noqa: PLC0415 - the sample itself runs without

        loop = uvloop.new_event_loop()
    web.run_app(make_app(), host="127.0.0.1", port=int(sys.argv[1]), loop=loop)


if __name__ == "__main__":
    main()
