"""What the caller has heard, told by marks."""

from ringbridge.facts import Heard
from ringbridge.relay.playout import Playout


def test_nothing_sent_is_silence():
    playout = Playout()
    assert playout.silent
    assert playout.unheard_ms == 0
    assert playout.heard is None


def test_an_echo_tells_how_far_the_reply_was_heard():
    playout = Playout()
    first = playout.queue(200, 5)
    second = playout.queue(300, 5)
    assert playout.echoed(first) == Heard(5, 200)
    assert not playout.silent
    assert playout.unheard_ms == 300
    assert playout.echoed(second) == Heard(5, 500)
    assert playout.silent
    assert playout.heard == Heard(5, 500)


def test_each_reply_is_measured_from_its_own_beginning():
    playout = Playout()
    playout.queue(200, 5)
    mark = playout.queue(120, 7)
    assert playout.echoed(mark) == Heard(7, 120)


def test_a_lost_mark_was_heard_if_a_later_one_was():
    playout = Playout()
    playout.queue(200, 5)
    mark = playout.queue(100, 5)
    assert playout.echoed(mark) == Heard(5, 300)
    assert playout.silent


def test_echoes_of_a_cleared_queue_tell_nothing():
    playout = Playout()
    before = playout.queue(200, 5)
    assert playout.clear().dropped_ms == 200
    assert playout.silent
    after = playout.queue(100, 6)
    assert playout.echoed(before) is None
    assert not playout.silent
    assert playout.echoed(after) == Heard(6, 100)


def test_an_echo_counts_once_and_a_foreign_name_never():
    playout = Playout()
    mark = playout.queue(200, 5)
    assert playout.echoed(mark) == Heard(5, 200)
    assert playout.echoed(mark) is None
    assert playout.echoed("e0:99") is None
    assert playout.echoed("") is None


def test_clear_gives_what_was_never_heard():
    playout = Playout()
    mark = playout.queue(200, 5)
    playout.queue(300, 5)
    playout.echoed(mark)
    assert playout.clear().dropped_ms == 300
    assert playout.clear().dropped_ms == 0


def letters(text, each=100):
    """Each letter takes 100 ms."""
    return [(letter, (number + 1) * each) for number, letter in enumerate(text)]


def heard_words(*pieces, echo):
    """What was heard of reply 5, whose pieces are (ms, letters), when the mark of piece `echo` came back last."""
    playout = Playout()
    marks = []
    for ms, spoken in pieces:
        playout.spell(5, spoken)
        marks.append(playout.queue(ms, 5))
    if echo is not None:
        playout.echoed(marks[echo])
    return playout.clear().heard


def test_heard_words_end_at_the_last_mark_that_came_back():
    pieces = [(300, letters("At seven o'clock")), (400, ()), (400, ()), (500, ())]
    assert heard_words(*pieces, echo=0) == "At"
    assert heard_words(*pieces, echo=1) == "At", "a word that was cut is not heard"
    assert heard_words(*pieces, echo=2) == "At seven"
    assert heard_words(*pieces, echo=3) == "At seven o'clock"
    assert heard_words(*pieces, echo=None) == ""


def test_clauses_are_joined_as_they_were_written_and_words_in_halves_too():
    assert heard_words((400, letters("Yes.")), (400, letters("Good")), (300, letters("bye")), echo=2) == "Yes. Goodbye"


def test_without_an_alignment_nobody_knows_the_words():
    assert heard_words((400, ()), echo=0) is None


def test_a_cut_names_the_reply_that_was_being_heard():
    playout = Playout()
    playout.queue(200, 5)
    playout.queue(200, 6)
    assert playout.clear().reply == 5
    assert playout.clear().reply is None


def test_a_reply_is_heard_out_once_the_engine_has_said_that_it_is_complete():
    playout = Playout()
    first, last = playout.queue(200, 5), playout.queue(200, 5)
    playout.echoed(first)
    playout.ended(5)
    assert playout.is_over(settled=False) is None
    playout.echoed(last)
    assert playout.is_over(settled=False) == 5
    assert playout.is_over(settled=True) is None
    assert playout.was_heard(5)


def test_or_once_time_has_told():
    playout = Playout()
    playout.echoed(playout.queue(200, 5))
    assert playout.is_over(settled=False) is None
    assert playout.is_over(settled=True) == 5


def test_what_was_cut_is_never_heard_out():
    playout = Playout()
    playout.echoed(playout.queue(200, 5))
    playout.queue(200, 5)
    playout.clear()
    assert playout.is_over(settled=True) is None
