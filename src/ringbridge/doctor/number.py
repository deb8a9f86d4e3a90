"""The telephone number: whether its calls come to the bridge."""

from collections.abc import Sequence
from typing import Final, NoReturn

from ringbridge.apis.elevenlabs_engines import open_elevenlabs_engines
from ringbridge.apis.twilio_numbers import AccountNumber, open_twilio_numbers
from ringbridge.doctor.verdict import Verdict, failure, ok, parted, warning
from ringbridge.errors import VendorError
from ringbridge.provision.account import wanted_number
from ringbridge.provision.failures import NotProvided
from ringbridge.provision.number import find_number
from ringbridge.provision.outset import PENDING_URL, Line
from ringbridge.wanted.differences import Difference, Remark, shown
from ringbridge.wanted.number import WantedNumber, compare, obstacles

__all__ = ["NUMBER", "check_number"]

NUMBER: Final = "Twilio number"
WEBHOOK: Final = "Twilio number's webhook"
IMPORTED: Final = "ElevenLabs numbers"

_SET_UP: Final = "write it with `ringbridge setup --apply`"


async def check_number(line: Line) -> list[Verdict]:
    """Look at the number, and at who else may have it. Raises `VendorError` and `NotProvided`.

    While there is no address yet, `ringbridge up` leads its calls to one: that is not looked at.
    """
    async with open_twilio_numbers(
        account_sid=line.twilio_account_sid, auth_token=line.twilio_token, base_url=line.twilio_base_url
    ) as numbers:
        number = await find_number(numbers, line.twilio_phone_number, _choose)
    wanted = wanted_number(line.public_url or PENDING_URL)
    agent, unseen = await _agent_of(line, number.phone_number)
    taken = obstacles(number.settings, agent, wanted)
    found = failure(NUMBER, *_told(number, taken)) if taken else ok(NUMBER, f"{number.phone_number} takes calls")
    led = [] if line.public_url is None else [_webhook(number, wanted)]
    return [found, *led, *unseen]


async def _agent_of(line: Line, phone_number: str) -> tuple[str | None, list[Verdict]]:
    async with open_elevenlabs_engines(api_key=line.elevenlabs_key, base_url=line.elevenlabs_base_url) as engines:
        try:
            return await engines.agent_of(phone_number), []
        except VendorError as error:
            found, mend = parted(str(error))
            return None, [warning(IMPORTED, f"whether an agent there has the number can't be seen: {found}", mend)]


def _choose(numbers: Sequence[AccountNumber]) -> NoReturn:
    raise NotProvided(f"the account has {len(numbers)} numbers", "set TWILIO_PHONE_NUMBER to the one that is called")


def _told(number: AccountNumber, taken: tuple[Remark, ...]) -> tuple[str, str]:
    reasons = ", and ".join(remark.text for remark in taken)
    return f"{number.phone_number}: {reasons}", "`ringbridge setup --apply --take` takes it, or take another number"


def _webhook(number: AccountNumber, wanted: WantedNumber) -> Verdict:
    differences = {difference.path[0]: difference for difference in compare(number.settings, wanted)}
    asked = differences.get("voice_url")
    if asked is not None and _without_fragment(asked.current) != _without_fragment(wanted.voice_url):
        current, ours = shown(asked)
        return failure(WEBHOOK, f"calls ask {current}, not {_without_fragment(ours)}", _SET_UP)
    if method := differences.get("voice_method"):
        return failure(WEBHOOK, f"calls ask it by {shown(method)[0]}, and the bridge answers POST alone", _SET_UP)
    if lesser := [*_lesser(differences)]:
        return warning(WEBHOOK, ", ".join(lesser), _SET_UP)
    return ok(WEBHOOK, f"calls ask {_without_fragment(wanted.voice_url)}")


def _lesser(differences: dict[str, Difference]) -> list[str]:
    found = []
    if "voice_url" in differences:
        found.append("Twilio is to wait and to retry otherwise than it should, by the URL's fragment")
    fallback = differences.get("voice_fallback_url")
    if fallback is not None and not fallback.current:  # any that is set may be a TwiML Bin, which is better than ours
        found.append("there is no fallback URL: where the bridge is down, callers hear an error")
    if "status_callback" in differences:
        found.append("the status callback is not ours: a call that ends while it rings is noticed late")
    return found


def _without_fragment(url: str) -> str:
    return url.partition("#")[0]
