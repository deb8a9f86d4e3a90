"""The application: every route, and what stands behind them."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime

from aiohttp import web

from ringbridge.apis.dialling import Dialler, open_dialler
from ringbridge.calls.documents import (
    CALL_ENDED,
    DIAL_ENDED,
    MEDIA_STREAM,
    STREAM_STATUS,
    VOICEMAIL_ENDED,
    WHISPER,
    Documents,
)
from ringbridge.calls.ledger import Ledger
from ringbridge.calls.tokens import CallTokens
from ringbridge.config import Settings
from ringbridge.live.audience import Audience
from ringbridge.live.call import Services
from ringbridge.live.line import Facilities
from ringbridge.live.reaper import reap
from ringbridge.live.roster import Roster
from ringbridge.live.sounds import Sounds
from ringbridge.live.tasks import Tasks
from ringbridge.parts import Parts
from ringbridge.split.messages import CALLS
from ringbridge.web import calls
from ringbridge.web.brain import BRAIN, MAX_WAITING_BRAINS, brain_route
from ringbridge.web.calls import CallDesk
from ringbridge.web.gate import Gate
from ringbridge.web.guards import TwilioGuard, guard_errors, hide_server
from ringbridge.web.internal import InternalDesk
from ringbridge.web.lobby import Lobby
from ringbridge.web.media import MAX_WAITING_STREAMS, MediaDesk
from ringbridge.web.operator import operator_routes

__all__ = ["BRAIN", "ROSTER", "open_app"]

ROSTER = web.AppKey("ROSTER", Roster)
"""The calls in progress of an application."""

COUNT_SECONDS = 1.0
"""How long the minutes of the calls that end only now may take to be counted."""

NONCE_BYTES = 16
"""128 bits: a token can't be guessed."""


@asynccontextmanager
async def open_app(settings: Settings, parts: Parts) -> AsyncIterator[web.Application]:
    """The bridge as an aiohttp application. Leaving the context ends every call and gives everything back.

    Where `parts` have no brain, ElevenLabs dials those of another service, which ask here for their calls.
    """
    ledger = Ledger(parts.clock)
    tokens = CallTokens(settings.shared_secrets)
    documents = _documents(settings, tokens, parts.clock)
    zone = settings.zone
    async with Tasks() as counting, open_dialler() as dialler:
        gate = Gate(
            rules=settings.rules,
            usage=parts.usage,
            tasks=counting,
            at_once=lambda: roster.held,
            now=lambda: datetime.fromtimestamp(parts.clock(), zone),
            elapsed=asyncio.get_running_loop().time,
        )
        services = Services(
            engine=parts.engine,
            phone=parts.phone,
            dialler=dialler,
            documents=documents,
            record=ledger.record,
            apologised=ledger.apologise,
            clips=parts.clips,
            max_call_seconds=settings.max_call_seconds,
            audience=Audience((*parts.observers, gate.observe)),
        )
        greeting = settings.greeting or None
        async with Roster(services, greeting=greeting, default=settings.default_engine) as roster:
            roster.tasks.start(reap(roster, parts.phone), name="look after the calls")
            app = web.Application(middlewares=[guard_errors])
            app[ROSTER] = roster
            parts.metrics.watch_buffers(lambda: roster.unsent)
            app.on_response_prepare.append(hide_server)
            streams, brains = Lobby(MAX_WAITING_STREAMS), Lobby(MAX_WAITING_BRAINS)

            async def cut_strangers(_app: web.Application) -> None:
                streams.close()
                brains.close()

            app.on_shutdown.extend((cut_strangers, roster.shut_down))
            app.add_routes(
                _routes(
                    settings,
                    parts,
                    ledger=ledger,
                    tokens=tokens,
                    documents=documents,
                    roster=roster,
                    gate=gate,
                    streams=streams,
                )
            )
            app.add_routes([_brains(settings, parts, roster=roster, dialler=dialler, lobby=brains)])
            yield app
        await counting.close(grace=COUNT_SECONDS)


def _documents(settings: Settings, tokens: CallTokens, clock: Callable[[], float]) -> Documents:
    number = settings.twilio_phone_number
    return Documents(
        tokens=tokens,
        public_url=settings.public_url,
        fallback_number=settings.fallback_number,
        own_numbers=(number,) if number else (),
        whisper_text=settings.transfer_whisper,
        takes_messages=settings.voicemail,
        clock=clock,
        nonce=lambda: secrets.token_urlsafe(NONCE_BYTES),
    )


def _routes(
    settings: Settings,
    parts: Parts,
    *,
    ledger: Ledger,
    tokens: CallTokens,
    documents: Documents,
    roster: Roster,
    gate: Gate,
    streams: Lobby,
) -> list[web.RouteDef]:
    guard = TwilioGuard(
        origin=str(settings.public_url),
        tokens=settings.twilio_auth_tokens,
        check_upgrade=settings.check_upgrade_signature,
    )
    desk = CallDesk(
        guard=guard,
        roster=roster,
        ledger=ledger,
        documents=documents,
        engines=settings.speech_engine_ids,
        default=settings.default_engine,
        gate=gate,
        refused=settings.refused_callers,
    )
    media = MediaDesk(guard=guard, roster=roster, ledger=ledger, tokens=tokens, clock=parts.clock, lobby=streams)
    return [
        web.post(calls.INCOMING_CALL, desk.incoming_call),
        web.post(CALL_ENDED, desk.call_ended),
        web.post(DIAL_ENDED, desk.dial_ended),
        web.post(WHISPER, desk.whisper),
        web.post(VOICEMAIL_ENDED, desk.voicemail_ended),
        web.post(STREAM_STATUS, desk.stream_status),
        web.post(calls.FALLBACK, desk.fallback),
        web.get(MEDIA_STREAM, media.handle, allow_head=False),
        *operator_routes(settings, parts.metrics, roster),
    ]


def _brains(settings: Settings, parts: Parts, *, roster: Roster, dialler: Dialler, lobby: Lobby) -> web.RouteDef:
    """Where words come from: ElevenLabs' sockets, or those of the brains' own service."""
    transfer_numbers = dict(settings.transfer_numbers)
    if parts.brain is None or parts.models is None:
        internal = InternalDesk(
            shared_secrets=settings.shared_secrets,
            roster=roster,
            memory=parts.memory,
            transfer_numbers=transfer_numbers,
        )
        return web.get(CALLS, internal.handle, allow_head=False)
    facilities = Facilities(
        memory=parts.memory,
        models=parts.models,
        sounds=Sounds(dialler.session),
        tasks=roster.tasks,
        transfer_numbers=transfer_numbers,
    )
    return brain_route(
        settings, brain=parts.brain, find_call=roster.find, facilities=facilities, lobby=lobby, clock=parts.clock
    )
