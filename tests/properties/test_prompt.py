"""What a model is asked, whatever was said and done before."""

from hypothesis import given, settings
from hypothesis import strategies as st

from ringbridge.brains.prompt import newest, weave
from ringbridge.llm.base import Asked, Said, ToolCall, ToolResult
from ringbridge.tools.exchange import Exchange, Slot
from ringbridge.turn import Message

HISTORIES = st.lists(
    st.builds(Message, st.sampled_from(["user", "agent"]), st.sampled_from(["", "Hello."])), max_size=12
)
PLACES = st.lists(st.tuples(st.integers(0, 9), st.integers(1, 3)), max_size=6)


def exchange(number, after, size):
    calls = [ToolCall(f"c{number}_{place}", "book", "{}") for place in range(size)]
    return Exchange(after, "Moment.", tuple(Slot(call, f"result {call.id}") for call in calls))


@settings(max_examples=60)
@given(HISTORIES, PLACES, st.integers(1, 12))
def test_no_result_is_without_its_call_and_no_call_without_its_result(history, places, most):
    exchanges = [exchange(number, *place) for number, place in enumerate(places)]
    whole = weave(history, exchanges)
    assert [entry for entry in whole if isinstance(entry, Said)] == [Said(m.role, m.text) for m in history if m.text]
    assert sum(isinstance(entry, Asked) for entry in whole) == len(exchanges)
    for entries in (whole, newest(whole, most)):
        due = []
        for entry in entries:
            if isinstance(entry, ToolResult):
                assert entry.id == due.pop(0)
            else:
                assert not due
                due = [call.id for call in entry.calls] if isinstance(entry, Asked) else []
        assert not due
    kept = newest(whole, most)
    assert whole[len(whole) - len(kept) :] == kept
    assert len(kept) <= most or kept == whole or Said("user", "Hello.") not in kept[1:]
