"""Whether the caller hears a silence that nothing explains, and what the bridge says into it with its own voice.

The caller is *owed* audio from a stream's start, from each transcript, and from each piece of the brain's words, until
audio comes. Whoever is to give it is the debtor: only the engine's silence is a fault of the conversation; the brain
has a deadline of its own.
"""

from enum import Enum

__all__ = [
    "MUTE_SECONDS",
    "QUIET_SECONDS",
    "START_MUTE_SECONDS",
    "START_QUIET_SECONDS",
    "Debtor",
    "Watchdog",
]

START_QUIET_SECONDS = 1.5
"""A caller who is put through to silence hears a word of ours so soon."""

QUIET_SECONDS = 1.9
"""So long a silence, later on; with its first sample the clip ends it within two seconds."""

MUTE_SECONDS = 6.0
"""An engine that owes audio for so long has failed."""

START_MUTE_SECONDS = 10.0
"""So has one that has not even greeted."""

_ORDER = ("one_moment", "still_here")


class Debtor(Enum):
    """Who is to give the caller the next audio."""

    NOBODY = "nothing is owed"
    UNKNOWN = "perhaps the engine, if it has a greeting of its own"
    TURN = "the engine is to ask for words, unless it takes what it heard for no turn"
    BRAIN = "the words are being found"
    ENGINE = "the words are there, or the engine has not asked for them twice"


class Watchdog:
    """One call's. It sets no timer itself: it says whether one is due, and which clip is the next."""

    def __init__(self) -> None:
        self.debtor = Debtor.NOBODY
        self.is_owed = False
        """Whether the caller waits for audio: there is a debtor. Asked after each event."""
        self._said = 0

    def owe(self, debtor: Debtor) -> bool:
        """The caller waits from now on, for this debtor. Gives whether nothing was owed before."""
        begins = not self.is_owed
        self.debtor, self.is_owed = debtor, True
        if begins:
            self._said = 0
        return begins

    def paid(self) -> None:
        """Audio came, or the caller speaks: the silence is over, or explained."""
        self.debtor, self.is_owed = Debtor.NOBODY, False

    def next_clip(self) -> str:
        """What to say into the silence now: a field of `Clips`, never the same twice running."""
        clip = _ORDER[self._said % len(_ORDER)]
        self._said += 1
        return clip
