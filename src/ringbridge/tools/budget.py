"""How much of a call's model and tools one caller can use up, whatever the model wants."""

from dataclasses import dataclass

__all__ = ["Budget", "Spent"]


@dataclass(frozen=True, slots=True)
class Budget:
    """For one call: how often tools may be called, tokens (of questions and answers), seconds since its first turn."""

    tool_calls: int = 40
    tokens: int = 200_000
    seconds: float = 3600.0


@dataclass(slots=True)
class Spent:
    """What of it is spent. `began` is when the first turn came, on whichever clock `covers` is asked by."""

    budget: Budget
    began: float
    tool_calls: int = 0
    tokens: int = 0

    def covers(self, tool_calls: int, *, now: float) -> bool:
        """Whether so many more calls may be made, and the model be asked again."""
        return (
            self.tool_calls + tool_calls <= self.budget.tool_calls
            and self.tokens < self.budget.tokens
            and now - self.began < self.budget.seconds
        )
