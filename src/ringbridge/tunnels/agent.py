"""An ngrok agent's local API: which tunnels it has, and one more.

https://ngrok.com/docs/agent/api/
"""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, TypeVar
from urllib.parse import quote, urlsplit

import msgspec
from aiohttp import ClientError, ClientSession, ClientTimeout

from ringbridge.provision.failures import NotProvided

__all__ = ["Agent", "Tunnel", "open_agent", "refusal"]

SECONDS: Final = 10.0
"""What a request may take: to open a tunnel, the agent asks ngrok's servers."""

_TOKEN: Final = "take the token from ngrok's dashboard, and say `ngrok config add-authtoken …`"  # noqa: S105 - no token

_MENDS: Final = {
    "105": _TOKEN,
    "107": _TOKEN,
    "108": "stop the agent that runs for the same account elsewhere",
    "320": "reserve the domain in ngrok's dashboard, or name another with --domain",
    "324": "close one of that agent's tunnels",
    "334": "close the tunnel that has the domain, or name another with --domain",
    "4018": _TOKEN,
}
"""By the number of ngrok's error: https://ngrok.com/docs/errors/."""

_CODE: Final = re.compile(r"ERR_NGROK_(\d+)")
_HERE: Final = frozenset({"localhost", "127.0.0.1", "0.0.0.0", "[::1]", "::1"})  # noqa: S104 - what others wrote

_Body = TypeVar("_Body")


class _Config(msgspec.Struct, frozen=True):
    addr: str = ""


class Tunnel(msgspec.Struct, frozen=True):
    """One tunnel of the agent's."""

    name: str
    public_url: str
    config: _Config = _Config()

    @property
    def port(self) -> int | None:
        """The port of this machine that it leads to, if it does."""
        address = self.config.addr
        if address.isdigit():
            return int(address)
        try:
            parts = urlsplit(address if "//" in address else f"//{address}")
            port = parts.port
        except ValueError:
            return None
        return port if parts.scheme in {"", "http"} and parts.hostname in _HERE else None


class _Tunnels(msgspec.Struct, frozen=True):
    tunnels: list[Tunnel] = msgspec.field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Agent:
    """The agent whose API is at `url`, such as http://127.0.0.1:4040."""

    session: ClientSession
    url: str

    async def is_there(self) -> bool:
        """Whether it runs."""
        try:
            await self.tunnels()
        except NotProvided:
            return False
        return True

    async def tunnels(self) -> list[Tunnel]:
        """Those that are open to be called by HTTPS. Raises `NotProvided` where no agent answers."""
        listed = _read(await self._ask("GET", "/api/tunnels"), _Tunnels)
        return [tunnel for tunnel in listed.tunnels if tunnel.public_url.startswith("https://")]

    async def open(self, name: str, port: int, domain: str | None) -> Tunnel:
        """A tunnel to a port of this machine, under a domain of the account's or any. Raises `NotProvided`."""
        asked: dict[str, Any] = {"name": name, "proto": "http", "addr": f"http://127.0.0.1:{port}"}
        if domain is not None:
            asked["domain"] = domain
        return _read(await self._ask("POST", "/api/tunnels", asked), Tunnel)

    async def close(self, name: str) -> None:
        """Close a tunnel. One that is gone, be it with the agent, is no error."""
        with suppress(NotProvided):
            await self._ask("DELETE", f"/api/tunnels/{quote(name, safe='')}")

    async def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> bytes:
        try:
            async with self.session.request(method, f"{self.url}{path}", json=body) as response:
                answer = await response.read()
        except (ClientError, TimeoutError, OSError) as error:
            raise NotProvided(
                f"no ngrok agent answers at {self.url}: {type(error).__name__}", "start it, or leave out --tunnel"
            ) from None
        if response.status >= HTTPStatus.BAD_REQUEST:
            raise refusal(answer.decode(errors="replace"))
        return answer


@asynccontextmanager
async def open_agent(url: str) -> AsyncIterator[Agent]:
    """Asks the agent at `url` for as long as the context lasts."""
    async with ClientSession(timeout=ClientTimeout(total=SECONDS), trust_env=False) as session:
        yield Agent(session, url)


def refusal(words: str) -> NotProvided:
    """What ngrok means by the words of an error, and its mend."""
    code = _CODE.search(words)
    if code is None:
        return NotProvided("ngrok opened no tunnel", "try `ngrok http 3001`, which tells more")
    mend = _MENDS.get(code[1], f"see https://ngrok.com/docs/errors/err_ngrok_{code[1]}/")
    return NotProvided(f"ngrok opened no tunnel: {code[0]}", mend)


def _read(answer: bytes, kind: type[_Body]) -> _Body:
    try:
        return msgspec.json.decode(answer, type=kind)
    except msgspec.DecodeError:
        raise NotProvided("what answers for ngrok is no agent of it", "see what listens there") from None
