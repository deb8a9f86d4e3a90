"""The bridge as it is mostly written with FastAPI: uvicorn as it comes, the `websockets` client, a task for each leg.

It stands for no one sample. What it does for a call is what the guide's sample does (see `guide.py`), by other
libraries: whatever event loop and WebSocket protocol uvicorn picks, an httpx client for each signed URL. The brain's
socket is a plain one: the secret is compared, nothing is looked up.
"""

import asyncio
import hmac
import json
import os
import sys
from typing import Any

import httpx
import uvicorn
import websockets
from fastapi import FastAPI, Request, Response, WebSocket, WebSocketDisconnect, WebSocketException, status
from twilio.request_validator import RequestValidator

PUBLIC_URL = os.environ["PUBLIC_URL"].rstrip("/")
API_KEY = os.environ["ELEVENLABS_API_KEY"]
SHARED_SECRET = os.environ["SHARED_SECRET"]
SIGNED_URL = os.environ["ELEVENLABS_BASE_URL"] + "/v1/convai/conversation/get-signed-url"

app = FastAPI()
validator = RequestValidator(os.environ["TWILIO_AUTH_TOKEN"])


@app.post("/incoming-call")
async def incoming_call(request: Request) -> Response:
    form = await request.form()
    signature = request.headers.get("X-Twilio-Signature", "")
    if not validator.validate(PUBLIC_URL + request.url.path, dict(form), signature):
        return Response("forbidden", status_code=403)
    host = PUBLIC_URL.partition("://")[2]
    stream = f'<Stream url="wss://{host}/media-stream"/>'
    twiml = f'<?xml version="1.0" encoding="UTF-8"?><Response><Connect>{stream}</Connect></Response>'
    return Response(twiml, media_type="text/xml")


async def signed_url() -> str:
    async with httpx.AsyncClient(headers={"xi-api-key": API_KEY}) as client:
        answer = await client.get(SIGNED_URL, params={"agent_id": os.environ["SPEECH_ENGINE_ID"]})
        answer.raise_for_status()
        url: str = answer.json()["signed_url"]
        return url


@app.websocket("/media-stream")
async def media_stream(twilio: WebSocket) -> None:
    await twilio.accept()
    stream_sid = await started(twilio)
    async with websockets.connect(await signed_url()) as engine:
        await engine.send(json.dumps({"type": "conversation_initiation_client_data"}))
        legs = [
            asyncio.create_task(to_engine(twilio, engine)),  # noqa: TID251 - as it is mostly written
            asyncio.create_task(to_twilio(engine, twilio, stream_sid)),  # noqa: TID251
        ]
        _, going = await asyncio.wait(legs, return_when=asyncio.FIRST_COMPLETED)
        for leg in going:
            leg.cancel()
        await asyncio.gather(*legs, return_exceptions=True)


async def started(twilio: WebSocket) -> str:
    """The stream's SID, once the stream has begun."""
    while True:
        event = json.loads(await twilio.receive_text())
        if event["event"] == "start":
            stream_sid: str = event["start"]["streamSid"]
            return stream_sid


async def to_engine(twilio: WebSocket, engine: websockets.ClientConnection) -> None:
    try:
        async for message in twilio.iter_text():
            event = json.loads(message)
            if event["event"] == "media":
                await engine.send(json.dumps({"user_audio_chunk": event["media"]["payload"]}))
            elif event["event"] == "stop":
                break
    except WebSocketDisconnect:
        pass


async def to_twilio(engine: websockets.ClientConnection, twilio: WebSocket, stream_sid: str) -> None:
    async for message in engine:
        event = json.loads(message)
        kind = event.get("type")
        if kind == "audio":
            payload = event["audio_event"]["audio_base_64"]
            media = {"event": "media", "streamSid": stream_sid, "media": {"payload": payload}}
            await twilio.send_text(json.dumps(media))
        elif kind == "interruption":
            await twilio.send_text(json.dumps({"event": "clear", "streamSid": stream_sid}))
        elif kind == "ping":
            await engine.send(json.dumps({"type": "pong", "event_id": event["ping_event"]["event_id"]}))


@app.websocket("/ws")
async def brain(engine: WebSocket) -> None:
    if not hmac.compare_digest(engine.headers.get("x-api-key", "").encode(), SHARED_SECRET.encode()):
        raise WebSocketException(status.WS_1008_POLICY_VIOLATION)
    await engine.accept()
    try:
        async for message in engine.iter_json():
            kind = message["type"]
            if kind == "user_transcript":
                await answer(engine, message)
            elif kind == "ping":
                await engine.send_json({"type": "pong"})
            elif kind == "close":
                break
    except WebSocketDisconnect:
        pass


async def answer(engine: WebSocket, asked: dict[str, Any]) -> None:
    words = f"You said: {asked['user_transcript'][-1]['content']}."
    for content, is_final in ((words, False), ("", True)):
        reply = {"type": "agent_response", "content": content, "event_id": asked["event_id"], "is_final": is_final}
        await engine.send_json(reply)


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
