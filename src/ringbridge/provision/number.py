"""The telephone number: found, looked at, led to us, put back."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TypeAlias

from ringbridge.apis.elevenlabs_engines import ElevenLabsEngines
from ringbridge.apis.twilio_numbers import AccountNumber, TwilioNumbers
from ringbridge.errors import VendorError
from ringbridge.provision.failures import NotProvided
from ringbridge.provision.finding import Finding
from ringbridge.provision.journal import Journal, Written
from ringbridge.provision.steps import Tell
from ringbridge.provision.writing import to_its_end
from ringbridge.wanted.differences import Difference, Remark, take_back
from ringbridge.wanted.number import WantedNumber, compare, obstacles

__all__ = ["Choose", "NumberStep", "find_number", "put_back_number"]

Choose: TypeAlias = Callable[[Sequence[AccountNumber]], AccountNumber]
"""Asks which of several numbers it is to be, or raises `NotProvided` where nobody can be asked."""


@dataclass(slots=True)
class NumberStep:
    """Leads a number to the bridge; gives it as it is then. `takes` overrides that it seems to be somebody else's.

    What is changed is put back if there is a `journal`; without one it stays.
    """

    api: TwilioNumbers
    engines: ElevenLabsEngines
    number: AccountNumber
    wanted: WantedNumber
    takes: bool
    journal: Journal | None = None
    _entry: Written | None = field(default=None, init=False, repr=False)
    _is_unanswered: bool = field(default=False, init=False, repr=False)

    @property
    def title(self) -> str:
        """What it is about."""
        return "Telephone number"

    async def look(self) -> Finding:
        """How the number differs from what is wanted, and why it seems to be somebody else's. Raises `VendorError`."""
        agent = await self.engines.agent_of(self.number.phone_number)
        self.number = await self.api.read(self.number.sid)
        settings = self.number.settings
        remarks = obstacles(settings, agent, self.wanted)
        return Finding(
            "number",
            self.number.sid,
            self.number.phone_number,
            compare(settings, self.wanted),
            tuple(Remark(one.text, "it is taken all the same") for one in remarks) if self.takes else remarks,
        )

    async def do(self, tell: Tell) -> AccountNumber:
        """Raises `VendorError`, and `NotProvided` for a number that is not to be taken."""
        finding = await self.look()
        self.refuse(finding)
        for remark in finding.remarks:
            tell(f"taken, though {remark.text}")
        if finding.differences:
            await to_its_end(self._change(finding.differences))
            tell(f"{self.number.phone_number} leads to {self.wanted.voice_url.partition('#')[0]}")
        else:
            tell(f"{self.number.phone_number} is as it should be")
        return self.number

    async def undo(self, tell: Tell) -> None:
        """Raises `VendorError`."""
        entry, self._entry = self._entry, None
        if self.journal is None or entry is None:
            return
        is_there = await put_back_number(self.api, entry, tell)
        if self._is_unanswered and not is_there:
            tell(f"{entry.name}: nobody knows whether it is changed yet, so the next start looks again")
        else:
            self.journal.drop(entry)

    def refuse(self, finding: Finding) -> None:
        """Raises `NotProvided` with the reasons why the number is not to be changed, unless it is taken."""
        if finding.remarks and not self.takes:
            reasons = ", and ".join(remark.text for remark in finding.remarks)
            raise NotProvided(f"{self.number.phone_number} is in use: {reasons}", finding.remarks[0].mend)

    async def _change(self, differences: tuple[Difference, ...]) -> None:
        if self.journal is not None:
            entry = Written("number", self.number.sid, self.number.phone_number, differences)
            self.journal.add(entry)
            self._entry = entry
        try:
            self.number = await self.api.update(self.number.sid, _settings(differences))
        except VendorError as error:
            self._is_unanswered = error.status is None  # it may be done all the same, and as late as it likes
            raise
        if left := compare(self.number.settings, self.wanted):
            names = ", ".join(difference.name for difference in left)
            raise NotProvided(
                f"Twilio took the settings of {self.number.phone_number}, but {names} did not become as asked",
                "set that in the Twilio console",
            )


async def find_number(api: TwilioNumbers, phone_number: str | None, choose: Choose) -> AccountNumber:
    """The number that is called: the one that is named in E.164, else the account's only one, else the chosen one.

    Raises `VendorError`, and `NotProvided` for one that can't be called or is not there.
    """
    if phone_number is not None:
        return _callable(await api.find(phone_number), phone_number)
    numbers = [number for number in await api.every() if number.takes_calls]
    if not numbers:
        raise NotProvided("the Twilio account has no number that can be called", "buy one in the Twilio console")
    return numbers[0] if len(numbers) == 1 else choose(numbers)


async def put_back_number(api: TwilioNumbers, entry: Written, tell: Tell) -> bool:
    """Undo what the journal says was written to a number, as far as it is still so; gives whether any of it was.

    Raises `VendorError`.
    """
    try:
        number = await api.read(entry.id)
    except VendorError as error:
        if error.status != HTTPStatus.NOT_FOUND:
            raise
        tell(f"{entry.name} is gone, with all that was to be put back")
        return True
    back = take_back(entry.differences, number.settings)
    for change in back.left:
        tell(f"{entry.name}: {change.name} was changed by somebody else meanwhile, and stays")
    if back.differences:
        await api.update(entry.id, _settings(back.differences))
        tell(f"{entry.name} is as it was before")
    return bool(back.differences or back.left)


def _callable(number: AccountNumber | None, phone_number: str) -> AccountNumber:
    if number is None:
        raise NotProvided(
            f"{phone_number} is not a number of the Twilio account", "check TWILIO_PHONE_NUMBER and TWILIO_ACCOUNT_SID"
        )
    if not number.takes_calls:
        raise NotProvided(f"{phone_number} can't be called, Twilio says", "take a number with voice")
    return number


def _settings(differences: tuple[Difference, ...]) -> dict[str, str]:
    return {difference.path[0]: difference.wanted or "" for difference in differences}
