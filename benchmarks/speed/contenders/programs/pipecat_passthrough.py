"""Pipecat's Twilio transport with an ElevenLabs conversation in the middle of its plainest pipeline.

    FastAPIWebsocketTransport (TwilioFrameSerializer) -> Conversation -> the same transport

Pipecat has no such conversation among its services, so `Conversation` is one, written as its services are. What else
happens on the way is Pipecat's own: it makes linear samples of the µ-law and µ-law of the samples again, cuts the
agent's audio into pieces of 40 ms and sends them at twice the speed of speech. Its log is set to warnings, the idle
watch is off (nobody speaks words here), and so is hanging up by Twilio's REST, which is not played.
"""

import asyncio  # noqa: TC003 - a program has plain imports
import base64
import json
import os
import sys
from xml.sax.saxutils import quoteattr

import aiohttp
import uvicorn
import websockets
from fastapi import FastAPI, Request, Response, WebSocket
from loguru import logger
from pipecat.audio.utils import create_stream_resampler, pcm_to_ulaw, ulaw_to_pcm
from pipecat.frames.frames import CancelFrame, EndFrame, Frame, InputAudioRawFrame, StartFrame, TTSAudioRawFrame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.runner.utils import parse_telephony_websocket
from pipecat.serializers.twilio import TwilioFrameSerializer
from pipecat.transports.websocket.fastapi import FastAPIWebsocketParams, FastAPIWebsocketTransport
from pipecat.workers.runner import WorkerRunner
from twilio.request_validator import RequestValidator

PUBLIC_URL = os.environ["PUBLIC_URL"].rstrip("/")
SIGNED_URL = os.environ["ELEVENLABS_BASE_URL"] + "/v1/convai/conversation/get-signed-url"
RATE = 8000

app = FastAPI()
validator = RequestValidator(os.environ["TWILIO_AUTH_TOKEN"])


class Conversation(FrameProcessor):
    """The caller's audio goes to the engine, the engine's down the pipeline."""

    def __init__(self) -> None:
        super().__init__()
        self._engine: websockets.ClientConnection | None = None
        self._hearing: asyncio.Task[None] | None = None
        self._resampler = create_stream_resampler()

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, StartFrame):
            await self.push_frame(frame, direction)
            await self._open()
        elif isinstance(frame, InputAudioRawFrame):
            await self._say(frame)
        else:
            if isinstance(frame, EndFrame | CancelFrame):
                await self._close()
            await self.push_frame(frame, direction)

    async def _open(self) -> None:
        self._engine = await websockets.connect(await signed_url())
        await self._engine.send(json.dumps({"type": "conversation_initiation_client_data"}))
        self._hearing = self.create_task(self._hear(self._engine))

    async def _close(self) -> None:
        if self._hearing is not None:
            await self.cancel_task(self._hearing)
        if self._engine is not None:
            await self._engine.close()

    async def _say(self, frame: InputAudioRawFrame) -> None:
        audio = await pcm_to_ulaw(frame.audio, frame.sample_rate, RATE, self._resampler)
        if self._engine is not None:
            await self._engine.send(json.dumps({"user_audio_chunk": base64.b64encode(audio).decode()}))

    async def _hear(self, engine: websockets.ClientConnection) -> None:
        async for message in engine:
            event = json.loads(message)
            kind = event.get("type")
            if kind == "audio":
                audio = base64.b64decode(event["audio_event"]["audio_base_64"])
                samples = await ulaw_to_pcm(audio, RATE, RATE, self._resampler)
                await self.push_frame(TTSAudioRawFrame(samples, RATE, 1))
            elif kind == "interruption":
                await self.broadcast_interruption()
            elif kind == "ping":
                await engine.send(json.dumps({"type": "pong", "event_id": event["ping_event"]["event_id"]}))


async def signed_url() -> str:
    headers, query = {"xi-api-key": os.environ["ELEVENLABS_API_KEY"]}, {"agent_id": os.environ["SPEECH_ENGINE_ID"]}
    async with aiohttp.ClientSession() as session, session.get(SIGNED_URL, headers=headers, params=query) as answer:
        answer.raise_for_status()
        url: str = (await answer.json())["signed_url"]
        return url


@app.post("/incoming-call")
async def incoming_call(request: Request) -> Response:
    form = await request.form()
    signature = request.headers.get("X-Twilio-Signature", "")
    if not validator.validate(PUBLIC_URL + request.url.path, dict(form), signature):
        return Response("forbidden", status_code=403)
    url = quoteattr(f"wss://{PUBLIC_URL.partition('://')[2]}/media-stream")
    twiml = f'<?xml version="1.0" encoding="UTF-8"?><Response><Connect><Stream url={url}/></Connect></Response>'
    return Response(twiml, media_type="text/xml")


@app.websocket("/media-stream")
async def media_stream(websocket: WebSocket) -> None:
    await websocket.accept()
    _, call = await parse_telephony_websocket(websocket)
    serializer = TwilioFrameSerializer(call["stream_id"], params=TwilioFrameSerializer.InputParams(auto_hang_up=False))
    params = FastAPIWebsocketParams(audio_in_enabled=True, audio_out_enabled=True, serializer=serializer)
    transport = FastAPIWebsocketTransport(websocket, params)
    worker = PipelineWorker(
        Pipeline([transport.input(), Conversation(), transport.output()]),
        params=PipelineParams(audio_in_sample_rate=RATE, audio_out_sample_rate=RATE),
        idle_timeout_secs=None,
    )

    @transport.event_handler("on_client_disconnected")  # type: ignore[untyped-decorator]
    async def on_client_disconnected(_transport: object, _websocket: WebSocket) -> None:
        await worker.cancel()

    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    await runner.run()


if __name__ == "__main__":
    logger.remove()
    logger.add(sys.stderr, level="WARNING")
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
