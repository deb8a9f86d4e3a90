"""One `<Stream>`: Twilio's side of a media socket, from the handshake to the end.

https://www.twilio.com/docs/voice/media-streams/websocket-messages
"""

import asyncio
import base64
import json
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import urljoin, urlsplit

from aiohttp import WSMsgType

from ringbridge.audio.mulaw import FRAME_MS, RATE
from ringbridge.emulator.faults import Fault, Kind
from ringbridge.emulator.twilio import media_socket, twiml
from ringbridge.emulator.twilio.account import new_sid
from ringbridge.emulator.twilio.audio import SILENT_FRAME
from ringbridge.emulator.twilio.exchange import Exchange
from ringbridge.emulator.twilio.handset import Handset
from ringbridge.emulator.twilio.media_socket import MediaSocket, NoSocket
from ringbridge.emulator.twilio.messages import (
    Clear,
    InvalidMessage,
    Mark,
    Media,
    media_text,
    read_message,
)
from ringbridge.emulator.twilio.records import Journal
from ringbridge.emulator.twilio.strikes import call_named, hold_up, starts, strike
from ringbridge.emulator.twilio.webhooks import valid_url

__all__ = ["MediaStream", "StreamListener"]

StreamListener = Callable[[str, str | None], None]
"""Told what the status callback reports: the event, and with `stream-error` its text."""

MAX_QUEUED_BYTES = 600 * RATE
"""Ten minutes: https://www.twilio.com/docs/api/errors/31931."""

_SILENT_PAYLOAD = base64.b64encode(SILENT_FRAME).decode()


