"""Each fact that is worth a row, and that it says what it should."""

from typing import get_args

import pytest

from ringbridge import facts
from ringbridge.screen.words import row_of
from ringbridge.waterfall import Waterfall

WAITED = Waterfall("brain", "heard", 540.0, 0.25, 1204.4, 0.12, 110.0, 0.3, 20.6)


@pytest.mark.parametrize(
    ("fact", "kind", "text"),
    [
        (facts.CallBegan("+15550100001", "+15550100002", "en"), "call", "+15550100001 is on the line of +15550100002"),
        (facts.CallBegan("", "+15550100002", "en"), "call", "somebody is on the line of +15550100002"),
        (facts.CallRefused("blocked"), "bad", "was not taken: blocked"),
        (facts.CallEnded(facts.Outcome.CALLER_GONE), "call", "is over: the caller hung up"),
        (facts.CallEnded(None), "call", "is over: before anything came of it"),
        (facts.CallerSpoke("Hello."), "caller", "Hello."),
        (facts.DigitsPressed("42"), "caller", "presses 42"),
        (facts.DigitsPressed(""), "caller", "presses nothing"),
        (facts.AgentSpoke("Good evening."), "agent", "Good evening."),
        (facts.AgentCorrected("Good evening.", "Good"), "note", "of that, before the caller cut in: 'Good'"),
        (
            facts.CallerWaited(1, WAITED),
            "note",
            "1.88 s: hearing 540, model 1204, voice 110, line 21, ours 0.7 ms",
        ),
        (
            facts.CallerWaited(1, Waterfall("model_failed", "heard", None, 0.2, 10.0, 0.1, 90.0, 0.3, None)),
            "note",
            "0.10 s (model failed): model 10, voice 90, ours 0.6 ms",
        ),
        (facts.ToolEnded("book", "done", 1600, "Booked."), "note", "book: done after 1.6 s. Booked."),
        (facts.ToolEnded("book", "late", 6000, "No."), "bad", "book: late after 6.0 s. No."),
        (facts.Faulted("no engine"), "bad", "the call can't go on: no engine"),
        (facts.TurnFailed(1, "KeyError", after_words=False), "bad", "the brain failed: KeyError"),
        (facts.TurnAnswered(1, "too_slow"), "bad", "the brain said nothing for BRAIN_DEADLINE"),
        (facts.EngineComplained("quota", "spent"), "bad", "the speech engine complains: quota: spent"),
        (facts.GreetingRefused(), "bad", "does not allow GREETING"),
        (facts.StreamLost(1006), "bad", "Twilio's stream was lost, code 1006"),
        (facts.ConversationClosed(None, ""), "bad", "ElevenLabs ended the conversation, without a close frame"),
        (facts.ConversationRedialled("lost"), "bad", "is dialled again: lost"),
        (facts.ConversationGivenBack(), "bad", "no stream came"),
        (facts.Broken("engine", "event_id"), "bad", "a message of engine could not be read: event_id"),
        (facts.Unsent("twilio"), "bad", "twilio takes audio too slowly"),
        (facts.ClipPlayed("one_moment"), "note", "its own voice: one moment"),
        (facts.Parting("time is up"), "note", "says goodbye: time is up"),
        (facts.Transferring("sales"), "note", "calls sales"),
        (facts.Transferring("sales", ended=True), "note", "to sales, where nobody took it"),
        (facts.DigitsSent("1#"), "note", "presses 1#"),
        (facts.VoicemailLeft("RE1", 12), "note", "has a message of 12 s"),
    ],
)
def test_a_row(fact, kind, text):
    row = row_of(fact)
    assert row is not None
    assert row.kind == kind
    assert text in row.text


@pytest.mark.parametrize(
    "fact",
    [
        facts.CallerWaited(1, Waterfall(None, "superseded", asking=1.0)),
        facts.ConversationClosed(1000, ""),
        facts.TurnAnswered(1, "brain"),
        facts.Heard(1, 20),
    ],
)
def test_what_would_not_be_missed_has_none(fact):
    assert row_of(fact) is None


def test_all_facts_are_known_here():
    assert len(get_args(facts.Fact)) == 46, "see whether the new fact is worth a row"
