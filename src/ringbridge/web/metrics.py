"""`GET /metrics`: numbers for whoever watches the process, not for the world."""

import hmac
from collections.abc import Callable
from dataclasses import dataclass, field

from aiohttp import hdrs, web

from ringbridge.telemetry.base import Page

__all__ = ["METRICS", "MetricsDesk"]

METRICS = "/metrics"

_PROXIES = frozenset({"forwarded", "via", "x-real-ip"})


@dataclass(frozen=True, slots=True)
class MetricsDesk:
    """Answers Prometheus. With a `token`, to whoever shows it; without, to whoever comes past our public name.

    `page` makes the numbers in the format that a header `Accept` prefers; `public_host` is the host of PUBLIC_URL.
    """

    page: Callable[[str], Page]
    token: str | None = field(repr=False)
    public_host: str

    async def handle(self, request: web.Request) -> web.Response:
        """The numbers; 401 without the token, 404 for the world where there is none."""
        if self.token is None:
            if self._is_from_the_world(request):
                return web.Response(status=404)
        elif not self._has_token(request):
            return web.Response(status=401, headers={hdrs.WWW_AUTHENTICATE: "Bearer"})
        page = self.page(request.headers.get(hdrs.ACCEPT, ""))
        return web.Response(body=page.body, headers={hdrs.CONTENT_TYPE: page.content_type})

    def _has_token(self, request: web.Request) -> bool:
        scheme, _, given = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
        equal = hmac.compare_digest(_bytes(given.strip()), _bytes(self.token or ""))
        return equal and scheme.lower() == "bearer"

    def _is_from_the_world(self, request: web.Request) -> bool:
        names = [name.lower() for name in request.headers]
        if any(name in _PROXIES or name.startswith("x-forwarded") for name in names):
            return True
        hosts = [_name(host) for host in request.headers.getall(hdrs.HOST, [])]
        return not all(hosts) or not hosts or _name(self.public_host) in hosts


def _name(host: str) -> str:
    return host.strip().lower().partition(":")[0].rstrip(".")


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogateescape")
