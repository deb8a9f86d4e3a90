"""Carries out what `ringbridge simulate` was asked for."""

import asyncio
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ringbridge import log
from ringbridge.audio.wav import WavError, write_stereo
from ringbridge.cli.places import Place, own_bridge, running_bridge
from ringbridge.cli.screen import Display
from ringbridge.emulator.caller import Caller
from ringbridge.emulator.crowd import crowd, measured
from ringbridge.emulator.play import Report, load_sounds, play
from ringbridge.emulator.scenario import Scenario
from ringbridge.emulator.speech.base import Speech
from ringbridge.emulator.speech.exact import ExactEars
from ringbridge.emulator.twilio.phone import PhoneCall
from ringbridge.emulator.wiretap import Wiretap

if TYPE_CHECKING:
    from concurrent.futures import Future

__all__ = ["Plan", "set_up_log", "simulate"]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be played: `at_once` calls at a time, new ones for `seconds`; the first is recorded, if so wished.

    To a bridge at `url`, Twilio's twin is an API at `rest_port`, too, or (0) at any that is free.
    """

    scenario: Scenario
    brain: str | None
    url: str | None
    rest_port: int
    at_once: int
    seconds: float
    record: Path | None


def set_up_log(*, verbose: bool) -> None:
    """The bridge's log on standard error, or nowhere: who plays a call looks at the dialogue."""
    if verbose:
        log.set_up()
    else:
        logging.getLogger().addHandler(logging.NullHandler())


async def simulate(plan: Plan, loading: "Future[tuple[Speech, str]]", display: Display) -> bool:
    """Play the calls as soon as the speech is loaded. Whether all went as it should."""
    try:
        sounds = load_sounds(plan.scenario)
    except WavError as error:
        raise click.ClickException(str(error)) from error
    speech, notice = await asyncio.wrap_future(loading)
    if notice:
        display.notice(notice)
    faults = plan.scenario.faults
    place = (
        running_bridge(plan.url, speech, faults, plan.rest_port)
        if plan.url
        else own_bridge(plan.brain, speech, faults, display.observe)
    )
    async with place as line:
        calls = _Calls(plan, line, speech, sounds, display)
        async with measured(at_once=plan.at_once) as load:
            reports = await crowd(calls.one, at_once=plan.at_once, seconds=plan.seconds)
        problems = load.leftovers(plan.at_once) + [problem for report in reports for problem in report.problems]
        display.result(reports, load, problems)
        if plan.record and calls.first:
            display.notice(await asyncio.to_thread(_record, plan.record, calls.first))
    return not problems


class _Calls:
    """One call after the other, each from dialling to its report."""

    def __init__(self, plan: Plan, place: Place, speech: Speech, sounds: dict[str, bytes], display: Display) -> None:
        self._plan = plan
        self._place = place
        self._speech = speech
        self._sounds = sounds
        self._display = display
        self.first: PhoneCall | None = None
        """The one whose tapes are kept."""

    async def one(self) -> Report:
        """Dial, play, and forget everything but the report: hours of calls would not fit into memory."""
        engine = self._place.elevenlabs
        phone = await self._place.dial()
        self.first = self.first or phone
        wiretap = Wiretap(phone, engine.conversations if engine else None)
        async with Caller(phone, self._speech) as caller:
            self._display.follow(caller)
            exact = isinstance(self._speech.ears, ExactEars)
            report = await play(self._plan.scenario, caller, wiretap, sounds=self._sounds, exact=exact)
        self._display.finished(report)
        del self._place.twilio.calls[phone.sid]
        if engine:
            engine.conversations[:] = [talk for talk in engine.conversations if not talk.gone.is_set()]
        return report


def _record(path: Path, phone: PhoneCall) -> str:
    try:
        write_stereo(path, bytes(phone.sent), bytes(phone.heard))
    except OSError as error:
        raise click.ClickException(f"{path}: {error.strerror}") from error
    return f"Recorded in {path}: the caller on the left channel, the agent on the right."
