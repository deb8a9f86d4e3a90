"""`GET /healthz`: the process answers. `GET /readyz`: it can take calls."""

import secrets
from dataclasses import dataclass
from typing import Final, Protocol

from aiohttp import web

__all__ = ["HEALTH", "PROCESS", "PROCESS_NAME", "Calls", "HealthDesk"]

HEALTH: Final = "/healthz"

PROCESS: Final = "Ringbridge-Process"
"""The header that names the process which answers."""

PROCESS_NAME: Final = secrets.token_urlsafe(16)
"""This process' own: whoever asks here and under a public name can tell whether the name leads here."""


class Calls(Protocol):
    """The calls in progress."""

    is_draining: bool
    """Whether no new one is taken."""

    def __len__(self) -> int:
        """How many there are."""
        ...


@dataclass(frozen=True, slots=True)
class HealthDesk:
    """Answers whoever watches the process: container, balancer, operator."""

    calls: Calls

    async def healthz(self, _request: web.Request) -> web.Response:
        """200 as long as the event loop turns, and which process it is."""
        return web.Response(text="ok\n", headers={PROCESS: PROCESS_NAME, "Cache-Control": "no-store"})

    async def readyz(self, _request: web.Request) -> web.Response:
        """200 while calls are taken, 503 while we are leaving; with the number of calls in progress."""
        ready = not self.calls.is_draining
        return web.json_response({"ready": ready, "calls": len(self.calls)}, status=200 if ready else 503)
