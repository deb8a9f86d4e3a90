"""When a model that fails is not asked any more, and when it is tried again."""

__all__ = ["Breaker"]

MOST_FAILURES = 3
"""So many failures in a row, and a model is left alone."""

COOL_SECONDS = 30.0
"""How long it is left alone."""

TRIAL_SECONDS = 10.0
"""How long it may be tried by one turn alone after that."""


class Breaker:
    """The circuit breaker of one model. Times are seconds on the caller's clock.

    It is ours, as the libraries for it read the clock themselves, and know nothing of a server that says how long it
    wants to be left alone.
    """

    def __init__(self) -> None:
        self._failures = 0
        self._opens_at = 0.0

    def lets_through(self, now: float) -> bool:
        """Whether the model may be asked: always, but for the time in which it is left alone."""
        return now >= self._opens_at

    def asked(self, now: float) -> None:
        """The model is asked. If that is a trial, nobody else tries until its outcome is known, or for 10 s."""
        if self._failures >= MOST_FAILURES:
            self.rest(now, TRIAL_SECONDS)

    def succeeded(self) -> None:
        """The model has answered."""
        self._failures = 0
        self._opens_at = 0.0

    def failed(self, now: float) -> None:
        """The model has not. Three times in a row, and again at each failed trial, it is left alone for 30 s."""
        self._failures += 1
        if self._failures >= MOST_FAILURES:
            self.rest(now, COOL_SECONDS)

    def rest(self, now: float, seconds: float) -> None:
        """Leave the model alone for so long."""
        self._opens_at = max(self._opens_at, now + seconds)
