"""What the operator reads of a call: a line when it begins, one for what was waited in each turn, one when it ends.

And one for each thing that needs a mend.

What is said, and who says it, is personal: the fields that hold it are masked, and only the first line has any.
"""

import logging
from collections.abc import Callable
from typing import Final, get_args

from structlog.stdlib import BoundLogger

from ringbridge import facts
from ringbridge.facts import CallEnded, Fact
from ringbridge.ids import CallSid
from ringbridge.log import get_logger
from ringbridge.telemetry.tally import COUNTED, Tallies, Tally
from ringbridge.waterfall import Waterfall

__all__ = ["Lines", "outcome_name"]

log = get_logger("ringbridge.call")
_plain = logging.getLogger("ringbridge.call")


class Lines:
    """An observer. Each of its lines bears the call's sid, and its newest stream's and conversation's once known."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """`clock` gives monotonic seconds."""
        self._tallies = Tallies(clock)
        self.hears = _TOLD | COUNTED if not _plain.isEnabledFor(logging.DEBUG) else _ALL

    def __call__(self, sid: CallSid, fact: Fact) -> None:
        """Write the line that the fact is worth, if any."""
        tally, now = self._tallies.note(sid, fact)
        if type(fact) not in _TOLD and not _plain.isEnabledFor(logging.DEBUG):
            return
        ids = {"call_sid": sid, **_ids(tally)}
        match fact:
            case facts.CallBegan(caller=caller, called=called, language=language):
                log.info("call began", **ids, caller=caller, called=called, language=language)
            case facts.CallRefused(why=why):
                log.info("call refused", **ids, why=why)
            case CallEnded():
                log.info("call ended", **ids, outcome=outcome_name(fact), **_summary(tally, now))
            case facts.CallerWaited(event_id=event_id, waterfall=waterfall):
                log.info("caller waited", **ids, turn=event_id, **_parts(waterfall))
            case facts.VoicemailLeft(recording_sid=recording_sid, seconds=seconds):
                log.info("voicemail left", **ids, recording_sid=recording_sid, seconds=seconds)
            case facts.Faulted(reason=reason):
                log.error("call failed", **ids, reason=reason)
            case _:
                _note(log.bind(**ids), fact)


_TOLD: Final = frozenset(
    {
        facts.CallBegan,
        facts.CallRefused,
        facts.CallEnded,
        facts.CallerWaited,
        facts.VoicemailLeft,
        facts.Faulted,
        facts.StreamLost,
        facts.ConversationClosed,
        facts.ConversationRedialled,
        facts.ConversationGivenBack,
        facts.EngineComplained,
        facts.Broken,
        facts.Unsent,
    }
)
"""What has a line of its own; the rest has one at the level DEBUG."""

_ALL: Final = frozenset(get_args(Fact)) - {facts.Heard}
"""Marks come back several times a second."""


def outcome_name(ended: CallEnded) -> str:
    """How the call ended for the caller, in one word; `given_back` when it was over before anything came of it."""
    return ended.outcome.name.lower() if ended.outcome else "given_back"


def _note(line: BoundLogger, fact: Fact) -> None:
    match fact:
        case facts.StreamLost(code=code):
            line.warning("stream lost", code=code)
        case facts.ConversationClosed(code=code, reason=reason) if code != 1000:
            line.warning("conversation lost", code=code, reason=reason)
        case facts.ConversationRedialled(reason=reason):
            line.warning("conversation dialled again", reason=reason)
        case facts.ConversationGivenBack():
            line.warning("no stream came, the conversation was given back")
        case facts.EngineComplained(kind=kind, text=text):
            line.warning("the speech engine complains", kind=kind, complaint=text)
        case facts.Broken(peer=peer, problem=problem):
            line.warning("a broken message was passed over", peer=peer, problem=problem)
        case facts.Unsent(peer=peer):
            line.warning("a peer is too slow, audio for it is dropped", peer=peer)
        case _:
            line.debug("fact", kind=type(fact).__name__)


def _ids(tally: Tally | None) -> dict[str, str]:
    if tally is None:
        return {}
    ids = {"stream_sid": tally.stream_sid, "conversation_id": tally.conversation_id}
    return {name: value for name, value in ids.items() if value is not None}


def _summary(tally: Tally | None, now: float) -> dict[str, float | None]:
    if tally is None:
        return {}
    return {
        "seconds": round(now - tally.began, 1),
        "stream_seconds": round(tally.stream.seconds, 1),
        "conversation_seconds": round(tally.conversation.seconds, 1),
        "turns": tally.turns,
        "barge_ins": tally.barge_ins,
        "wait_ms_median": _ms(tally.median_wait),
        "wait_ms_worst": _ms(tally.worst_wait),
        "faults": tally.faults,
        "clips": tally.clips,
        "redials": tally.redials,
    }


def _parts(waterfall: Waterfall) -> dict[str, str | float | None]:
    parts = {f"{name}_ms": ms for name, ms in waterfall.parts.items()}
    return {"by": waterfall.by, "end": waterfall.end, "wait_ms": waterfall.total, **parts}


def _ms(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)
