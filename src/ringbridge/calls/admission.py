"""Whether a call is taken: decided in the webhook, before anything is opened that costs money."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

import phonenumbers

from ringbridge.phrases import Phrases
from ringbridge.wire.twiml import WITHHELD
from ringbridge.wire.webhook import is_e164

__all__ = ["Callers", "Counts", "Rules", "Why", "admit", "is_anonymous", "parse_callers"]

_ADDRESSES = ("client:", "sip:", "sips:")
"""Who calls from these has no number: <https://www.twilio.com/docs/voice/twiml#request-parameters>."""

_ANONYMOUS_SIP = re.compile(r"sips?:anonymous@", re.IGNORECASE)
"""RFC 3323, section 4.1.1.3."""


class Why(Enum):
    """What speaks against a call."""

    BLOCKED = "blocked"
    NOT_ALLOWED = "not on the allow list"
    ANONYMOUS = "anonymous"
    CLOSED = "outside the opening hours"
    CALLED_TOO_OFTEN = "called too often"
    MINUTES_SPENT = "the day's minutes are spent"
    LINES_BUSY = "all lines are busy"

    def sentence(self, phrases: Phrases) -> str:
        """What the caller is told."""
        match self:
            case Why.BLOCKED | Why.NOT_ALLOWED | Why.ANONYMOUS:
                return phrases.not_accepted
            case Why.CLOSED:
                return phrases.closed
            case Why.CALLED_TOO_OFTEN:
                return phrases.called_too_often
            case Why.MINUTES_SPENT | Why.LINES_BUSY:
                return phrases.lines_busy


@dataclass(frozen=True, slots=True)
class Callers:
    """A list of callers: exact ones, numbers that begin alike, countries by their ISO 3166 codes.

    A number of no country, which may be made up, is the main one's of its calling code: +1 is the US, +7 Russia.
    """

    exact: frozenset[str] = frozenset()
    prefixes: tuple[str, ...] = ()
    countries: frozenset[str] = frozenset()

    def have(self, caller: str) -> bool:
        """Whether this caller, as Twilio gives them, is among them."""
        if caller in self.exact:
            return True
        if is_anonymous(caller) or not is_e164(caller):
            return False  # ANONYMOUS on a keypad would be a number of Lesotho, RESTRICTED one of Russia
        return caller.startswith(self.prefixes) or (bool(self.countries) and _country(caller) in self.countries)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What is set. `None` is no bound; `is_open` tells of a moment, by our own clock, whether it is in the hours."""

    max_calls: int
    per_minute: int | None = None
    per_day: int | None = None
    daily_seconds: int | None = None
    blocked: Callers = Callers()
    allowed: Callers | None = None
    takes_anonymous: bool = True
    is_open: Callable[[datetime], bool] | None = None

    @property
    def counts_calls(self) -> bool:
        """Whether anything depends on how often a number calls."""
        return self.per_minute is not None or self.per_day is not None

    @property
    def for_outgoing(self) -> "Rules":
        """What still bounds a call that we have placed: whom we ring, and when, was decided before."""
        return Rules(max_calls=self.max_calls, daily_seconds=self.daily_seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How things stand: calls in progress; this caller's, with this one; the seconds of all calls today."""

    at_once: int = 0
    in_minute: int = 0
    in_day: int = 0
    seconds_today: float = 0.0


def admit(caller: str, *, rules: Rules, counts: Counts, now: datetime) -> Why | None:
    """Decide about a call of `caller`, who is as Twilio gives them; `None`: it is taken.

    A block goes over all else; whoever could not be taken anyway is not told of busy lines.
    """
    if rules.blocked.have(caller):
        return Why.BLOCKED
    if rules.allowed is not None and not rules.allowed.have(caller):
        return Why.NOT_ALLOWED
    if not rules.takes_anonymous and is_anonymous(caller):
        return Why.ANONYMOUS
    if rules.is_open is not None and not rules.is_open(now):
        return Why.CLOSED
    if _exceeds(counts.in_minute, rules.per_minute) or _exceeds(counts.in_day, rules.per_day):
        return Why.CALLED_TOO_OFTEN
    if rules.daily_seconds is not None and counts.seconds_today >= rules.daily_seconds:
        return Why.MINUTES_SPENT
    return Why.LINES_BUSY if counts.at_once >= rules.max_calls else None


def is_anonymous(caller: str) -> bool:
    """Whether nobody can know who calls; a client of Twilio's or a SIP address is no number, but no secret."""
    if caller.startswith(_ADDRESSES):
        return _ANONYMOUS_SIP.match(caller) is not None
    return not is_e164(caller) or caller in WITHHELD


def parse_callers(text: str) -> Callers:
    """Read `+14155550100, +1900*, RU, client:alice`. Raises `ValueError`: what is wrong, and the mend."""
    exact, prefixes, countries = set(), [], set()
    for position, entry in enumerate((part.strip() for part in text.split(",")), 1):
        number = _without_trunk_prefix(re.sub(r"[ ().-]", "", entry))
        if re.fullmatch(r"\+[1-9][0-9]*\*", number):
            prefixes.append(number[:-1])
        elif re.fullmatch(r"\+[1-9][0-9]{6,14}", number):
            exact.add(number)
        elif entry.upper() in phonenumbers.SUPPORTED_REGIONS:
            countries.add(entry.upper())
        elif re.fullmatch(r"(client|sips?):\S+", entry):
            exact.add(entry)
        else:
            raise ValueError(
                f"has an entry, no. {position}, that is nobody; write numbers like +14155550100, beginnings like "
                "+1900*, countries like RU, others like client:alice"
            )
    return Callers(frozenset(exact), tuple(prefixes), frozenset(countries))


def _exceeds(count: int, most: int | None) -> bool:
    return most is not None and count > most


def _without_trunk_prefix(number: str) -> str:
    """As Twilio would write it: +44 (0)20 is dialled +4420."""
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return number
    # Of what is no whole number, but may be a list's beginning or a made-up caller, nothing is known to be too much.
    whole = is_e164(number) and phonenumbers.is_possible_number(parsed)
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164) if whole else number


def _country(number: str) -> str | None:
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return None
    main = phonenumbers.region_code_for_country_code(parsed.country_code or 0)
    return phonenumbers.region_code_for_number(parsed) or main
