"""Facts and plans as they travel: by name, so that each side takes none but those that are the other's to tell."""

from typing import Any, Final, get_args

import msgspec
from msgspec import Raw

from ringbridge import facts
from ringbridge.brain.commands import TurnFact
from ringbridge.errors import BrokenMessage
from ringbridge.facts import Fact
from ringbridge.plans import Plan
from ringbridge.split.messages import Asked, Noted, Told
from ringbridge.wire._json import broken

__all__ = ["asked", "fact_for_brain", "fact_for_bridge", "noted_fact", "plan_of", "told_fact"]


def _by_name(union: Any) -> dict[str, type[Any]]:
    return {kind.__name__: kind for kind in get_args(union)}


_FOR_BRAIN: Final = _by_name(
    facts.ConversationOpened
    | facts.Heard
    | facts.ReplyHeard
    | facts.Interrupted
    | facts.AgentSpoke
    | facts.AgentCorrected
    | facts.CallerBegan
    | facts.DigitsPressed
)
_FOR_BRIDGE: Final = _by_name(TurnFact | facts.TranscriptCame | facts.ToolBegan | facts.ToolEnded)
_PLANS: Final = _by_name(Plan)
_ENCODER: Final = msgspec.json.Encoder()


def fact_for_brain(fact: Fact) -> Noted | None:
    """The message of a fact; `None` for one that a brain has no use for."""
    kind = type(fact).__name__
    return Noted(kind, Raw(_ENCODER.encode(fact))) if kind in _FOR_BRAIN else None


def fact_for_bridge(fact: Fact) -> Told:
    """The message of a fact."""
    return Told(type(fact).__name__, Raw(_ENCODER.encode(fact)))


def asked(number: int, plan: Plan, event_id: int | None) -> Asked:
    """The message of a plan."""
    return Asked(number, type(plan).__name__, Raw(_ENCODER.encode(plan)), event_id)


def noted_fact(message: Noted) -> Fact:
    """The fact. Raises `BrokenMessage`."""
    fact: Fact = _read(message.kind, message.fields, _FOR_BRAIN)
    return fact


def told_fact(message: Told) -> Fact:
    """The fact: one that is a brain's to tell. Raises `BrokenMessage`."""
    fact: Fact = _read(message.kind, message.fields, _FOR_BRIDGE)
    return fact


def plan_of(message: Asked) -> Plan:
    """The plan. Raises `BrokenMessage`."""
    plan: Plan = _read(message.kind, message.fields, _PLANS)
    return plan


def _read(kind: str, fields: Raw, kinds: dict[str, type[Any]]) -> Any:
    if kind not in kinds:
        raise BrokenMessage("kind: it is none of those that can be told")
    try:
        return msgspec.json.decode(fields, type=kinds[kind])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise broken(error) from None
