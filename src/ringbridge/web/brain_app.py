"""The application of brains that are a service of their own: every route, and what stands behind them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from ringbridge.apis.dialling import open_dialler
from ringbridge.config import BrainSettings
from ringbridge.live.line import Facilities
from ringbridge.live.sounds import Sounds
from ringbridge.live.tasks import Tasks
from ringbridge.parts import BrainParts
from ringbridge.split.line import Bridge
from ringbridge.split.switchboard import Switchboard
from ringbridge.web.brain import MAX_WAITING_BRAINS, brain_route
from ringbridge.web.guards import guard_errors, hide_server
from ringbridge.web.lobby import Lobby
from ringbridge.web.operator import operator_routes

__all__ = ["SWITCHBOARD", "open_brain_app"]

SWITCHBOARD = web.AppKey("SWITCHBOARD", Switchboard)
"""The calls that an application answers."""


@asynccontextmanager
async def open_brain_app(settings: BrainSettings, parts: BrainParts) -> AsyncIterator[web.Application]:
    """The brains as an aiohttp application, whose calls are at the bridge. Leaving the context lets go of them."""
    bridge = Bridge(settings.bridge_url, settings.shared_secrets[0])
    async with (
        open_dialler() as dialler,
        Tasks() as tasks,
        Switchboard(bridge, dialler, parts.observers) as switchboard,
    ):
        facilities = Facilities(
            memory=switchboard,
            models=parts.models,
            sounds=Sounds(dialler.session),
            tasks=tasks,
            transfer_numbers=dict(settings.transfer_numbers),
        )
        brains = Lobby(MAX_WAITING_BRAINS)
        app = web.Application(middlewares=[guard_errors])
        app[SWITCHBOARD] = switchboard
        app.on_response_prepare.append(hide_server)

        async def cut_strangers(_app: web.Application) -> None:
            brains.close()

        app.on_shutdown.extend((cut_strangers, switchboard.shut_down))
        app.add_routes(operator_routes(settings, parts.metrics, switchboard))
        app.add_routes(
            [
                brain_route(
                    settings,
                    brain=parts.brain,
                    find_call=switchboard.find,
                    facilities=facilities,
                    lobby=brains,
                    clock=parts.clock,
                )
            ]
        )
        yield app
