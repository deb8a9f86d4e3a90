"""Whatever is said on the brain socket comes back as it was."""

from hypothesis import given
from hypothesis import strategies as st

from ringbridge.errors import BrokenMessage
from ringbridge.turn import Message
from ringbridge.wire import brain

texts = st.text(st.characters(exclude_categories=["Cs"]))
event_ids = st.none() | st.integers(-(2**53), 2**53)
histories = st.lists(st.builds(Message, st.sampled_from(["user", "agent"]), texts)).map(tuple)

incoming = st.one_of(
    st.builds(brain.Init, texts.filter(bool)),
    st.builds(brain.UserTranscript, histories, event_ids),
    st.just(brain.Ping()),
    st.just(brain.Close()),
    st.builds(brain.Error, texts),
)
outgoing = st.builds(brain.AgentResponse, texts, event_ids, st.booleans()) | st.just(brain.Pong())


@given(incoming)
def test_incoming(message):
    assert brain.decode(brain.encode(message)) == message


@given(outgoing)
def test_outgoing(message):
    assert brain.decode_outgoing(brain.encode(message)) == message


@given(incoming, st.data())
def test_a_cut_message_is_broken_and_nothing_worse(message, data):
    text = brain.encode(message)
    cut = data.draw(st.integers(0, len(text) - 1))
    try:
        brain.decode(text[:cut])
    except BrokenMessage:
        return
    raise AssertionError("half an object was read")
