"""What was said on a call, as it was heard."""

import itertools

import pytest

from ringbridge import facts
from ringbridge.brain.talk import Talk
from ringbridge.phrases import for_language
from ringbridge.turn import Message


def agent(text):
    return Message("agent", text)


def user(text):
    return Message("user", text)


@pytest.fixture
def talk():
    """A call that has been greeted, in one piece of 2 s."""
    talk = Talk(for_language("en"))
    talk.note(facts.ConversationOpened("conv_1"))
    talk.note(facts.Heard(1, 2000))
    talk.note(facts.ReplyHeard(1))
    return talk


def answer(talk, event_id, text, ms=None):
    """A reply is sent, and heard to its end."""
    talk.sent(event_id, text)
    talk.note(facts.Heard(event_id, ms or len(text) * 60))
    talk.note(facts.ReplyHeard(event_id))


def test_a_talk_that_nobody_cut_is_as_the_engine_has_it(talk):
    history = (agent("Hello."), user("Hi"))
    told = talk.tell(history)
    assert told.history == history
    assert (told.interrupted, told.heard, told.heard_out, told.utterance) == (False, "Hello.", True, 1)


def cut(talk, heard="A table at", original="A table at the window is free at seven."):
    talk.tell((agent("Hello."), user("Hi")))
    talk.sent(2, "A table at the window ")
    talk.sent(2, "is free at seven.")
    talk.note(facts.Heard(2, 500))
    talk.note(facts.Interrupted(3, 900, reply=2, heard=heard))
    return (agent("Hello."), user("Hi"), agent(original), user("Stop"))


def test_a_cut_reply_ends_at_the_heard_mark_by_the_alignment(talk):
    told = talk.tell(cut(talk))
    assert told.history == (agent("Hello."), user("Hi"), agent("A table at"), user("Stop"))
    assert (told.interrupted, told.heard, told.heard_out) == (True, "A table at", False)


def test_the_engines_correction_goes_before_the_alignment(talk):
    history = cut(talk)
    talk.note(facts.AgentCorrected("A table at the window is free at seven.", "A table at the window"))
    assert talk.tell(history).heard == "A table at the window"


def test_without_either_the_engines_history_stands(talk):
    told = talk.tell(cut(talk, heard=None, original="A table at the"))
    assert told.heard == "A table at the"
    assert told.interrupted


def test_what_nobody_heard_was_not_said(talk):
    told = talk.tell(cut(talk, heard=""))
    assert told.history == (agent("Hello."), user("Hi"), user("Stop"))
    assert told.heard == ""


def test_a_cut_stays_cut_in_every_later_transcript(talk):
    history = cut(talk)
    talk.tell(history)
    answer(talk, 4, "As you like.")
    told = talk.tell((*history, agent("As you like."), user("Thanks")))
    assert told.history[2] == agent("A table at")
    assert (told.interrupted, told.heard) == (False, "As you like.")


def test_of_two_replies_with_the_same_words_the_cut_one_is_cut(talk):
    talk.tell((user("Hi"),))
    answer(talk, 2, "One moment please.")
    talk.tell((user("Hi"), agent("One moment please."), user("And?")))
    talk.sent(3, "One moment please.")
    talk.note(facts.Heard(3, 200))
    talk.note(facts.Interrupted(4, 100, reply=3, heard="One"))
    said = (user("Hi"), agent("One moment please."), user("And?"), agent("One moment please."), user("Stop"))
    assert [message.text for message in talk.tell(said).history] == ["Hi", "One moment please.", "And?", "One", "Stop"]


def test_a_greeting_that_was_cut_is_cut_too():
    talk = Talk(for_language("en"))
    talk.note(facts.Heard(1, 300))
    talk.note(facts.Interrupted(2, 900, reply=1, heard="Hello, you"))
    told = talk.tell((agent("Hello, you are talking with a machine."), user("A table")))
    assert told.history[0] == agent("Hello, you")


# One utterance


def test_transcripts_with_nothing_heard_between_them_are_one_utterance(talk):
    assert talk.tell((user("A table"),)).utterance == 1
    talk.sent(2, "Gladly.")
    assert talk.tell((user("A table for two"),)).utterance == 1
    talk.note(facts.Heard(2, 300))
    assert talk.tell((user("A table for two"), agent("Gladly."), user("At seven"))).utterance == 2


def test_a_filler_alone_is_no_answer(talk):
    assert talk.tell((user("A table"),)).utterance == 1
    talk.sent(2, "One moment, please.", filler=True)
    talk.note(facts.Heard(2, 1200))
    assert talk.tell((user("A table for two"),)).utterance == 1
    talk.note(facts.Heard(2, 3000))
    assert talk.tell((user("At seven"),)).utterance == 2


def test_fillers_are_never_the_same_twice_running(talk):
    fillers = [talk.next_filler() for _ in range(20)]
    assert all(one != other for one, other in itertools.pairwise(fillers))


# Heard to the end, before the caller began


def test_a_reply_was_heard_out_if_its_last_mark_came_before_the_caller_began(talk):
    talk.tell((user("A table"),))
    talk.sent(2, "Shall I book it?")
    talk.note(facts.Heard(2, 300))
    talk.note(facts.CallerBegan())
    talk.note(facts.ReplyHeard(2))
    assert not talk.tell((user("A table"), agent("Shall I book it?"), user("Yes"))).heard_out


def test_without_news_of_the_callers_beginning_the_transcript_counts(talk):
    talk.tell((user("A table"),))
    answer(talk, 2, "Shall I book it?")
    assert talk.tell((user("A table"), agent("Shall I book it?"), user("Yes"))).heard_out


# A conversation dialled anew


def test_a_new_conversation_goes_on_with_what_was_said_in_the_older(talk):
    talk.tell((agent("Hello."), user("A table")))
    answer(talk, 2, "For how many?")
    talk.answered = 2
    talk.note(facts.ConversationOpened("conv_2"))
    assert talk.answered is None
    told = talk.tell((user("Four"),))
    assert told.history == (agent("Hello."), user("A table"), agent("For how many?"), user("Four"))


def test_and_with_what_was_heard_of_the_last_reply(talk):
    history = cut(talk)
    talk.tell(history)
    talk.note(facts.ConversationOpened("conv_2"))
    assert talk.tell((user("Four"),)).history[2:] == (agent("A table at"), user("Stop"), user("Four"))
