"""Where one call stands: what the layers of its machine share. Nothing is decided here."""

from collections.abc import Callable, Mapping
from enum import Enum
from typing import TYPE_CHECKING

from ringbridge.plans import CollectDigits, HangUp, SendDigits, Transfer
from ringbridge.relay.clips import Clips
from ringbridge.relay.keypad import Keypad
from ringbridge.relay.lane import Lane
from ringbridge.relay.watchdog import Watchdog

if TYPE_CHECKING:
    from ringbridge.relay.errands import Errand, Waiting

__all__ = ["Dial", "Engine", "Phase", "State", "Stream"]


class Engine(Enum):
    """The conversation's socket."""

    IDLE = "not dialled"
    DIALLING = "dialled, and not open yet"
    OPEN = "open"
    CLOSED = "closed by the engine, as it had said all"


class Stream(Enum):
    """Twilio's stream."""

    AWAITED = "none yet"
    ATTACHED = "carrying audio"
    LOST = "dropped, the caller still on the line"
    AWAY = "gone, as Twilio does something else for us"


class Dial(Enum):
    """The human to whom the caller is put through."""

    RINGING = "a human is being rung"
    TAKEN = "they took the call, for all we know"
    OVER = "nobody took it: the caller comes back"


class Phase(Enum):
    """Whether the call goes on."""

    LIVE = "going on"
    APOLOGISING = "the sorry is being played"
    PARTING = "the last words are being played"
    ENDING = "Twilio was asked to end it"
    OVER = "everything is given back"


class State:
    """The lowest layer. `lane` carries the call's audio."""

    def __init__(
        self,
        *,
        variables: Mapping[str, str],
        greeting: str | None,
        clips: Clips,
        max_seconds: float,
        clock: Callable[[], float],
    ) -> None:
        """`variables` tell the engine about the call; `greeting` overrides its first message, if it allows that.

        `clips` are the bridge's own voice; the call may last `max_seconds` from its first stream on.
        `clock` tells seconds, and never goes back.
        """
        self.lane = Lane(clock)
        self._clips = clips
        self._max_seconds = max_seconds
        self._variables = dict(variables)
        self._greeting = greeting
        self._greeting_refused = False
        self._engine = Engine.IDLE
        self._stream = Stream.AWAITED
        self._phase = Phase.LIVE
        self._keypad = Keypad()
        self._unsaid: list[bytes] = []
        self._redials = 0
        self._may_redial = True
        self._watchdog = Watchdog()
        self._progress = 0.0
        self._begun: int | None = -1
        self._greeted = False
        self._unanswered = False
        self._spoke_lately = False
        self._has_brain = False
        self._brain_works = False
        self._brain_is_due = False
        self._is_mute_timed = False
        self._caller_speaks = False
        self._waiting: Waiting | None = None
        self._running: Errand | None = None
        self._gathering: CollectDigits | None = None
        self._sound_ends = ""
        self._sound_left: list[str] = []
        self._human = Dial.RINGING

    @property
    def is_held(self) -> bool:
        """Whether there is a stream, or a conversation that waits for one."""
        return self._stream is not Stream.AWAITED or self._engine is not Engine.IDLE

    @property
    def is_gathering(self) -> bool:
        """Whether the caller was asked for digits, and has not keyed them all."""
        return self._gathering is not None or self._asks_for_digits

    @property
    def _asks_for_digits(self) -> bool:
        return self._waiting is not None and isinstance(self._waiting.errand.plan, CollectDigits)

    @property
    def is_transferring(self) -> bool:
        """Whether the caller is being put through to a human, or talks with one."""
        return self._running is not None and isinstance(self._running.plan, Transfer)

    @property
    def _is_redirecting(self) -> bool:
        return self._running is not None and isinstance(self._running.plan, Transfer | SendDigits)

    @property
    def _ends_by_plan(self) -> bool:
        return self._waiting is not None and isinstance(self._waiting.errand.plan, HangUp)

    @property
    def _is_talking(self) -> bool:
        return self._spoke_lately or not self.lane.playout.silent
