"""What the caller has heard, told by marks, and by the clock between two of them."""

import pytest

from ringbridge.facts import Heard
from ringbridge.relay.playout import MARKED_MS, Playout


class Clock:
    def __init__(self):
        self.now = 7.0

    def __call__(self):
        return self.now

    def passes(self, ms):
        self.now += ms / 1000


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def playout(clock):
    return Playout(clock)


def whole(playout, ms, event_id):
    """Queue a piece after which no more comes; gives the name of its mark."""
    return playout.queue(ms, event_id) or playout.mark_rest()


def test_nothing_sent_is_silence(playout):
    assert playout.silent
    assert playout.unheard_ms == 0
    assert playout.heard is None
    assert playout.mark_rest() is None


def test_an_echo_tells_how_far_the_reply_was_heard(playout):
    first, second = playout.queue(200, 5), whole(playout, 300, 5)
    assert playout.echoed(first) == [Heard(5, 200)]
    assert not playout.silent
    assert playout.unheard_ms == pytest.approx(300)
    assert playout.echoed(second) == [Heard(5, 500)]
    assert playout.silent
    assert playout.heard == Heard(5, 500)


def test_a_mark_stands_behind_the_first_piece_then_behind_two_seconds_each(playout):
    marks = [playout.queue(200, 5) for _ in range(22)]
    assert [bool(mark) for mark in marks] == [True, *([False] * 9 + [True]) * 2, False]
    assert playout.mark_rest()
    assert not playout.mark_rest()


def test_a_long_piece_has_a_mark_of_its_own(playout):
    playout.queue(200, 5)
    assert playout.queue(MARKED_MS, 5)


def test_another_reply_has_a_mark_behind_its_first_piece_if_there_was_a_pause(playout):
    playout.queue(200, 5)
    assert not playout.queue(200, 5)
    assert playout.mark_rest()
    assert playout.queue(200, 6)
    assert not playout.queue(200, 7)


def test_as_many_marks_are_sent_where_each_piece_is_a_reply_of_its_own(playout):
    marks = [playout.queue(200, number) for number in range(22)]
    assert [bool(mark) for mark in marks] == [True, *([False] * 9 + [True]) * 2, False]


def test_a_mark_tells_of_each_reply_that_ended_since_the_last(playout):
    first = playout.queue(200, 5)
    playout.queue(200, 5)
    playout.queue(300, 6)
    playout.queue(400, 7)
    last = playout.mark_rest()
    assert playout.echoed(first) == [Heard(5, 200)]
    assert playout.echoed(last) == [Heard(5, 400), Heard(6, 300), Heard(7, 400)]
    assert playout.silent


def test_a_reply_that_was_only_spelled_is_not_heard(playout):
    playout.queue(200, 5)
    playout.queue(200, 5)
    playout.spell(6, letters("Yes."))
    playout.queue(200, 7)
    assert playout.echoed(playout.mark_rest()) == [Heard(5, 400), Heard(7, 200)]


def test_after_a_pause_the_rest_has_its_mark_and_what_comes_then_has_one_too(playout):
    playout.queue(200, 5)
    playout.queue(200, 5)
    assert not playout.mark_pause(), "more came since the last look"
    assert playout.mark_pause()
    assert not playout.mark_pause()
    assert playout.queue(200, 5)


def test_each_reply_is_measured_from_its_own_beginning(playout):
    playout.queue(200, 5)
    mark = whole(playout, 120, 7)
    assert playout.echoed(mark) == [Heard(7, 120)]


def test_a_lost_mark_was_heard_if_a_later_one_was(playout):
    playout.queue(200, 5)
    mark = whole(playout, 100, 5)
    assert playout.echoed(mark) == [Heard(5, 300)]
    assert playout.silent


def test_echoes_of_a_cleared_queue_tell_nothing(playout):
    before = playout.queue(200, 5)
    assert playout.clear().dropped_ms == 200
    assert playout.silent
    after = playout.queue(100, 6)
    assert not playout.echoed(before)
    assert not playout.silent
    assert playout.echoed(after) == [Heard(6, 100)]


def test_an_echo_counts_once_and_a_foreign_name_never(playout):
    mark = playout.queue(200, 5)
    assert playout.echoed(mark) == [Heard(5, 200)]
    assert not playout.echoed(mark)
    assert not playout.echoed("e0:99")
    assert not playout.echoed("")


def test_clear_gives_what_was_never_heard(playout):
    mark = playout.queue(200, 5)
    playout.queue(300, 5)
    playout.echoed(mark)
    assert playout.clear().dropped_ms == 300
    assert playout.clear().dropped_ms == 0


