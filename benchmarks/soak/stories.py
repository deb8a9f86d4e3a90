"""What happens on each call: a seeded mix of callers, brains and faults, the same in every run."""

import random
from dataclasses import dataclass
from typing import Literal, TypeAlias, TypeVar

from ringbridge.emulator.faults import Fault, Kind, Where

__all__ = ["Manner", "Mind", "Story", "fault_before", "tell"]

_Named = TypeVar("_Named", bound=str)

Manner: TypeAlias = Literal[
    "talks",
    "talks twice",
    "cuts in",
    "presses keys",
    "says nothing",
    "is patient",
    "hangs up at any time",
    "loses the line",
]
"""What the caller does."""

Mind: TypeAlias = Literal["answers", "goes on", "fails first", "fails midway", "stalls", "has no words", "says goodbye"]
"""What the brain does when it is asked."""

_MANNERS: dict[Manner, int] = {
    "talks": 40,
    "talks twice": 8,
    "cuts in": 10,
    "presses keys": 5,
    "says nothing": 4,
    "is patient": 5,
    "hangs up at any time": 20,
    "loses the line": 8,
}
_MINDS: dict[Mind, int] = {
    "answers": 70,
    "goes on": 10,
    "fails first": 4,
    "fails midway": 4,
    "stalls": 3,
    "has no words": 3,
    "says goodbye": 6,
}
_FAULTS: dict[Where, tuple[Kind, ...]] = {
    "signed_url": ("refuse", "delay", "quota", "garble", "drop"),
    "engine_socket": ("refuse", "delay", "drop", "half_open", "garble", "slow_reader", "quota", "close", "error"),
    "brain_socket": ("refuse", "delay", "drop", "half_open", "garble", "slow_reader", "close", "error"),
    "webhook": ("refuse", "delay"),
    "media_socket": ("refuse", "delay", "drop", "half_open", "garble", "slow_reader"),
    "twilio_rest": ("refuse", "delay", "drop"),
}
_FAULTY = 0.3
"""The share of calls before which a fault is laid out; it strikes whoever comes to that place next, up to four times:
so a call that is helped up may fall again."""

_CODES = (1000, 1002, 1008, 1011, 3008)
_STATUSES = (401, 404, 429, 500, 503)
_LONGEST_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Story:
    """One call. `at` is when a caller hangs up or a line is lost, in seconds after the dialling."""

    number: int
    manner: Manner
    mind: Mind
    at: float

    @property
    def is_to_be_answered(self) -> bool:
        """Whether the caller must hear the brain, unless something strikes."""
        return self.manner not in {"says nothing", "hangs up at any time", "loses the line"} and self.mind in {
            "answers",
            "goes on",
            "says goodbye",
        }

    @property
    def digits(self) -> str:
        """What makes this call's words its own."""
        return f"{self.number:05d}"


def tell(seed: int, number: int) -> Story:
    """The story of the call of that number."""
    chance = random.Random(f"{seed} story {number}")
    return Story(number, _one_of(chance, _MANNERS), _one_of(chance, _MINDS), chance.uniform(0, _LONGEST_SECONDS))


def fault_before(seed: int, number: int) -> Fault | None:
    """The fault that is laid out as that call is dialled, if there is one."""
    chance = random.Random(f"{seed} fault {number}")
    if chance.random() > _FAULTY:
        return None
    where = chance.choice(list(_FAULTS))
    return Fault(
        where,
        chance.choice(_FAULTS[where]),
        after_ms=chance.randrange(3000),
        ms=chance.randrange(100, 2000),
        status=chance.choice(_STATUSES),
        code=chance.choice(_CODES),
        shape=chance.choice(("nested", "flat")),
        times=chance.choice((1, 1, 2, 4)),
    )


def _one_of(chance: random.Random, weights: dict[_Named, int]) -> _Named:
    return chance.choices(list(weights), list(weights.values()))[0]
