"""The brain of our own contender: it answers at once, so that what is measured is our share."""

from collections.abc import AsyncIterator

from ringbridge import Turn


async def reply(turn: Turn) -> AsyncIterator[str]:
    """One sentence that repeats the caller's words."""
    yield f"You said: {turn.text}."
