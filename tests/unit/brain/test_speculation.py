"""Guesses at what the caller is saying, as a screenplay: what is understood, what is to be done."""

import itertools

import pytest

from ringbridge import facts
from ringbridge.brain.commands import CancelReply, DropTimer, Report, SetTimer, StartReply
from ringbridge.brain.events import ReplyCancelled, ReplyEnded, ReplyFailed, ReplySaid, Timer
from ringbridge.brain.speculation import GUESS_SECONDS, SETTLE_SECONDS, Guess, Speculation
from ringbridge.brain.talk import Talk
from ringbridge.facts import Speculated
from ringbridge.phrases import ENGLISH
from ringbridge.turn import Message

DROPPED = [DropTimer(Timer.SETTLED), CancelReply(1), DropTimer(Timer.OUTDATED), Report(Speculated("cancelled"))]


def said(*texts):
    """The engine's history: the agent's words, the caller's, the agent's …"""
    return tuple(Message(role, text) for role, text in zip(itertools.cycle(("agent", "user")), texts, strict=False))


class Stage:
    def __init__(self, *, enabled=True):
        self.talk = Talk(ENGLISH)
        self.talk.note(facts.ConversationOpened("conv_1"))
        self.talk.note(facts.AgentSpoke("Hello."))
        self.of = Speculation(itertools.count(1), enabled=enabled)

    def overheard(self, text):
        return self.of.overheard(text, self.talk)

    def settled(self):
        return self.of.settled(self.talk)

    def keep(self, event):
        return self.of.keep(event, self.talk)

    def transcript(self, *texts):
        return self.of.close(self.talk.tell(said(*texts)))


@pytest.fixture
def stage():
    """It is the caller's turn, who has been greeted."""
    return Stage()


def guess(number, told):
    return [StartReply(number, told, guessed=True), SetTimer(Timer.OUTDATED, GUESS_SECONDS)]


def wait(number):
    return SetTimer(Timer.SETTLED, SETTLE_SECONDS[number])


def test_words_that_stood_still_are_guessed_at(stage):
    assert stage.overheard("A table") == [wait(0)]
    told = stage.talk.expect("A table")
    assert told.history == said("Hello.", "A table")
    assert stage.settled() == guess(1, told)


def test_a_sentence_is_guessed_at_once(stage):
    assert stage.overheard("A table. ") == guess(1, stage.talk.expect("A table. "))


def test_unless_all_that_is_understood_ends_like_one(stage):
    stage.overheard("A.")
    assert stage.overheard("A table.")[-1] == wait(1)


def test_nothing_is_guessed_where_it_is_not_wanted():
    stage = Stage(enabled=False)
    assert stage.overheard("A table.") == stage.settled() == []


@pytest.mark.parametrize("text", ["", " ", "…"])
def test_nor_at_no_words(stage, text):
    assert stage.overheard(text) == []


def test_nor_while_the_caller_keys_digits(stage):
    stage.talk.gathering = True
    assert stage.overheard("A table.") == []


@pytest.mark.parametrize("again", ["A table.", "a  table", "A TABLE?", " a table… "])
def test_the_same_words_written_otherwise_change_nothing(stage, again):
    stage.overheard("A table.")
    assert stage.overheard(again) == []


@pytest.mark.parametrize("other", ["A table for two", "table", "A tables", "A-table", "A table 50%"])
def test_other_words_take_its_place_when_they_have_stood_still(stage, other):
    stage.overheard("A table.")
    assert stage.overheard(other) == [*DROPPED, wait(1)]
    assert stage.settled() == [], "the brain has not let go of the other one"
    assert stage.keep(ReplyCancelled(1)) == guess(2, stage.talk.expect(other))


def test_there_are_four_in_a_turn(stage):
    for number, text in enumerate("abcd"):
        assert stage.overheard(text)[-1] == wait(number)
        assert stage.settled()[0].number == number + 1
        stage.keep(ReplyEnded(number + 1))
    assert not any(isinstance(command, SetTimer) for command in stage.overheard("e"))
    assert stage.settled() == []
    stage.transcript("Hello.", "e")
    assert stage.overheard("a") == [wait(0)]


