"""The way from the public name to a bridge that runs already: asked in a manner that leaves no trace in its calls."""

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

from aiohttp import ClientError, ClientSession, ClientTimeout, WSServerHandshakeError

from ringbridge.calls.documents import MEDIA_STREAM
from ringbridge.doctor.signing import FIELDS, signed
from ringbridge.doctor.through import COMPRESSION, REACHED, SIGNED, SOCKET
from ringbridge.doctor.verdict import Verdict, failure, ok, warning
from ringbridge.public_url import PublicUrl
from ringbridge.web.calls import FALLBACK
from ringbridge.web.health import HEALTH, PROCESS

__all__ = ["RunningBridge", "process_on"]

_ANY: Final = frozenset({"", "0.0.0.0", "::"})  # noqa: S104 - nothing listens on them here

_OVER: Final = {**FIELDS, "AccountSid": "AC" + "0" * 32, "CallStatus": "completed"}
"""A call that is over, and that nobody knows: a bridge has nothing to say about it, and keeps nothing of it."""


async def process_on(host: str, port: int) -> str | None:
    """What the bridge on an address of this machine calls its process; `None` where something else listens.

    `host` is what it listens on.
    """
    name = "127.0.0.1" if host in _ANY else f"[{host}]" if ":" in host else host
    try:
        async with (
            ClientSession(timeout=ClientTimeout(total=2)) as session,
            session.get(f"http://{name}:{port}{HEALTH}") as response,
        ):
            return response.headers.get(PROCESS)
    except (ClientError, TimeoutError, OSError):
        return None


@dataclass(frozen=True, slots=True)
class RunningBridge:
    """The bridge on `port`, which calls its process `process`, and what is behind `url`; `token` is Twilio's."""

    session: ClientSession
    url: PublicUrl
    port: int
    process: str
    token: str = field(repr=False)

    async def reached(self) -> Verdict:
        """Whether the name leads to that very process."""
        try:
            async with self.session.get(self.url.https(HEALTH), allow_redirects=False) as response:
                process = response.headers.get(PROCESS)
        except (ClientError, TimeoutError, OSError) as error:
            return failure(REACHED, f"{self.url} did not answer: {type(error).__name__}", self._lead())
        if process == self.process:
            return ok(REACHED, f"{self.url} leads to the bridge that runs on port {self.port}")
        if process is None:
            return failure(REACHED, f"{self.url} leads elsewhere: it answered with {response.status}", self._lead())
        found = f"{self.url} leads to another bridge than the one that runs on port {self.port}"
        return warning(REACHED, found, f"leave it so where several share the name, else {self._lead()}")

    async def webhook(self) -> list[Verdict]:
        """Whether Twilio's signature is taken as made with our token."""
        url = self.url.https(FALLBACK)
        try:
            headers = signed(self.token, url, _OVER)
            async with self.session.post(url, data=_OVER, headers=headers, allow_redirects=False) as response:
                body = await response.text()
        except (ClientError, TimeoutError, OSError) as error:
            return [failure(SIGNED, f"the request was not answered: {type(error).__name__}", self._lead())]
        if response.status == HTTPStatus.FORBIDDEN:
            mend = "restart the bridge if settings have changed, then `ringbridge doctor` without it; its log tells why"
            return [
                failure(SIGNED, f"what answers at {self.url} refuses a request that is signed as Twilio does", mend)
            ]
        if response.status != HTTPStatus.OK or "<Response" not in body:
            return [failure(SIGNED, f"the request did not arrive: {response.status} came back", self._lead())]
        return [ok(SIGNED, "taken by the bridge that runs")]

    async def socket(self) -> list[Verdict]:
        """Whether its media sockets open. One that no `start` comes on is closed at once."""
        url = self.url.wss(MEDIA_STREAM)
        try:
            async with self.session.ws_connect(url, headers=signed(self.token, url), compress=15) as ws:
                if ws.compress:
                    return [ok(SOCKET, "opened"), warning(COMPRESSION, "it was agreed on", "turn it off in the proxy")]
        except WSServerHandshakeError as error:
            mend = "have the proxy hand on Upgrade and Connection (nginx: proxy_http_version 1.1 and both headers)"
            return [failure(SOCKET, f"the upgrade was answered with {error.status}", mend)]
        except (ClientError, TimeoutError, OSError) as error:
            return [failure(SOCKET, f"there was no upgrade: {type(error).__name__}", "see the proxy's log")]
        return [ok(SOCKET, "opened by the bridge that runs"), ok(COMPRESSION, "offered, and refused, as it should be")]

    def _lead(self) -> str:
        return f"lead {self.url.host} to port {self.port} of this machine, by the tunnel or the proxy"
