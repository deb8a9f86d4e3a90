"""The bridge itself, as a step: from its first call to the end of its last."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from ringbridge.config import Settings
from ringbridge.live.roster import Roster
from ringbridge.parts import Parts
from ringbridge.provision.steps import Tell
from ringbridge.telemetry.loop import watched_loop
from ringbridge.up.address import no_port
from ringbridge.web.app import ROSTER, open_app
from ringbridge.web.server import serving

__all__ = ["BridgeStep"]


@dataclass(slots=True)
class BridgeStep:
    """Serves on `port` of the settings' host. When it is undone, calls go on for DRAIN_SECONDS or until `hurry`."""

    settings: Settings
    parts: Parts
    port: int
    hurry: asyncio.Event
    _roster: Roster | None = field(default=None, init=False)
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack, init=False, repr=False)

    @property
    def title(self) -> str:
        """What it is about."""
        return "Bridge"

    async def do(self, tell: Tell) -> None:
        """Raises `NotProvided` when the port is taken."""
        await self._stack.enter_async_context(watched_loop(self.parts.metrics.loop_lagged))
        app = await self._stack.enter_async_context(open_app(self.settings, self.parts))
        host = self.settings.host
        try:
            await self._stack.enter_async_context(serving(app, host=host, port=self.port))
        except OSError as error:
            raise no_port(host, self.port, error) from error
        self._roster = app[ROSTER]
        brain = self.settings.brain
        tell(f"listens on {host}:{self.port}" + (f", and asks {brain} for words" if brain else ""))

    async def undo(self, tell: Tell) -> None:
        """Take no new calls, and wait for those in progress."""
        roster, self._roster = self._roster, None
        try:
            if roster is not None:
                if roster.held:
                    seconds = self.settings.drain_seconds
                    tell(f"calls in progress: {roster.held}, for {seconds} s at most; Ctrl-C ends them now")
                await roster.drain(self.settings.drain_seconds, hurry=self.hurry)
        finally:
            await self._stack.aclose()
