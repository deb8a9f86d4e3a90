"""What the two services say to each other comes out as it went in; and each takes only what is the other's to say."""

import msgspec
import pytest
from msgspec import Raw

from ringbridge import facts
from ringbridge.brain.talk import Talk
from ringbridge.errors import BrokenMessage
from ringbridge.phrases import ENGLISH
from ringbridge.plans import CollectDigits, HangUp, PlaySound, SendDigits, Transfer
from ringbridge.split import messages, values
from ringbridge.split.talk import FarTalk, joined
from ringbridge.turn import Message

HISTORY = (Message("agent", "Hello."), Message("user", "hi"))


@pytest.mark.parametrize(
    "fact",
    [
        facts.ConversationOpened("conv_1"),
        facts.Heard(None, 20),
        facts.Interrupted(4, 300, 3, None),
        facts.AgentCorrected("one two", "one"),
        facts.DigitsPressed("••", secret=True),
    ],
)
def test_facts_for_a_brain(fact):
    message = messages.read_from_bridge(messages.encode(values.fact_for_brain(fact)))
    assert values.noted_fact(message) == fact


@pytest.mark.parametrize(
    "fact",
    [
        facts.TurnBegan(1, "Hello.", "hi", interrupted=False),
        facts.TurnAnswered(None, "farewell"),
        facts.TurnFailed(3, "ValueError", after_words=True),
        facts.ToolEnded("look_up", "done", 12, "{}"),
    ],
)
def test_facts_for_a_bridge(fact):
    message = messages.read_from_brain(messages.encode(values.fact_for_bridge(fact)))
    assert values.told_fact(message) == fact


@pytest.mark.parametrize(
    "plan",
    [HangUp(), Transfer("sales", "+1"), SendDigits("1w"), CollectDigits(4, "", 9.5, secret=True), PlaySound(("AA==",))],
)
def test_plans(plan):
    message = messages.read_from_brain(messages.encode(values.asked(7, plan, None)))
    assert (message.number, message.event_id, values.plan_of(message)) == (7, None, plan)


def test_what_is_not_a_brains_to_tell_is_broken():
    with pytest.raises(BrokenMessage):
        values.told_fact(values.fact_for_bridge(facts.CallEnded(None)))
    with pytest.raises(BrokenMessage):
        values.plan_of(messages.Asked(1, "Pay", Raw(b"{}"), None))
    assert values.fact_for_brain(facts.KeyPressed()) is None


def test_a_broken_field_is_named_and_not_quoted():
    with pytest.raises(BrokenMessage, match="ms: it is of the wrong kind"):
        values.noted_fact(messages.Noted("Heard", Raw(b'{"event_id":1,"ms":"secret"}')))


def test_a_kind_of_later_versions_is_passed_over():
    assert messages.read_from_brain(b'{"type":"wave","at":1}') == messages.Unknown("wave")


def test_a_bridge_begins_with_the_call():
    with pytest.raises(BrokenMessage):
        messages.read_found(messages.encode(messages.Over()))


class TestACopyOfATalk:
    def talked(self, make):
        talk = make()
        talk.note(facts.ConversationOpened("conv_1"))
        talk.sent(1, "One two three four.")
        talk.note(facts.Heard(1, 900))
        talk.note(facts.Interrupted(2, 100, 1, "One two"))
        talk.note(facts.CallerBegan())
        talk.tell((*HISTORY, Message("agent", "One two three four."), Message("user", "wait")))
        talk.answered, talk.silences, talk.failures, talk.wordless, talk.gathering = 3, 1, 2, 1, True
        talk.next_filler()
        talk.note(facts.AgentSpoke("Yes?"))
        return talk

    def test_knows_what_the_talk_knows(self):
        talk = self.talked(lambda: Talk(ENGLISH))
        wire = msgspec.json.decode(msgspec.json.encode(talk.kept()), type=type(talk.kept()))
        copy = Talk(ENGLISH)
        copy.restore(wire)
        assert copy.kept() == talk.kept()
        assert copy.expect("and?") == talk.expect("and?")
        assert copy.next_filler() == talk.next_filler()

    def test_shares_nothing_with_it(self):
        talk = self.talked(lambda: Talk(ENGLISH))
        before = talk.kept()
        copy = Talk(ENGLISH)
        copy.restore(before)
        copy.sent(1, "More.")
        assert talk.kept() == before

    def test_tells_the_talk_what_the_brain_does_to_it(self):
        told = []
        far = self.talked(lambda: FarTalk(ENGLISH, told.append))
        near, history = Talk(ENGLISH), ()
        near.note(facts.ConversationOpened("conv_1"))
        piece, news = told
        near.sent(piece.event_id, piece.text, filler=piece.filler)
        near.note(facts.Heard(1, 900))
        near.note(facts.Interrupted(2, 100, 1, "One two"))
        near.note(facts.CallerBegan())
        near.tell(joined(history, news))
        near.note(facts.AgentSpoke("Yes?"))
        assert near.expect("and?") == far.expect("and?")
        assert far.counted == messages.Counted(3, 1, 2, 1)

    def test_a_history_is_told_by_what_is_new_in_it(self):
        told = []
        far = FarTalk(ENGLISH, told.append)
        longer = (*HISTORY, Message("agent", "Yes."), Message("user", "so"))
        other = (*longer[:2], Message("agent", "Y"), Message("user", "so"))
        before = ()
        for history, kept in ((HISTORY, 0), (longer, 2), (other, 2), (HISTORY, 2)):
            far.tell(history)
            assert told[-1].kept == kept
            before = joined(before, told[-1])
            assert before == history
