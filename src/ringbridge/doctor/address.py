"""The public address: its name and certificate, and then the way from there to this process, or to whoever is there."""

import asyncio
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
from ringbridge.doctor.running import RunningBridge, process_on
from ringbridge.doctor.through import REACHED, SIGNED, SOCKET, Way
from ringbridge.doctor.verdict import Verdict, failure, has_failure, warning
from ringbridge.doctor.witness import Witness, open_witness

__all__ = ["IDLE_SECONDS", "Wishes", "address_seconds", "check_address"]

IDLE_SECONDS: Final = 3.0

SPARE_SECONDS: Final = 0.3
"""What lies further in has so much less time, so that a verdict outside it is not lost with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What is asked for: a conversation for real, and how many seconds of silence a socket is to be tried with.

    `outside` is how the public name is reached, `clock` the time as `time.time` tells it.
    """

    live: bool = False
    idle_seconds: float = IDLE_SECONDS
    outside: Outside = field(default_factory=Outside)
    clock: Callable[[], float] = time.time


def address_seconds(wishes: Wishes) -> float:
    """What the public address may take: as long as any check, but for silence that is asked for."""
    return SECONDS + wishes.idle_seconds - IDLE_SECONDS


async def check_address(settings: Settings, wishes: Wishes) -> list[Verdict]:
    """The public name: first its door, then what lies behind."""
    until = asyncio.get_running_loop().time() + address_seconds(wishes) - SPARE_SECONDS
    verdicts = [await check_dns(wishes.outside, settings.public_url)]
    if has_failure(verdicts):
        return verdicts
    verdicts.append(await check_tls(wishes.outside, settings.public_url, wishes.clock))
    if has_failure(verdicts):
        return verdicts
    behind = Check(REACHED, partial(_behind, settings, wishes, until - SPARE_SECONDS), _left(until))
    return [*verdicts, *await carry_out([behind])]


def _left(until: float) -> float:
    return round(max(until - asyncio.get_running_loop().time(), 0.1), 1)


async def _behind(settings: Settings, wishes: Wishes, until: float) -> Sequence[Verdict]:
    answering = Answering(settings, wishes.clock)
    try:
        async with open_witness(host=settings.host, port=settings.port, brain=answering.serve) as witness:
            return await _to_ourselves(settings, wishes, witness, answering, until)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return await _to_whoever_runs(settings, wishes)
        found = f"{settings.host}:{settings.port} can't be listened on: {os.strerror(error.errno or 0)}"
        return [failure(REACHED, found, "set HOST and PORT to an address of this machine")]


async def _to_ourselves(
    settings: Settings, wishes: Wishes, witness: Witness, answering: Answering, until: float
) -> Sequence[Verdict]:
    async with wishes.outside.session() as session:
        way = Way(session, settings.public_url, witness, settings.twilio_auth_tokens)
        reached = await way.reached()
        if reached.outcome == "failure":
            return [reached]
        seconds = _left(until)
        checks = [
            Check(SIGNED, way.webhook, seconds),
            Check(SOCKET, partial(way.socket, wishes.idle_seconds), seconds),
            *([Check(LIVE, partial(converse, settings, answering), seconds)] if wishes.live else []),
        ]
        return [reached, *await carry_out(checks)]


async def _to_whoever_runs(settings: Settings, wishes: Wishes) -> Sequence[Verdict]:
    process = await process_on(settings.host, settings.port)
    if process is None:
        found = f"something else than a bridge listens on port {settings.port}"
        return [failure(REACHED, found, "stop it, or set PORT, and lead the tunnel or proxy there")]
    async with wishes.outside.session() as session:
        bridge = RunningBridge(session, settings.public_url, settings.port, process, settings.twilio_auth_tokens[0])
        verdicts = [await bridge.reached()]
        if has_failure(verdicts):
            return verdicts
        verdicts += await bridge.webhook()
        if has_failure(verdicts):
            return verdicts
        verdicts += await bridge.socket()
    if wishes.live:
        call = f"call it instead: ringbridge simulate --url {settings.public_url}"
        verdicts.append(warning(LIVE, f"not opened, as a bridge runs on port {settings.port}", f"stop it, or {call}"))
    return verdicts
