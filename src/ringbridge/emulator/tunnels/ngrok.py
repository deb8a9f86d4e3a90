"""An ngrok agent: its API on a local port, which opens tunnels that really forward.

`/api/tunnels` is as https://ngrok.com/docs/agent/api/ has it; of the younger `/api/endpoints` only what pyngrok 9 reads
is known.
"""

import re
import secrets
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self, TypeAlias

from aiohttp import web

from ringbridge.emulator.tunnels.edge import Edge, Kind
from ringbridge.emulator.tunnels.ngrok_program import VERSION

__all__ = ["NGROK", "NgrokAgent", "Tunnel"]

NGROK: Final = Kind(
    headers=("X-Forwarded-For: {client}", "X-Forwarded-Host: {host}", "X-Forwarded-Proto: https"),
    offline=("404 Not Found", "The endpoint is offline.\r\n\r\nERR_NGROK_3200\r\n"),
    unreachable=("502 Bad Gateway", "The agent could not connect to the upstream service.\r\n\r\nERR_NGROK_8012\r\n"),
)
"""https://ngrok.com/docs/errors/err_ngrok_3200 and …_8012."""

_SETTINGS: Final = frozenset(
    {
        "addr",
        "basic_auth",
        "bindings",
        "compression",
        "description",
        "domain",
        "host_header",
        "hostname",
        "inspect",
        "metadata",
        "name",
        "pooling_enabled",
        "proto",
        "schemes",
        "traffic_policy",
        "upstream",
        "url",
    }
)
_Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]

_RATES: Final = dict.fromkeys(("count", "rate1", "rate5", "rate15", "p50", "p90", "p95", "p99"), 0)


@dataclass(frozen=True, slots=True)
class Tunnel:
    """One tunnel that is open: `upstream` as it was asked for."""

    id: str
    name: str
    host: str
    upstream: str

    @property
    def public_url(self) -> str:
        """What the world calls."""
        return f"https://{self.host}"


class _Refused(Exception):
    def __init__(self, status: int, code: int, message: str, err: str) -> None:
        self.body = {"error_code": code, "status_code": status, "msg": message, "details": {"err": err}}
        self.status = status
        super().__init__(message)


class NgrokAgent:
    """The agent; `edge` must be entered already, and be of the kind `NGROK`.

    `reserved` are the domains of its account: asked for, they are kept, and any other is refused. Where nothing is
    asked for, each tunnel gets a name of its own. `most` is how many the account may run at once.
    """

    def __init__(self, edge: Edge, *, port: int = 0, reserved: Iterable[str] = (), most: int = 3) -> None:
        self.tunnels: dict[str, Tunnel] = {}
        """Those that are open, by their names."""
        self._edge = edge
        self._port = port
        self._reserved = frozenset(reserved)
        self._most = most
        self._runner: web.AppRunner

    @property
    def api_url(self) -> str:
        """The origin of its API; a real agent's is http://127.0.0.1:4040."""
        host, port = self._runner.addresses[0][:2]
        return f"http://{host}:{port}"

    async def __aenter__(self) -> Self:
        """Serve. Raises `OSError` when the port is taken."""
        app = web.Application(middlewares=[_refusing])
        for kind, show in (("tunnels", _tunnel_json), ("endpoints", _endpoint_json)):
            app.add_routes(_Routes(self, kind, show).routes())
        app.router.add_get("/api/status", self._status)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        except OSError:
            await self._runner.cleanup()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for name in tuple(self.tunnels):
            self.stop(name)
        await self._runner.cleanup()

    def start(self, asked: dict[str, Any]) -> Tunnel:
        """Open a tunnel as a request's body asks. Raises what the API answers with."""
        name = asked.get("name") or secrets.token_hex(8)
        if unknown := sorted(asked.keys() - _SETTINGS):
            raise _invalid(
                f"yaml: unmarshal errors:\n  line 1: field {unknown[0]} not found in type config.HTTPv2Tunnel"
            )
        if name in self.tunnels:
            raise _invalid(f"tunnel {name!r} already exists")
        if asked.get("proto", "http") not in {"http", "https"}:
            raise _invalid(f"the twin of ngrok has HTTP tunnels only, not {asked['proto']!r}")
        if len(self.tunnels) >= self._most:
            raise _failed(
                f"Your account may not run more than {self._most} tunnels over a single ngrok agent session.", 324
            )
        tunnel = Tunnel(f"tn_{secrets.token_hex(14)}", str(name), self._host(asked), _upstream(asked))
        try:
            self._edge.open(tunnel.host, tunnel.upstream)
        except ValueError as error:
            raise _invalid(str(error)) from error
        self.tunnels[tunnel.name] = tunnel
        return tunnel

    def stop(self, name: str) -> None:
        """Close a tunnel. Raises `KeyError` for one that is not open."""
        self._edge.close(self.tunnels.pop(name).host)

    def _host(self, asked: dict[str, Any]) -> str:
        wanted = str(asked.get("url") or asked.get("domain") or asked.get("hostname") or "")
        host = re.sub(r"^https?://", "", wanted).rstrip("/").lower()
        if not host:
            return f"{secrets.token_hex(6)}.ngrok-free.app"
        if host not in self._reserved:
            raise _failed(f"The domain '{host}' is not reserved for your account.", 320)
        if host in {tunnel.host for tunnel in self.tunnels.values()}:
            raise _failed(f"The endpoint 'https://{host}' is already online.", 334)
        return host

    async def _status(self, _: web.Request) -> web.Response:
        session = {"legs": [{"region": "eu", "latency": "20ms"}]}
        return web.json_response(
            {"status": "online", "agent_version": VERSION, "session": session, "uri": "/api/status"}
        )


