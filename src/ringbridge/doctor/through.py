"""The way from the public name to this process: requests and a socket, sent out and awaited at the other end."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from aiohttp import ClientError, ClientSession, ClientWebSocketResponse, WSMsgType, WSServerHandshakeError
from yarl import URL

from ringbridge.doctor.signing import FIELDS, QUERY, SIGNATURE, signed
from ringbridge.doctor.verdict import Verdict, failure, ok, warning
from ringbridge.doctor.witness import Arrived, Witness
from ringbridge.live.socket import HEARTBEAT_SECONDS
from ringbridge.public_url import PublicUrl
from ringbridge.wire.signatures import Signed, check

__all__ = ["COMPRESSION", "IDLE", "REACHED", "SIGNED", "SOCKET", "Way"]

REACHED: Final = "public URL"
SIGNED: Final = "Twilio's signature through the proxy"
SOCKET: Final = "WebSocket through the proxy"
COMPRESSION: Final = "compression of WebSockets"
IDLE: Final = "silence on WebSockets"

ECHO_SECONDS: Final = 3.0

_UNTOUCHED: Final = "have the proxy hand on path, query and body as they come, and the header X-Twilio-Signature"
_UPGRADE: Final = "have the proxy hand on Upgrade and Connection (nginx: proxy_http_version 1.1 and both headers)"
_DEFLATE: Final = "have the proxy leave Sec-WebSocket-Extensions alone: Twilio's frames are not to be compressed"


@dataclass(frozen=True, slots=True)
class Way:
    """From `url` to `witness`, in this process; `tokens` are Twilio's, the first of them in use."""

    session: ClientSession
    url: PublicUrl
    witness: Witness
    tokens: tuple[str, ...] = field(repr=False)

    async def reached(self) -> Verdict:
        """Ask for what only this process knows."""
        try:
            async with self.session.get(self.url.https(self.witness.path), allow_redirects=False) as response:
                answer = await response.text()
        except (ClientError, TimeoutError, OSError) as error:
            return failure(REACHED, f"{self.url} did not answer: {type(error).__name__}", self._start())
        if answer == self.witness.answer:
            return ok(REACHED, f"{self.url} leads to this process, on port {self.witness.port}")
        found = f"{self.url} leads elsewhere: it answered with {response.status}"
        return failure(REACHED, found, self._start())

    async def webhook(self) -> list[Verdict]:
        """Send a form as Twilio would, and see whether its signature still fits what arrives."""
        url = self.url.https(self.witness.path + QUERY)
        headers = signed(self.tokens[0], url, FIELDS)
        try:
            async with self.session.post(
                URL(url, encoded=True), data=FIELDS, headers=headers, allow_redirects=False
            ) as response:
                await response.read()
        except (ClientError, TimeoutError, OSError) as error:
            return [failure(SIGNED, f"the request was not answered: {type(error).__name__}", self._start())]
        arrived = self.witness.webhook
        if arrived is None:
            return [failure(SIGNED, f"the request did not arrive: {response.status} came back", self._start())]
        signature = arrived.headers.get(SIGNATURE.lower(), "")
        if check(Signed(str(self.url), arrived.target, signature, arrived.fields), self.tokens):
            return [ok(SIGNED, "it fits what arrives here")]
        return [
            failure(SIGNED, f"on the way, {', '.join(self._altered(arrived)) or 'something was altered'}", _UNTOUCHED)
        ]

    async def socket(self, idle_seconds: float) -> list[Verdict]:
        """Open a socket as Twilio would, offer compression, speak, be silent for so long, and speak again."""
        url = self.url.wss(f"{self.witness.path}/socket")
        headers = signed(self.tokens[0], url)
        try:
            async with self.session.ws_connect(url, headers=headers, compress=15) as ws:
                return [self._opened(), _compression(ws), await self._silence(ws, idle_seconds)]
        except WSServerHandshakeError as error:
            return [failure(SOCKET, f"the upgrade was answered with {error.status}", _UPGRADE)]
        except (ClientError, TimeoutError, OSError) as error:
            return [failure(SOCKET, f"there was no upgrade: {type(error).__name__}", _UPGRADE)]

    def _opened(self) -> Verdict:
        arrived = self.witness.upgrade
        if arrived is None:
            return failure(SOCKET, "the upgrade was answered by somebody else", self._start())
        signature = arrived.headers.get(SIGNATURE.lower(), "")
        if check(Signed(str(self.url), arrived.target, signature, upgrade=True), self.tokens):
            return ok(SOCKET, "opened, and signed as Twilio signs it")
        return failure(SOCKET, "it opens, but its signature was lost or its path altered", _UNTOUCHED)

    async def _silence(self, ws: ClientWebSocketResponse, seconds: float) -> Verdict:
        if not await _echoes(ws):
            return failure(IDLE, "what is said on a socket does not come back", _UPGRADE)
        begun = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(seconds):
                await ws.receive()
            waited = asyncio.get_running_loop().time() - begun
        except TimeoutError:
            if await _echoes(ws):
                told = f"open after {seconds:g} s of it, which is as long as was waited"
                return ok(IDLE, f"{told}; the bridge pings after {HEARTBEAT_SECONDS:g} s")
            waited = seconds
        mend = f"raise the proxy's time-out for silent connections well above {HEARTBEAT_SECONDS:g} s"
        return failure(IDLE, f"the socket was cut after {waited:.0f} s of it", mend)

    def _altered(self, arrived: Arrived) -> Iterator[str]:
        if SIGNATURE.lower() not in arrived.headers:
            yield f"{SIGNATURE} was lost"
        if arrived.target != self.witness.path + QUERY:
            yield "the path or the query was rewritten"
        if sorted(arrived.fields.items()) != sorted(FIELDS.items()):
            yield "the form was lost or altered"

    def _start(self) -> str:
        return f"lead {self.url.host} to port {self.witness.port} of this machine, by the tunnel or the proxy"


async def _echoes(ws: ClientWebSocketResponse) -> bool:
    try:
        await ws.send_str("hello")
        async with asyncio.timeout(ECHO_SECONDS):
            message = await ws.receive()
    except (ConnectionError, TimeoutError):
        return False
    return message.type is WSMsgType.TEXT and message.data == "hello"


def _compression(ws: ClientWebSocketResponse) -> Verdict:
    if ws.compress:
        return warning(COMPRESSION, "it was agreed on, and the bridge does not offer it: the proxy does", _DEFLATE)
    return ok(COMPRESSION, "offered, and refused, as it should be")
