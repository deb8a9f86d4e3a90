"""Everything that is looked at: what depends on nothing at once, what goes through the public name after its door."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from ringbridge.config import Settings, load
from ringbridge.doctor.address import Wishes, address_seconds, check_address
from ringbridge.doctor.checks import Check, carry_out
from ringbridge.doctor.clock import CLOCK, check_clock
from ringbridge.doctor.elevenlabs import KEY, check_elevenlabs
from ringbridge.doctor.engine import ENGINE, check_engines
from ringbridge.doctor.machine import check_descriptors, check_libraries, check_processor, check_python, hard_limit
from ringbridge.doctor.models import MODEL, check_model, models_of
from ringbridge.doctor.number import NUMBER, check_number
from ringbridge.doctor.settings import check_brain, check_env_file, check_settings
from ringbridge.doctor.twilio import ACCOUNT, check_twilio
from ringbridge.doctor.verdict import Verdict, warning
from ringbridge.errors import SettingsError
from ringbridge.provision.outset import Line, Outset

__all__ = ["examine"]

_UNSEEN: Final = warning("the rest", "not looked at, as some settings need mending", "mend those first")

_NO_ADDRESS: Final = warning("the public address", "not looked at, as some settings are missing", "see above")

_MOST_CALLS: Final[int] = Settings.model_fields["max_calls"].default


async def examine(env_file: Path, environ: Mapping[str, str], wishes: Wishes) -> list[Verdict]:
    """Look at everything; gives the verdicts in the table's order. Nothing is changed, and nobody is called.

    What `ringbridge up` finds or makes by itself may be missing: the rest is looked at all the same.
    """
    served, told = check_settings(env_file, environ)
    verdicts = [*check_python(), *check_libraries(), *told, *check_env_file(env_file)]
    try:
        line = load(Line, env_file, environ)
    except SettingsError:
        return [*verdicts, _UNSEEN]
    try:
        settings = Outset.of(env_file, environ).settings
    except SettingsError:
        return [*verdicts, *await carry_out([*_vendors(line, _MOST_CALLS, (), wishes)]), _UNSEEN]
    verdicts += check_brain(settings)
    limits = [*check_processor(settings.max_calls), *check_descriptors(settings.max_calls, hard_limit())]
    checks = [
        *_vendors(line, settings.max_calls, _dialled(settings), wishes),
        *([] if served is None else [_address(served, wishes)]),
        *(Check(f"{MODEL} {name}", partial(check_model, settings, name)) for name in models_of(settings)),
    ]
    unseen = [_NO_ADDRESS] if served is None else []
    return [*verdicts, *await carry_out(checks), *unseen, *limits]


def _address(settings: Settings, wishes: Wishes) -> Check:
    return Check("public address", partial(check_address, settings, wishes), address_seconds(wishes))


def _dialled(settings: Settings) -> list[str]:
    """Whom the bridge may call, in E.164."""
    transferred = (number for _, number in settings.transfer_numbers)
    return [*filter(None, [settings.fallback_number]), *transferred, *settings.allowed_numbers]


def _vendors(line: Line, max_calls: int, dialled: Sequence[str], wishes: Wishes) -> Iterator[Check]:
    elevenlabs, twilio = line.elevenlabs_base_url, line.twilio_base_url
    key, token = line.elevenlabs_key, line.twilio_token
    yield Check(CLOCK, partial(check_clock, {"ElevenLabs": elevenlabs, "Twilio": twilio}, wishes.clock))
    yield Check(KEY, partial(check_elevenlabs, api_key=key, base_url=elevenlabs, max_calls=max_calls))
    yield Check(ENGINE, partial(check_engines, line))
    sid = line.twilio_account_sid
    yield Check(ACCOUNT, partial(check_twilio, account_sid=sid, auth_token=token, base_url=twilio, dialled=dialled))
    yield Check(NUMBER, partial(check_number, line))
