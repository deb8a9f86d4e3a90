"""The public address: its name and certificate, and then the way from there to this process, or to whoever is there."""

import errno
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from ringbridge.config import Settings
from ringbridge.doctor.answering import Answering
from ringbridge.doctor.checks import SECONDS, Check, carry_out
from ringbridge.doctor.live import LIVE, converse
from ringbridge.doctor.outside import Outside, check_dns, check_tls
from ringbridge.doctor.running import RunningBridge, is_bridge
from ringbridge.doctor.through import REACHED, SIGNED, SOCKET, Way
from ringbridge.doctor.verdict import Verdict, failure, has_failure, warning
from ringbridge.doctor.witness import Witness, open_witness

__all__ = ["IDLE_SECONDS", "Wishes", "check_address"]

IDLE_SECONDS: Final = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What is asked for: a conversation for real, and how many seconds of silence a socket is to be tried with.

    `outside` is how the public name is reached, `clock` the time as `time.time` tells it.
    """

    live: bool = False
    idle_seconds: float = IDLE_SECONDS
    outside: Outside = field(default_factory=Outside)
    clock: Callable[[], float] = time.time


async def check_address(settings: Settings, wishes: Wishes) -> list[Verdict]:
    """The public name: first its door, then what lies behind."""
    verdicts = [await check_dns(wishes.outside, settings.public_url)]
    if has_failure(verdicts):
        return verdicts
    verdicts.append(await check_tls(wishes.outside, settings.public_url, wishes.clock))
    if has_failure(verdicts):
        return verdicts
    answering = Answering(settings, wishes.clock)
    try:
        async with open_witness(host=settings.host, port=settings.port, brain=answering.serve) as witness:
            return [*verdicts, *await _to_ourselves(settings, wishes, witness, answering)]
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return [*verdicts, *await _to_whoever_runs(settings, wishes)]
        found = f"{settings.host}:{settings.port} can't be listened on: {os.strerror(error.errno or 0)}"
        return [*verdicts, failure(REACHED, found, "set HOST and PORT to an address of this machine")]


async def _to_ourselves(
    settings: Settings, wishes: Wishes, witness: Witness, answering: Answering
) -> Sequence[Verdict]:
    async with wishes.outside.session() as session:
        way = Way(session, settings.public_url, witness, settings.twilio_auth_tokens)
        reached = await way.reached()
        if reached.outcome == "failure":
            return [reached]
        checks = [
            Check(SIGNED, way.webhook),
            Check(SOCKET, partial(way.socket, wishes.idle_seconds), SECONDS + wishes.idle_seconds),
            *([Check(LIVE, partial(converse, settings, answering))] if wishes.live else []),
        ]
        return [reached, *await carry_out(checks)]


async def _to_whoever_runs(settings: Settings, wishes: Wishes) -> Sequence[Verdict]:
    if not await is_bridge(settings.host, settings.port):
        found = f"something else than a bridge listens on port {settings.port}"
        return [failure(REACHED, found, "stop it, or set PORT, and lead the tunnel or proxy there")]
    async with wishes.outside.session() as session:
        bridge = RunningBridge(session, settings.public_url, settings.port, settings.twilio_auth_tokens[0])
        reached = await bridge.webhook()
        if has_failure(reached):
            return reached
        verdicts = [*reached, *await bridge.socket()]
    if wishes.live:
        call = f"call it instead: ringbridge simulate --url {settings.public_url}"
        verdicts.append(warning(LIVE, f"not opened, as a bridge runs on port {settings.port}", f"stop it, or {call}"))
    return verdicts
