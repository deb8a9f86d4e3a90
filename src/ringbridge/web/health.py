"""`GET /healthz`: the process answers. `GET /readyz`: it can take calls."""

from dataclasses import dataclass

from aiohttp import web

from ringbridge.live.roster import Roster

__all__ = ["HealthDesk"]


@dataclass(frozen=True, slots=True)
class HealthDesk:
    """Answers whoever watches the process: container, balancer, operator."""

    roster: Roster

    async def healthz(self, _request: web.Request) -> web.Response:
        """200 as long as the event loop turns."""
        return web.Response(text="ok\n")

    async def readyz(self, _request: web.Request) -> web.Response:
        """200 while calls are taken, 503 while we are leaving; with the number of calls in progress."""
        ready = not self.roster.is_draining
        return web.json_response({"ready": ready, "calls": len(self.roster)}, status=200 if ready else 503)
