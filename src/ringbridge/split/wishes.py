"""What a brain in another service wishes of what is remembered of its caller."""

from typing import assert_never

from ringbridge.callers.base import CallerMemory
from ringbridge.errors import NotAllowed
from ringbridge.split.messages import Granted, Refused, Wished

__all__ = ["grant"]


async def grant(memory: CallerMemory, caller: str, wish: Wished) -> Granted | Refused:
    """See to a wish, for this caller alone, whatever a brain may ask; gives the answer to it."""
    entries: dict[str, str] = {}
    count = 0
    try:
        match wish.method:
            case "remember":
                await memory.remember(caller, wish.key, wish.value)
            case "recall_all":
                entries = await memory.recall_all(caller)
            case "forget":
                count = await memory.forget(caller)
            case _:
                assert_never(wish.method)
    except NotAllowed as error:
        return Refused(wish.number, str(error))
    return Granted(wish.number, entries, count)
