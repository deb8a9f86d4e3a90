"""Any history of one call, against the rules said once more in other words."""

from hypothesis import given
from hypothesis import strategies as st

from ringbridge.calls.ledger import AfterStream, Ledger, SameAnswer, after_stream, on_arrival
from ringbridge.facts import Outcome

CALL = "CA1"
steps = st.lists(st.one_of(st.sampled_from(Outcome), st.sampled_from(["answer", "attach", "ended"])), max_size=12)


@given(steps)
def test_any_history(history):
    ledger = Ledger(lambda: 0.0)
    recorded: list[Outcome] = []
    reattached = 0
    for step in history:
        if isinstance(step, Outcome):
            ledger.record(CALL, step)
            recorded.append(step)
        elif step == "answer" and not isinstance(on_arrival(ledger.entry(CALL)), SameAnswer):
            ledger.answer(CALL, "<Response/>")
        elif step == "attach":
            ledger.attach(CALL)
        elif after_stream(ledger.entry(CALL), "in-progress") is AfterStream.REATTACH:
            ledger.grant_reattachment(CALL)
            reattached += 1
    decision = after_stream(ledger.entry(CALL), "in-progress")
    assert reattached <= 2
    if recorded:  # who was said goodbye to first is hung up on, everybody else gets the sorry
        assert decision is (
            AfterStream.HANG_UP if recorded[0] in (Outcome.GOODBYE, Outcome.TRANSFERRED) else AfterStream.SORRY
        )
    elif not history or (entry := ledger.entry(CALL)) is None:
        assert decision is AfterStream.SORRY
    else:
        assert entry.reattachments == reattached
        assert decision is (AfterStream.REATTACH if reattached < 2 else AfterStream.SORRY)