def test_between_marks_the_clock_tells(playout, clock):
    first = playout.queue(200, 5)
    playout.queue(600, 5)
    clock.passes(250)
    playout.echoed(first)
    clock.passes(100)
    assert playout.unheard_ms == pytest.approx(500)
    clock.passes(9_000)
    assert playout.unheard_ms == 0
    assert not playout.silent, "only a mark tells for sure"


def test_but_never_past_a_mark_that_is_still_out(playout, clock):
    playout.queue(200, 5)
    playout.queue(600, 5)
    clock.passes(9_000)
    assert playout.unheard_ms == 600


def test_what_comes_after_a_gap_plays_from_then_on(playout, clock):
    playout.echoed(playout.queue(200, 5))
    playout.queue(200, 5)
    clock.passes(5_000)
    playout.queue(400, 5)
    clock.passes(100)
    assert playout.unheard_ms == pytest.approx(300)


def letters(text, each=100):
    """Each letter takes 100 ms."""
    return [(letter, (number + 1) * each) for number, letter in enumerate(text)]


@pytest.mark.parametrize(
    ("ms", "words"), [(0, ""), (170, ""), (190, "At"), (770, "At"), (790, "At seven"), (9000, "At seven")]
)
def test_heard_words_end_where_the_clock_says(playout, clock, ms, words):
    playout.spell(5, letters("At seven o'clock"))
    playout.echoed(playout.queue(20, 5))
    playout.queue(900, 5)
    clock.passes(ms)
    assert playout.clear().heard == words


def test_a_second_reply_does_not_count_the_time_of_the_first(playout, clock):
    playout.spell(5, letters("Yes."))
    first = whole(playout, 400, 5)
    playout.spell(6, letters("No, never."))
    second = whole(playout, 1000, 6)
    clock.passes(400)
    playout.echoed(first)
    clock.passes(350)
    assert playout.clear().heard == "No,"
    assert not playout.echoed(second)


def test_nor_where_no_mark_parts_them(playout, clock):
    playout.echoed(playout.queue(20, 5))
    playout.queue(380, 5)
    playout.spell(6, letters("No, never."))
    playout.queue(1000, 6)
    clock.passes(750)
    cut = playout.clear()
    assert (cut.reply, cut.heard) == (6, "No,")


def test_what_the_clock_has_not_reached_is_not_heard(playout, clock):
    playout.echoed(playout.queue(20, 5))
    playout.spell(5, letters("Yes, sir."))
    playout.queue(900, 5)
    playout.queue(1000, 6)
    clock.passes(450)
    cut = playout.clear()
    assert (cut.reply, cut.heard) == (5, "Yes,")


def test_clauses_are_joined_as_they_were_written_and_words_in_halves_too(playout):
    for text in ("Yes.", "Good", "bye"):
        playout.spell(5, letters(text))
        mark = whole(playout, len(text) * 100, 5)
    playout.echoed(mark)
    assert playout.clear().heard == "Yes. Goodbye"


def test_without_an_alignment_nobody_knows_the_words(playout):
    playout.echoed(playout.queue(400, 5))
    assert playout.clear().heard is None


def test_a_cut_names_the_reply_that_was_being_heard(playout):
    playout.queue(200, 5)
    playout.queue(200, 6)
    assert playout.clear().reply == 5
    assert playout.clear().reply is None


def test_a_cut_names_the_reply_whose_rest_has_no_mark_yet(playout):
    playout.echoed(playout.queue(200, 5))
    playout.queue(200, 5)
    playout.ended(5)
    assert playout.clear().reply == 5


def test_a_reply_is_heard_out_once_the_engine_has_said_that_it_is_complete(playout):
    first, last = playout.queue(200, 5), whole(playout, 200, 5)
    playout.echoed(first)
    playout.ended(5)
    assert playout.is_over(settled=False) is None
    playout.echoed(last)
    assert playout.is_over(settled=False) == 5
    assert playout.is_over(settled=True) is None
    assert playout.was_heard(5)


def test_or_once_time_has_told(playout):
    playout.echoed(playout.queue(200, 5))
    assert playout.is_over(settled=False) is None
    assert playout.is_over(settled=True) == 5


def test_what_was_cut_is_never_heard_out(playout):
    playout.echoed(playout.queue(200, 5))
    playout.queue(200, 5)
    playout.clear()
    assert playout.is_over(settled=True) is None
