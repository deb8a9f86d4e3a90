"""Engine and number for a bridge whose address is known and stays: looked at, or written for good."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

from ringbridge.apis.elevenlabs_engines import ElevenLabsEngines, open_elevenlabs_engines
from ringbridge.apis.twilio_numbers import TwilioNumbers, open_twilio_numbers
from ringbridge.provision.account import Account, new_secret, wanted_engines, wanted_number
from ringbridge.provision.dotenv import remember
from ringbridge.provision.engine import EngineStep
from ringbridge.provision.finding import Finding
from ringbridge.provision.journal import FILE, open_journal, unfinished
from ringbridge.provision.number import Choose, NumberStep, find_number
from ringbridge.provision.steps import Tell
from ringbridge.provision.undo import finish_undo
from ringbridge.setting_types import Hint, PublicHost
from ringbridge.wanted.differences import Difference, Remark

__all__ = ["FixedAddress", "Request", "set_up"]

_SECRET = "SHARED_SECRET"  # noqa: S105 - its name


class FixedAddress(Account):
    """The accounts, and where the world reaches the bridge."""

    public_url: Annotated[
        PublicHost, Hint("write the host name that your tunnel or proxy shows to the world", "your-name.ngrok.app")
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is asked for beside the settings; `None` leaves it to them, or to what is there."""

    applies: bool
    takes: bool
    fallback_url: str | None = None
    voice: str | None = None
    language: str | None = None
    greeting: str | None = None


async def set_up(
    account: FixedAddress, env_file: Path, request: Request, *, choose: Choose, tell: Tell
) -> list[Finding]:
    """What differs and, with `request.applies`, was written. What had to be made is in `env_file` then.

    First, what an earlier process was killed over is put back; `tell` hears of that. Raises `RingbridgeError`; what
    was written until then stays, and the next time finds the rest.
    """
    async with (
        open_elevenlabs_engines(api_key=account.elevenlabs_key, base_url=account.elevenlabs_base_url) as engines,
        open_twilio_numbers(
            account_sid=account.twilio_account_sid,
            auth_token=account.twilio_token,
            base_url=account.twilio_base_url,
        ) as numbers,
    ):
        if not request.applies:
            arrangement = await _arrange(account, env_file, request, engines, numbers, choose=choose)
            return [*_left_behind(env_file.parent), *await arrangement.look()]
        with open_journal(env_file.parent) as journal:
            await finish_undo(journal, engines, numbers, tell)
            arrangement = await _arrange(account, env_file, request, engines, numbers, choose=choose)
            return await arrangement.write()


@dataclass(frozen=True, slots=True)
class _Arrangement:
    """All that is to be set up. `notes` are the settings to be remembered: what each was, and is to be."""

    env_file: Path
    notes: Mapping[str, tuple[str | None, str]]
    engines: list[EngineStep]
    number: NumberStep

    async def look(self) -> list[Finding]:
        """What differs. Raises `NotProvided` for a number that is not to be taken."""
        notes = [Difference((name,), was, value, name == _SECRET) for name, (was, value) in self.notes.items()]
        settings = [Finding("settings", str(self.env_file), "", tuple(notes))] if notes else []
        engines = [await engine.look() for engine in self.engines]
        number = await self.number.look()
        self.number.refuse(number)
        return [*settings, *engines, number]

    async def write(self) -> list[Finding]:
        """What differed. The secret is remembered before an engine has it: nobody else would know it."""
        findings = await self.look()
        for name, (_, value) in self.notes.items():
            remember(self.env_file, name, value)
        for engine in self.engines:
            made = await engine.do(_in_silence)
            findings = [replace(finding, id=made) if finding.id is None else finding for finding in findings]
        await self.number.do(_in_silence)
        return findings


async def _arrange(
    account: FixedAddress,
    env_file: Path,
    request: Request,
    engines: ElevenLabsEngines,
    numbers: TwilioNumbers,
    *,
    choose: Choose,
) -> _Arrangement:
    number = await find_number(numbers, account.twilio_phone_number, choose)
    secret = account.secret or new_secret()
    greeting = account.greeting if request.greeting is None else request.greeting
    settings = {
        _SECRET: (account.secret, secret),
        "TWILIO_PHONE_NUMBER": (account.twilio_phone_number, number.phone_number),
        "GREETING": (account.greeting, greeting),
    }
    wanted = wanted_engines(
        account,
        account.public_url,
        secret=secret,
        greeting=greeting,
        language=request.language,
        voice=request.voice,
    )
    return _Arrangement(
        env_file=env_file,
        notes={name: sides for name, sides in settings.items() if sides[0] != sides[1]},
        engines=[
            EngineStep(engines, engine, engine_id, lambda made: remember(env_file, "SPEECH_ENGINE_ID", made))
            for engine_id, engine in wanted
        ],
        number=NumberStep(
            numbers,
            engines,
            number,
            wanted_number(account.public_url, fallback_url=request.fallback_url),
            takes=request.takes,
        ),
    )


def _left_behind(folder: Path) -> list[Finding]:
    if not unfinished(folder):
        return []
    text = "`ringbridge up` has changed something and not put it back: it is running, or was killed"
    return [Finding("journal", str(folder / FILE), "", (), (Remark(text, "--apply puts it back first"),))]


def _in_silence(_: str) -> None:
    """What is done was told as a finding."""
