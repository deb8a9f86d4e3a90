"""A conversation that is too long."""

from hypothesis import given
from hypothesis import strategies as st

from ringbridge.llm.base import Asked, Request, Said, ToolCall, ToolResult
from ringbridge.llm.trim import without_oldest_turns


def turn(number, tools):
    calls = tuple(ToolCall(f"{number}.{tool}", "book", "{}") for tool in range(tools))
    asked = (Asked(calls), *(ToolResult(call.id, "Done.") for call in calls)) if calls else ()
    return (Said("user", f"question {number}"), *asked, Said("agent", f"answer {number}"))


turns = st.lists(st.integers(0, 3), max_size=12).map(
    lambda tools: tuple(entry for number, count in enumerate(tools) for entry in turn(number, count))
)


@given(turns, st.booleans())
def test_pairs_stay_whole_the_newest_stays_and_it_ends(entries, greeted):
    entries = (*([Said("agent", "Hello.")] if greeted else []), *entries, Said("user", "newest"))
    request = Request("", entries)
    while (shorter := without_oldest_turns(request)) is not None:
        assert len(shorter.entries) < len(request.entries)
        assert entries[-len(shorter.entries) :] == shorter.entries
        request = shorter
        asked = {call.id for entry in request.entries if isinstance(entry, Asked) for call in entry.calls}
        assert asked == {entry.id for entry in request.entries if isinstance(entry, ToolResult)}
    assert request.entries == (Said("user", "newest"),)
