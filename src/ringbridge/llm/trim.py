"""A conversation that is too long for a model, made shorter at its old end."""

from dataclasses import replace

from ringbridge.llm.base import Asked, Entry, Request, Said, ToolResult

__all__ = ["without_oldest_turns"]


def without_oldest_turns(request: Request) -> Request | None:
    """The same request without the older half of its turns; `None` when only the newest is left.

    A turn begins with the caller's words. Tool calls go or stay together with their results, and the newest turn stays.
    """
    turns = _turns(request.entries)
    if len(turns) < 2:
        return None
    kept = turns[(len(turns) + 1) // 2 :]
    return replace(request, entries=tuple(entry for turn in kept for entry in turn))


def _turns(entries: tuple[Entry, ...]) -> list[list[Entry]]:
    turns: list[list[Entry]] = [[]]
    awaited: set[str] = set()
    for entry in entries:
        match entry:
            case Said(role="user") if turns[-1] and not awaited:
                turns.append([])
            case Asked(calls=calls):
                awaited |= {call.id for call in calls}
            case ToolResult(id=call_id):
                awaited.discard(call_id)
            case _:
                pass
        turns[-1].append(entry)
    return turns
