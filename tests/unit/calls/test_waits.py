"""What callers waited, told as the facts of their calls."""

import pytest

from ringbridge import facts
from ringbridge.calls.waits import Waits
from ringbridge.facts import Outcome


class Line:
    """A call, and the waits that have ended on it."""

    def __init__(self):
        self.now = 0.0
        self.waits = Waits()
        self.over = []
        self.tell(facts.ConversationOpened("conv_1"))

    def tell(self, *story):
        """Facts, and pauses in seconds between them."""
        for step in story:
            if isinstance(step, int | float):
                self.now += step
            elif (waited := self.waits.note(step, self.now)) is not None:
                self.over.append(waited)

    def speaks(self, seconds=0.0):
        """The engine hears the caller, until then."""
        self.now += seconds
        self.waits.spoke_at = self.now

    def asks(self, turn):
        """A transcript, and the brain is asked at once."""
        self.tell(facts.TranscriptCame(turn), began(turn), facts.BrainAsked(turn))

    def answers(self, turn):
        """The brain and the engine say something at once."""
        self.tell(facts.BrainBegan(turn), facts.WordsSent(turn), facts.ReplyBegan(turn))

    @property
    def waterfall(self):
        """That of the one wait that has ended."""
        (waited,) = self.over
        return waited.waterfall


def began(turn):
    return facts.TurnBegan(turn, "", "hello", interrupted=False)


@pytest.fixture
def line():
    return Line()


def test_each_part_is_what_passed_between_two_facts(line):
    line.speaks(1.0)
    line.tell(
        0.5, facts.TranscriptCame(4), 0.001, began(4), 0.001, facts.BrainAsked(4),
        0.3, facts.BrainBegan(4), 0.003, facts.WordsSent(4), 0.2, 0.004,
    )  # fmt: skip
    line.waits.audio_at = line.now - 0.004
    line.tell(facts.ReplyBegan(4), 0.02, 0.2, facts.Heard(4, 200), 0.2, facts.Heard(4, 400), facts.ReplyHeard(4))
    assert [waited.event_id for waited in line.over] == [4]
    assert line.waterfall.parts == {
        "hearing": 500, "asking": 2, "model": 300, "wording": 3, "voice": 200, "relaying": 4, "line": 20,
    }  # fmt: skip
    assert (line.waterfall.by, line.waterfall.end) == ("brain", "heard")
    assert line.waterfall.total == 1029


def test_without_vad_scores_nobody_knows_when_the_caller_fell_silent(line):
    line.asks(1)
    line.tell(0.3)
    line.answers(1)
    line.tell(0.1, facts.Heard(1, 100))
    assert (line.waterfall.hearing, line.waterfall.total) == (None, 300)


def test_a_score_counts_for_the_turn_after_it_only(line):
    line.speaks()
    line.asks(1)
    line.answers(1)
    line.tell(0.1, facts.Heard(1, 100), 5)
    line.asks(2)
    line.answers(2)
    line.tell(0.1, facts.Heard(2, 100))
    assert [waited.waterfall.hearing for waited in line.over] == [0, None]


def test_who_speaks_again_while_the_answer_begins_has_fallen_silent_later(line):
    line.speaks()
    line.asks(1)
    line.answers(1)
    line.speaks(0.1)
    line.tell(facts.Heard(1, 100), 0.5)
    line.asks(2)
    line.answers(2)
    line.tell(0.1, facts.Heard(2, 100))
    assert [waited.waterfall.hearing for waited in line.over] == [0, 500]


def test_the_echo_of_a_mark_may_not_come_before_the_audio_was_written(line):
    line.asks(1)
    line.answers(1)
    line.tell(0.05, facts.Heard(1, 200))
    assert line.waterfall.line == 0


def test_a_lost_mark_is_made_up_by_a_later_one(line):
    line.asks(1)
    line.answers(1)
    line.tell(0.02, 0.4, facts.Heard(1, 400))
    assert line.waterfall.line == 20


class TestWhoseWordsTheCallerHearsFirst:
    def test_a_filler_ends_the_wait_and_what_follows_it_is_no_news(self, line):
        line.asks(1)
        line.tell(1.2, facts.FillerSpoken(1, "One moment."), 0.1, facts.BrainBegan(1), facts.WordsSent(1))
        line.tell(0.1, facts.ReplyBegan(1), 0.1, facts.Heard(1, 100), 1, facts.TurnAnswered(1, "brain"))
        waterfall = line.waterfall
        assert (waterfall.by, waterfall.end) == ("filler", "heard")
        assert (waterfall.model, waterfall.wording, waterfall.voice) == (1200, None, 200)

    @pytest.mark.parametrize("by", ["model_failed", "too_slow", "ask_again"])
    def test_an_apology(self, line, by):
        line.asks(1)
        line.tell(0.5, facts.TurnAnswered(1, by), 0.1, facts.ReplyBegan(1), 0.1, facts.Heard(1, 100))
        waterfall = line.waterfall
        assert (waterfall.by, waterfall.model, waterfall.wording, waterfall.voice) == (by, 500, None, 100)

    def test_an_apology_after_words_is_not_the_first(self, line):
        line.asks(1)
        line.tell(0.5, facts.BrainBegan(1), facts.WordsSent(1), 0.1, facts.TurnAnswered(1, "model_failed"))
        line.tell(facts.ReplyBegan(1), 0.1, facts.Heard(1, 100))
        assert (line.waterfall.by, line.waterfall.model) == ("brain", 500)


