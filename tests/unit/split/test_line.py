"""The line to the bridge, where its ends come at the same moment."""

from ringbridge.brain.talk import Talk
from ringbridge.ids import CallSid, ConversationId
from ringbridge.phrases import ENGLISH
from ringbridge.split.delivery import Delivery
from ringbridge.split.line import Bridge, Line
from ringbridge.split.messages import Found, encode

CONVERSATION = ConversationId("conv_1")


class Quiet:
    """A socket that nothing comes on, and a call that has no use for it."""

    is_over = False
    is_cut = False

    def joined(self, socket):
        self.socket = socket

    def abort(self):
        self.is_cut = True


async def test_a_call_may_be_found_when_nobody_looks_for_it_any_more():
    made = []

    def make(found, delivery):
        made.append(found)
        return quiet

    quiet = Quiet()
    line = Line(CONVERSATION, Bridge("http://bridge:3001", "s" * 20), None, make)
    line.found.cancel()  # as a time-out does, just before the line is taken down
    found = Found(CallSid("CA1"), "", "", CONVERSATION, (), "en", {}, Talk(ENGLISH).kept())
    line._begin(quiet, Delivery().send(encode(found)))
    assert made == [found]
    assert not quiet.is_cut


def test_the_address_of_a_call():
    bridge = Bridge("https://bridge:3001", "s" * 20)
    assert bridge.address(ConversationId("conv/../1?x")) == "wss://bridge:3001/internal/calls/conv%2F..%2F1%3Fx"
    assert "s" * 20 not in repr(bridge)
