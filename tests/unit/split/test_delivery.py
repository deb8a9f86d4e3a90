"""Messages are taken once and in order, whatever becomes of the sockets that carry them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringbridge.errors import BrokenMessage
from ringbridge.split.delivery import ACKNOWLEDGED_EACH, MAX_UNDELIVERED, MAX_UNDELIVERED_BYTES, Delivery

MESSAGES = [b'"%d"' % number for number in range(200)]


class Pair:
    """Two sides, and what is on its way to each."""

    def __init__(self):
        self.sides = (Delivery(), Delivery())
        self.ways = ([], [])
        self.sent = ([], [])
        self.taken = ([], [])

    def say(self, side, message):
        self.sent[side].append(message)
        self.ways[1 - side].append(self.sides[side].send(message))

    def hear(self, side):
        if self.ways[side] and (message := self.sides[side].take(self.ways[side].pop(0))) is not None:
            self.taken[side].append(message)

    def lose(self):
        """Another socket takes over: the bridge is told in the request, the brain by the first frame."""
        brain, bridge = self.sides
        for way in self.ways:
            way.clear()
        bridge.has_taken(brain.taken)
        self.ways[0].extend([bridge.word(), *bridge.again()])
        brain.take(self.ways[0].pop(0))
        self.ways[1].extend(brain.again())


STEPS = st.lists(st.sampled_from(["say 0", "say 1", "hear 0", "hear 1", "lose"]), max_size=80)


@given(STEPS)
def test_each_is_taken_once_and_in_order(steps):
    pair = Pair()
    fresh = iter(MESSAGES)
    for step in [*steps, "lose", *["hear 0", "hear 1"] * 100]:
        match step.split():
            case ["say", side]:
                pair.say(int(side), next(fresh))
            case ["hear", side]:
                pair.hear(int(side))
            case _:
                pair.lose()
    assert (pair.taken[1], pair.taken[0]) == pair.sent


def test_a_side_that_only_listens_says_so_from_time_to_time():
    speaker, listener = Delivery(), Delivery()
    for number in range(ACKNOWLEDGED_EACH):
        assert not listener.owes_word
        assert listener.take(speaker.send(b"%d" % number)) == b"%d" % number
    assert listener.owes_word
    assert len(list(speaker.again())) == ACKNOWLEDGED_EACH
    speaker.take(listener.word())
    assert list(speaker.again()) == []
    assert not listener.owes_word


def test_it_is_full_at_last():
    delivery = Delivery()
    for _ in range(MAX_UNDELIVERED):
        assert not delivery.is_full
        delivery.send(b"1")
    assert delivery.is_full


def test_or_too_heavy():
    delivery = Delivery()
    for _ in range(2):
        assert not delivery.is_full
        delivery.send(b"1" * (MAX_UNDELIVERED_BYTES // 2))
    assert delivery.is_full
    delivery.has_taken(1)
    assert not delivery.is_full


@pytest.mark.parametrize("frame", [b"", b"{}", b"[1]", b'["1",0,1]', b"[2,0,1]", b"[1,1,1]", b"\xff", b"[1,0,1"])
def test_what_is_no_frame_or_not_the_next_is_broken(frame):
    with pytest.raises(BrokenMessage):
        Delivery().take(frame)


def test_what_was_let_go_of_can_not_be_had_again():
    delivery = Delivery()
    delivery.send(b"1")
    delivery.has_taken(1)
    with pytest.raises(BrokenMessage):
        delivery.has_taken(0)