class MediaStream:
    """Carries the handset's audio over one media socket.

    `up` is whether `start` has been sent and the socket is still there.
    """

    def __init__(
        self, exchange: Exchange, call_sid: str, handset: Handset, journal: Journal, on_event: StreamListener
    ) -> None:
        self.sid = new_sid("MZ")
        self.up = False
        self._exchange = exchange
        self._call_sid = call_sid
        self._handset = handset
        self._journal = journal
        self._on_event = on_event
        self._socket: MediaSocket | None = None
        self._sequence = self._chunk = 0
        self._warned: set[int] = set()
        self._wrong: set[Kind] = set()
        self._held: str | None = None
        self._started = self._attached = False
        self._ended_by = "bridge"

    async def run(self, verb: twiml.Stream, document_url: str | None) -> None:
        """Dial, and carry audio until the socket is gone. Every failure is written down; none is raised.

        Cancelled, it ends as Twilio ends a stream: `stop`, then the close of the socket.
        """
        faults = self._exchange.faults.take("media_socket")
        try:
            self._socket = await self._dial(verb, document_url, faults)
        except NoSocket as refusal:
            self._journal.note("stream_refused", stream_sid=self.sid, error=refusal.code)
            self._error(refusal.code, str(refusal))
            return
        try:
            await self._carry(self._socket, verb, faults)
        except asyncio.CancelledError:
            await self._stop(self._socket)
            raise
        finally:
            self._detach()
            self._socket.abort()

    def press(self, digit: str) -> None:
        """Tell one digit that the caller pressed."""
        self._journal.note("dtmf", digit=digit)
        self._send("dtmf", dtmf={"track": "inbound_track", "digit": digit})

    def drop(self) -> None:
        """Break the connection without `stop`, as a network does."""
        self._ended_by = "nobody"
        self._detach()
        if self._socket is not None:
            self._socket.abort()

    # What a fault can make of it

    def struck(self, fault: Fault) -> None:
        """Write down that a fault strikes."""
        self._journal.note("fault", where=fault.where, fault=fault.kind)

    def attach(self) -> None:
        """Let the caller's frames flow."""
        self._attached = True
        self._handset.stream = self._send_frame

    def suffer(self, kind: Kind) -> None:
        """Be wrong in this way from now on."""
        self._wrong.add(kind)

    @property
    def _silent(self) -> bool:
        return "half_open" in self._wrong

    # How that is done

    async def _dial(self, verb: twiml.Stream, document_url: str | None, faults: list[Fault]) -> MediaSocket:
        url = _stream_url(verb.url, document_url)
        for fault in faults:
            if fault.kind == "refuse":
                self.struck(fault)
                raise NoSocket(31902, "the connection was refused")
        return await media_socket.dial(self._exchange, url)

    async def _carry(self, socket: MediaSocket, verb: twiml.Stream, faults: list[Fault]) -> None:
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(strike(self, socket, fault)) for fault in faults]
            running.append(tasks.create_task(self._open(socket, verb, faults)))
            code = await self._read(socket)
            for task in running:
                task.cancel()
        self._detach()
        self._journal.note("stream_ended", stream_sid=self.sid, by=self._ended_by, code=code)
        why = f"the bridge closed with {code}" if code is not None else "the connection was lost"
        self._error(31924 if self._ended_by == "protocol" else 31921, why)
        self._stopped()

    async def _open(self, socket: MediaSocket, verb: twiml.Stream, faults: list[Fault]) -> None:
        socket.write(json.dumps({"event": "connected", "protocol": "Call", "version": "1.0.0"}))
        if not await hold_up(self, faults):
            return
        for _ in range(starts(faults)):
            self._send_start(verb, call_named(faults, self._call_sid))
        self.up = self._started = True
        self.attach()
        self._journal.note("stream_started", stream_sid=self.sid, parameters=verb.parameters)
        self._on_event("stream-started", None)

    def _send_start(self, verb: twiml.Stream, call_sid: str) -> None:
        self._send(
            "start",
            start={
                "accountSid": self._exchange.account_sid,
                "streamSid": self.sid,
                "callSid": call_sid,
                "tracks": ["inbound"],
                "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": RATE, "channels": 1},
                "customParameters": verb.parameters,
            },
        )

    async def _read(self, socket: MediaSocket) -> int | None:
        """Take what the bridge sends until the end. Returns the code of its close frame, if there was one."""
        while True:
            message = await socket.receive()
            match message.type:
                case WSMsgType.TEXT if not self._silent:
                    self._receive(message.data)
                case WSMsgType.BINARY if not self._silent:
                    self._refuse(31950, "a binary message")
                case WSMsgType.PING if not self._silent:
                    await socket.pong(message.data)
                case WSMsgType.CLOSE if self._silent:
                    await socket.gone()
                    return None
                case WSMsgType.CLOSE:
                    await socket.close()
                    return int(message.data) or 1005
                case WSMsgType.ERROR:
                    self._ended_by = "protocol"
                    return None
                case WSMsgType.CLOSING | WSMsgType.CLOSED:
                    self._ended_by = "nobody" if self._ended_by == "bridge" else self._ended_by
                    return None
                case _:
                    pass

    def _receive(self, text: str) -> None:
        try:
            message = read_message(text, self.sid)
        except InvalidMessage as refusal:
            self._refuse(31951, str(refusal))
            return
        match message:
            case Media(audio):
                self._play(audio)
            case Mark(name):
                self._journal.note("mark", name=name)
                self._handset.earpiece.mark(partial(self._echo, name))
            case Clear():
                marks = self._handset.earpiece.clear()
                self._journal.note("clear", marks=len(marks))
                for due in marks:
                    due()

    def _play(self, audio: bytes) -> None:
        room = MAX_QUEUED_BYTES - self._handset.earpiece.waiting
        self._handset.earpiece.put(audio[:room])
        if len(audio) > room:
            self._warn(31931, "more than 10 minutes of audio are queued; the surplus is discarded")

    def _echo(self, name: str) -> None:
        if "no_marks" in self._wrong:
            return
        self._journal.note("mark_echoed", name=name)
        self._send("mark", mark={"name": name})

    def _refuse(self, code: int, why: str) -> None:
        self._journal.note("invalid_message", code=code, why=why)
        self._warn(code, why)

    def _warn(self, code: int, why: str) -> None:
        """Twilio warns once per stream for each of these."""
        if code not in self._warned:
            self._warned.add(code)
            self._error(code, why)

    def _error(self, code: int, why: str) -> None:
        error = self._journal.error(code, why)
        self._on_event("stream-error", f"{code} {error.text}")

    def _send_frame(self, frame: bytes) -> None:
        """The caller's next 20 ms, from the handset's clock."""
        self._chunk += 1
        if self._silent or self._socket is None or "no_frames" in self._wrong:
            return
        if self._socket.choked:
            self._warn(31930, "the bridge reads too slowly; the caller's audio is discarded")
            return
        self._sequence += 1
        payload = _SILENT_PAYLOAD if frame is SILENT_FRAME else base64.b64encode(frame).decode()
        at_ms = self._chunk * FRAME_MS
        text = media_text(self.sid, self._sequence, self._chunk, at_ms, payload)
        if self._held is None and "out_of_order" in self._wrong:
            self._held = text
            return
        self._socket.write(text)
        if self._held is not None:
            self._socket.write(self._held)
            self._held = None

    def _send(self, event: str, **content: Any) -> None:
        if self._silent or self._socket is None:
            return
        self._sequence += 1
        message = {"event": event, "sequenceNumber": str(self._sequence), **content, "streamSid": self.sid}
        self._socket.write(json.dumps(message))

    def _detach(self) -> None:
        """The handset goes on without us: what we queued is not played any more."""
        if self._attached:
            self.up = self._attached = False
            self._handset.stream = None
            self._handset.earpiece.clear()

    def _stopped(self) -> None:
        if self._started:
            self._on_event("stream-stopped", None)

    async def _stop(self, socket: MediaSocket) -> None:
        self._ended_by = "twilio"
        self._detach()
        for _ in range(self._started * (1 + ("stop_twice" in self._wrong))):
            self._send("stop", stop={"accountSid": self._exchange.account_sid, "callSid": self._call_sid})
        self._stopped()
        self._journal.note("stream_ended", stream_sid=self.sid, by="twilio", code=None)
        if not self._silent:
            await socket.hang_up()


def _stream_url(written: str, document_url: str | None) -> str:
    """The URL to dial, as written or relative to the document. Raises `NoSocket` for what Twilio does not dial."""
    base = document_url.replace("http", "ws", 1) if document_url else ""
    url = urljoin(base, written) if written.startswith(("/", ".")) else written
    if not valid_url(url, {"ws", "wss", "http", "https"}):
        raise NoSocket(31923, f"{url!r} is no URL of a valid host")
    parts = urlsplit(url)
    if parts.scheme != "wss":
        raise NoSocket(31922, f"{url!r} is not wss")
    if parts.query or url.endswith("?"):
        raise NoSocket(31920, f"{url!r} has a query string, which <Stream> does not support")
    return url
