"""Whoever listens to calls. Each observer is told of what it listens for, and of nothing else."""

from collections.abc import Iterable

from ringbridge.facts import Fact, Observer
from ringbridge.ids import CallSid
from ringbridge.log import get_logger

__all__ = ["Audience"]

log = get_logger(__name__)


class Audience:
    """All observers. Who wants to hear of a kind of fact is asked once."""

    def __init__(self, observers: Iterable[Observer]) -> None:
        """`observers` are told in this order."""
        self._observers = tuple(observers)
        self._hearers: dict[type[Fact], tuple[Observer, ...]] = {}

    def after(self, observer: Observer) -> "Audience":
        """The same, with one more who is told first."""
        return Audience((observer, *self._observers))

    def tell(self, sid: CallSid, fact: Fact) -> None:
        """Tell a fact of a call; what an observer does wrong is logged."""
        hearers = self._hearers.get(type(fact))
        if hearers is None:
            hearers = self._hearers[type(fact)] = tuple(each for each in self._observers if _hears(each, type(fact)))
        for observer in hearers:
            try:
                observer(sid, fact)
            except Exception:  # a listener's failure must not be the call's
                log.exception("an observer failed", call_sid=sid)


def _hears(observer: Observer, kind: type[Fact]) -> bool:
    kinds = getattr(observer, "hears", None)
    return kinds is None or kind in kinds