class _Routes:
    """The four requests, under either of the two names that the agent has for the same things."""

    def __init__(self, agent: NgrokAgent, kind: str, show: Callable[[Tunnel], dict[str, Any]]) -> None:
        self._agent = agent
        self._kind = kind
        self._show = show

    def routes(self) -> list[web.RouteDef]:
        every = f"/api/{self._kind}"
        one = every + "/{name}"
        return [
            web.get(every, self._list),
            web.post(every, self._start),
            web.get(one, self._get),
            web.delete(one, self._stop),
        ]

    async def _list(self, request: web.Request) -> web.Response:
        found = [self._show(tunnel) for tunnel in self._agent.tunnels.values()]
        return web.json_response({self._kind: found, "uri": request.path})

    async def _start(self, request: web.Request) -> web.Response:
        asked = await request.json()
        return web.json_response(self._show(self._agent.start(asked)), status=201)

    async def _get(self, request: web.Request) -> web.Response:
        return web.json_response(self._show(self._agent.tunnels[self._named(request)]))

    async def _stop(self, request: web.Request) -> web.Response:
        self._agent.stop(self._named(request))
        return web.Response(status=204)

    def _named(self, request: web.Request) -> str:
        name = request.match_info["name"]
        if name not in self._agent.tunnels:
            raise web.HTTPNotFound
        return name


@web.middleware
async def _refusing(request: web.Request, handler: _Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except _Refused as refused:
        return web.json_response(refused.body, status=refused.status)
    except web.HTTPNotFound:
        missing = {
            "error_code": 100,
            "status_code": 404,
            "msg": "Resource not found",
            "details": {"path": request.path},
        }
        return web.json_response(missing, status=404)


def _invalid(err: str) -> _Refused:
    return _Refused(400, 102, "invalid tunnel configuration", err)


def _failed(err: str, number: int) -> _Refused:
    text = f"failed to start tunnel: {err}\n\r\n\r\nERR_NGROK_{number}\r\n"
    return _Refused(502, 103, "failed to start tunnel", text)


def _upstream(asked: dict[str, Any]) -> str:
    upstream = asked.get("upstream")
    return str(upstream["url"] if isinstance(upstream, dict) else asked.get("addr", "80"))


def _tunnel_json(tunnel: Tunnel) -> dict[str, Any]:
    return {
        "name": tunnel.name,
        "ID": tunnel.id,
        "uri": f"/api/tunnels/{tunnel.name}",
        "public_url": tunnel.public_url,
        "proto": "https",
        "config": {"addr": tunnel.upstream, "inspect": True},
        "metrics": {"conns": {**_RATES, "gauge": 0}, "http": _RATES},
    }


def _endpoint_json(tunnel: Tunnel) -> dict[str, Any]:
    return {
        "name": tunnel.name,
        "id": tunnel.id.replace("tn_", "ep_"),
        "uri": f"/api/endpoints/{tunnel.name}",
        "url": tunnel.public_url,
        "upstream": {"url": tunnel.upstream},
        "metrics": {"conns": {**_RATES, "gauge": 0}, "http": _RATES},
    }