class TestWhenNothingIsHeard:
    def test_a_turn_that_is_transcribed_again_waits_from_the_same_last_sound(self, line):
        line.speaks()
        line.tell(0.5)
        line.asks(1)
        line.tell(0.3, facts.TranscriptCame(2), facts.TurnSuperseded(1, 2), 0.1, began(2), facts.BrainAsked(2))
        line.answers(1)  # too late
        line.answers(2)
        line.tell(0.1, facts.Heard(2, 100))
        first, second = line.over
        assert (first.event_id, first.waterfall.end, first.waterfall.total) == (1, "superseded", 500)
        assert (second.waterfall.hearing, second.waterfall.asking, second.waterfall.total) == (800, 100, 900)

    def test_a_newer_turn_supersedes_one_that_has_its_words(self, line):
        line.asks(1)
        line.tell(facts.BrainBegan(1), facts.WordsSent(1), facts.TurnAnswered(1, "brain"), 0.2)
        line.asks(2)
        assert (line.over[0].event_id, line.waterfall.end, line.waterfall.by) == (1, "superseded", "brain")

    def test_one_that_only_waited_is_none(self, line):
        line.asks(1)
        line.tell(facts.TurnSuperseded(2, 3))
        assert line.over == []

    def test_a_barge_in_before_the_first_of_it_is_heard_cuts_it(self, line):
        line.asks(1)
        line.tell(0.3)
        line.answers(1)
        line.tell(0.1, facts.Interrupted(2, 100, 1, ""), facts.Heard(1, 100))
        waterfall = line.waterfall
        assert (waterfall.end, waterfall.line, waterfall.total, waterfall.is_answer) == ("cut", None, 300, True)

    def test_one_after_it_does_not(self, line):
        line.asks(1)
        line.answers(1)
        line.tell(0.1, facts.Heard(1, 100), facts.Interrupted(2, 100, 1, ""))
        assert line.waterfall.end == "heard"

    def test_one_that_makes_its_audio_stale_does(self, line):
        line.asks(1)
        line.tell(facts.Interrupted(2, 0))
        assert (line.waterfall.end, line.waterfall.is_answer) == ("cut", False)

    def test_an_interruption_with_the_turns_own_id_came_before_it(self, line):
        line.asks(2)
        line.tell(facts.Interrupted(2, 100, 1, ""))
        line.answers(2)
        line.tell(0.1, facts.Heard(2, 100))
        assert line.waterfall.end == "heard"

    def test_a_lost_stream_takes_with_it_what_it_had_not_played(self, line):
        line.asks(1)
        line.answers(1)
        line.tell(facts.Interrupted(1, 100, 1, None), facts.StreamLost(1006))
        assert line.waterfall.end == "cut"

    @pytest.mark.parametrize("fact", [facts.ConversationOpened("conv_2"), facts.CallEnded(Outcome.FAULT)])
    def test_a_conversation_or_a_call_takes_its_wait_along(self, line, fact):
        line.asks(1)
        line.tell(fact)
        assert (line.waterfall.end, line.waterfall.by) == ("lost", None)

    def test_another_conversation_counts_anew(self, line):
        line.asks(9)
        line.tell(facts.ConversationOpened("conv_2"), facts.TranscriptCame(1), 0.2, began(1), facts.BrainAsked(1))
        line.answers(1)
        line.tell(facts.Heard(1, 0))
        assert line.over[-1].waterfall.asking == 200


class TestWhatNobodyWaitsFor:
    def test_a_greeting(self, line):
        line.tell(facts.ReplyBegan(1), 0.1, facts.Heard(1, 100), facts.CallEnded(None))
        assert line.over == []

    def test_a_word_into_the_callers_silence(self, line):
        line.tell(facts.TranscriptCame(3), facts.TurnAnswered(3, "still_there"), facts.ReplyBegan(3))
        line.tell(0.1, facts.Heard(3, 100), facts.CallEnded(None))
        assert line.over == []

    def test_a_clip_of_ours_ends_no_wait(self, line):
        line.tell(facts.ReplyBegan(1), facts.Heard(1, 0))
        line.asks(2)
        line.tell(1.9, facts.ClipPlayed("one_moment"), 0.5, facts.Heard(1, 0))
        line.answers(2)
        line.tell(0.1, facts.Heard(2, 100))
        assert line.waterfall.total == 2400


@pytest.mark.parametrize(
    ("keys", "hearing"),
    [((facts.KeyPressed(), 0.5, facts.KeyPressed(), 1.5), 1540), ((), 40)],
    ids=["from the last key", "which there may not be"],
)
def test_keyed_digits(line, keys, hearing):
    line.speaks()
    line.tell(9, *keys, facts.DigitsPressed("42"), 0.04)
    line.asks(1)
    line.tell(0.3)
    line.answers(1)
    line.tell(0.1, facts.Heard(1, 100))
    assert (line.waterfall.hearing, line.waterfall.total) == (hearing, hearing + 300)


def test_a_transcript_that_comes_again_is_counted_from_the_first_time(line):
    line.tell(facts.TranscriptCame(4), 0.5, facts.TranscriptCame(4), facts.TranscriptCame(3), 0.1, began(4))
    line.answers(4)
    line.tell(facts.Heard(4, 0))
    assert line.waterfall.total == 600


def test_an_engine_may_number_nothing(line):
    line.asks(None)
    line.tell(0.3)
    line.answers(None)
    line.tell(0.1, facts.Heard(None, 100))
    line.tell(5)
    line.asks(None)
    line.tell(facts.Interrupted(1, 0), 0.2)
    line.answers(None)
    line.tell(0.1, facts.Heard(None, 100))
    assert [waited.waterfall.total for waited in line.over] == [300, 200]