def test_a_sentence_takes_the_place_of_its_beginning_as_soon_as_the_brain_has_let_go(stage):
    stage.overheard("A table")
    stage.settled()
    assert stage.overheard("A table for two.") == DROPPED
    assert stage.keep(ReplyCancelled(1)) == guess(2, stage.talk.expect("A table for two."))


def test_the_transcript_gets_what_was_kept(stage):
    stage.overheard("A table.")
    assert stage.keep(ReplySaid(1, "Gladly. ")) == stage.keep(ReplyEnded(1)) == []
    told = stage.talk.expect("A table.")
    kept = [ReplySaid(1, "Gladly. "), ReplyEnded(1)]
    assert stage.transcript("Hello", "a table?") == (
        Guess(1, told, kept, ended=True),
        [DropTimer(Timer.OUTDATED), Report(Speculated("used"))],
    )
    assert stage.of.drop("cancelled") == []


@pytest.mark.parametrize(
    "history",
    [
        ("Hello.", "A table for two."),
        ("Hello there.", "A table."),
        ("Hello.", "A table.", "Yes?", "A table."),
        ("Hello.",),
        (),
    ],
    ids=["other words", "other words before", "more before", "silence", "nothing"],
)
def test_a_transcript_that_says_anything_else_gets_nothing(stage, history):
    stage.overheard("A table.")
    assert stage.transcript(*history) == (None, [*DROPPED[:-1], Report(Speculated("wrong"))])


def test_nor_does_one_of_which_more_is_told(stage):
    stage.overheard("A table.")
    stage.talk.note(facts.Heard(1, 500))
    stage.talk.note(facts.Interrupted(2, 100, reply=1, heard="Hel"))
    assert stage.transcript("Hello.", "A table.")[0] is None


def test_a_guess_that_fails_is_forgotten_and_not_made_again(stage):
    stage.overheard("A table.")
    assert stage.keep(ReplyFailed(1, "KeyError")) == [DropTimer(Timer.OUTDATED), Report(Speculated("cancelled"))]
    assert stage.overheard("a table") == []
    assert stage.transcript("Hello.", "A table.") == (None, [DropTimer(Timer.SETTLED)])


def test_a_guess_that_is_over_needs_no_cancelling(stage):
    stage.overheard("A table.")
    stage.keep(ReplyEnded(1))
    assert stage.of.drop("cancelled") == [command for command in DROPPED if command != CancelReply(1)]


def test_after_a_doubt_the_same_words_are_guessed_at_anew(stage):
    stage.overheard("A table.")
    stage.keep(ReplyEnded(1))
    stage.of.drop("cancelled")
    assert stage.overheard("A table.") == guess(2, stage.talk.expect("A table."))


def test_what_the_agent_has_said_since_is_foreseen(stage):
    stage.talk.tell(said("Hello.", "Hi"))
    stage.talk.sent(2, "What can I do for you today?")
    stage.talk.note(facts.AgentSpoke("What can I do for you today?"))
    assert stage.talk.expect("A table").history == said("Hello.", "Hi", "What can I do for you today?", "A table")
    stage.talk.note(facts.Heard(2, 500))
    stage.talk.note(facts.Interrupted(3, 500, reply=2, heard="What can"))
    stage.talk.note(facts.AgentCorrected("What can I do for you today?", "What can I"))
    expected = stage.talk.expect("A table")
    assert expected.history == said("Hello.", "Hi", "What can I", "A table")
    assert expected == stage.talk.tell(said("Hello.", "Hi", "What can I do for you", "A table"))


def test_looking_ahead_changes_nothing(stage):
    other = Stage()
    for one in (stage, other):
        one.talk.note(facts.Heard(1, 500))
        one.talk.note(facts.CallerBegan())
    for text in ("A", "A table"):
        stage.talk.expect(text)
    assert stage.talk.tell(said("Hello.", "Hi")) == other.talk.tell(said("Hello.", "Hi"))
