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
    assert playout.clear() == 200
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
    assert playout.clear() == 300
    assert playout.clear() == 0
