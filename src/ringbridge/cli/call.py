"""`ringbridge call`: the number phones somebody, who then talks with the bridge that it leads to."""

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final
from urllib.parse import urlsplit

import click
from pydantic import TypeAdapter, ValidationError

from ringbridge.cli.choosing import choose_number
from ringbridge.config import FromEnvironment, Settings, load
from ringbridge.errors import VendorError
from ringbridge.loops import run
from ringbridge.provision.failures import NotProvided
from ringbridge.provision.number import find_number
from ringbridge.setting_types import AccountSidText, Hint, Numbers, OneOrTwo, Origin, PhoneNumber, both
from ringbridge.web.calls import INCOMING_CALL

if TYPE_CHECKING:
    from ringbridge.apis.twilio_calls import TwilioCalls

__all__ = ["Outbound", "command", "ring"]

RING_SECONDS: Final = 30
"""How long it rings."""

FOLLOW_SECONDS: Final = 90.0
"""How long the call is followed that nobody takes: it may wait its turn at Twilio before it rings."""

PAUSE_SECONDS: Final = 1.0

_TOLD: Final = {"queued": "waits its turn at Twilio", "initiated": "is dialled", "ringing": "rings"}

_ENDED: Final = {
    "busy": "is busy",
    "no-answer": "was not answered",
    "canceled": "was called off",
    "failed": "can't be reached; see Monitor, Logs, Calls in the Twilio console",
}


def _field(name: str) -> Any:
    return Settings.model_fields[name].default


class Outbound(FromEnvironment):
    """What the command shares with `ringbridge serve`."""

    twilio_account_sid: Annotated[AccountSidText, Hint("copy the Account SID from the Twilio console", "AC" + "x" * 32)]
    twilio_auth_token: Annotated[
        OneOrTwo, Hint("copy the Auth Token from the Twilio console", "your-twilio-auth-token")
    ]
    twilio_phone_number: Annotated[PhoneNumber, Hint("write your Twilio number, which is to call")]
    twilio_base_url: Origin = _field("twilio_base_url")
    allowed_numbers: Numbers = ()


def _e164(ctx: click.Context, param: click.Parameter, value: str) -> str:
    try:
        return TypeAdapter(PhoneNumber).validate_python(value)
    except ValidationError as error:
        raise click.BadParameter(f"it {error.errors()[0]['ctx']['error']}", ctx, param) from None


@click.command("call")
@click.argument("number", callback=_e164)
@click.option("--env-file", type=click.Path(path_type=Path), default=Path(".env"), show_default=True)
def command(number: str, env_file: Path) -> None:
    """Phone NUMBER from your Twilio number, for a talk with the bridge that this leads to: that of `ringbridge up`.

    It must be one of ALLOWED_NUMBERS. Exits with 1 when nobody takes the call; Ctrl-C and SIGTERM call it off.
    """
    settings = load(Outbound, env_file)
    if number not in settings.allowed_numbers:
        listed = ",".join((*settings.allowed_numbers, number))
        raise NotProvided(f"{number} is not to be called", f"set ALLOWED_NUMBERS={listed}")
    run(ring(settings, number))


async def ring(settings: Outbound, number: str) -> None:
    """Place the call, and follow it until it is taken. Raises `VendorError`, and `NotProvided` when it is not."""
    from ringbridge.apis.twilio_calls import open_twilio_calls  # noqa: PLC0415 - heavy
    from ringbridge.apis.twilio_numbers import open_twilio_numbers  # noqa: PLC0415

    account = {
        "account_sid": settings.twilio_account_sid,
        "auth_token": both(settings.twilio_auth_token)[0],
        "base_url": settings.twilio_base_url,
    }
    async with open_twilio_numbers(**account) as numbers, open_twilio_calls(**account) as calls:
        own = await find_number(numbers, settings.twilio_phone_number, choose_number)
        if urlsplit(own.settings["voice_url"]).path != INCOMING_CALL:
            raise NotProvided(f"{own.phone_number} leads to no bridge", "start `ringbridge up` first")
        sid = await calls.place(to=number, from_=own.phone_number, reception=own.settings, ring_seconds=RING_SECONDS)
        try:
            async with asyncio.timeout(FOLLOW_SECONDS):
                await _taken(calls, sid, number)
        except TimeoutError:
            await calls.end(sid)
            raise NotProvided(f"{number} was not taken in {FOLLOW_SECONDS:g} s", "try again later") from None
        except asyncio.CancelledError:
            with suppress(VendorError):
                await calls.end(sid)
            raise


async def _taken(calls: "TwilioCalls", sid: str, number: str) -> None:
    """Tell how far the call is, until it is taken. Raises `NotProvided` when it is not."""
    told = ""
    while (status := await calls.status(sid)) in _TOLD:
        if status != told:
            click.echo(f"{number} {_TOLD[status]}.")
            told = status
        await asyncio.sleep(PAUSE_SECONDS)
    if status in _ENDED:
        what, _, mend = _ENDED[status].partition("; ")
        raise NotProvided(f"{number} {what}", mend or "try again later")
    click.echo(f"{number} has taken the call, and talks with the bridge.")
