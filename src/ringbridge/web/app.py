"""The application: every route, and what stands behind them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from ringbridge.calls.ledger import Ledger
from ringbridge.calls.tokens import CallTokens
from ringbridge.config import Settings
from ringbridge.live.call import Services
from ringbridge.live.roster import Roster
from ringbridge.live.sockets import client_session
from ringbridge.parts import Parts
from ringbridge.phrases import ENGLISH
from ringbridge.web import calls
from ringbridge.web.brain import BrainDesk
from ringbridge.web.calls import CallDesk
from ringbridge.web.guards import TwilioGuard, guard_errors, hide_server
from ringbridge.web.health import HealthDesk
from ringbridge.web.media import MediaDesk

__all__ = ["open_app"]

BRAIN = "/ws"


@asynccontextmanager
async def open_app(settings: Settings, parts: Parts) -> AsyncIterator[web.Application]:
    """The bridge as an aiohttp application. Leaving the context ends every call and gives everything back."""
    ledger = Ledger(parts.clock)
    async with client_session() as session:
        services = Services(parts.engine, parts.phone, session, ledger.record, parts.observers)
        async with Roster(services, greeting=settings.greeting or None) as roster:
            app = web.Application(middlewares=[guard_errors])
            app.on_response_prepare.append(hide_server)
            app.on_shutdown.append(roster.shut_down)
            app.add_routes(_routes(settings, parts, ledger, roster))
            yield app


def _routes(settings: Settings, parts: Parts, ledger: Ledger, roster: Roster) -> list[web.RouteDef]:
    guard = TwilioGuard(
        origin=str(settings.public_url),
        tokens=settings.twilio_auth_tokens,
        check_upgrade=settings.check_upgrade_signature,
    )
    tokens = CallTokens(settings.shared_secrets)
    number = settings.twilio_phone_number
    desk = CallDesk(
        guard=guard,
        roster=roster,
        ledger=ledger,
        tokens=tokens,
        public_url=settings.public_url,
        fallback_number=settings.fallback_number,
        own_numbers=(number,) if number else (),
        phrases=ENGLISH,
        clock=parts.clock,
    )
    media = MediaDesk(guard=guard, roster=roster, ledger=ledger, tokens=tokens, clock=parts.clock)
    brain = BrainDesk(
        shared_secrets=settings.shared_secrets,
        api_key=settings.elevenlabs_api_key.get_secret_value(),
        check_token=settings.brain_auth == "both",
        clock=parts.clock,
        brain=parts.brain,
        find_call=roster.find,
        phrases=ENGLISH,
    )
    health = HealthDesk(roster)
    return [
        web.post(calls.INCOMING_CALL, desk.incoming_call),
        web.post(calls.CALL_ENDED, desk.call_ended),
        web.post(calls.DIAL_ENDED, desk.dial_ended),
        web.post(calls.STREAM_STATUS, desk.stream_status),
        web.post(calls.FALLBACK, desk.fallback),
        web.get(calls.MEDIA_STREAM, media.handle, allow_head=False),
        web.get(BRAIN, brain.handle, allow_head=False),
        web.get("/healthz", health.healthz),
        web.get("/readyz", health.readyz),
    ]
