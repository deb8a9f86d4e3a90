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

__all__ = ["RunningBridge", "is_bridge"]

_HEALTHY: Final = "ok\n"

_ANY: Final = frozenset({"", "0.0.0.0", "::"})  # noqa: S104 - nothing listens on them here

_OVER: Final = {**FIELDS, "AccountSid": "AC" + "0" * 32, "CallStatus": "completed"}
"""A call that is over, and that nobody knows: a bridge has nothing to say about it, and keeps nothing of it."""


async def is_bridge(host: str, port: int) -> bool:
    """Whether what listens on an address of this machine is a bridge; `host` is what it listens on."""
    name = "127.0.0.1" if host in _ANY else f"[{host}]" if ":" in host else host
    try:
        async with (
            ClientSession(timeout=ClientTimeout(total=2)) as session,
            session.get(f"http://{name}:{port}/healthz") as response,
        ):
            return response.status == HTTPStatus.OK and await response.text() == _HEALTHY
    except (ClientError, TimeoutError, OSError, UnicodeDecodeError):
        return False


@dataclass(frozen=True, slots=True)
class RunningBridge:
    """The bridge behind `url`, which may be the one on `port` or another with the same `token` of Twilio's."""

    session: ClientSession
    url: PublicUrl
    port: int
    token: str = field(repr=False)

    async def webhook(self) -> list[Verdict]:
        """Whether a bridge answers, and takes Twilio's signature as made with our token."""
        url = self.url.https(FALLBACK)
        lead = f"lead {self.url.host} to port {self.port} of this machine, by the tunnel or the proxy"
        try:
            headers = signed(self.token, url, _OVER)
            async with self.session.post(url, data=_OVER, headers=headers, allow_redirects=False) as response:
                body = await response.text()
        except (ClientError, TimeoutError, OSError) as error:
            return [failure(REACHED, f"{self.url} did not answer: {type(error).__name__}", lead)]
        if response.status == HTTPStatus.FORBIDDEN:
            mend = "restart the bridge if settings have changed, then `ringbridge doctor` without it; its log tells why"
            return [
                failure(SIGNED, f"what answers at {self.url} refuses a request that is signed as Twilio does", mend)
            ]
        if response.status != HTTPStatus.OK or "<Response" not in body:
            return [failure(REACHED, f"{self.url} leads elsewhere: it answered with {response.status}", lead)]
        found = f"a bridge with our auth token answers at {self.url}; whether it is the one on port {self.port} is open"
        return [ok(REACHED, found), ok(SIGNED, "taken by the bridge that runs")]

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
