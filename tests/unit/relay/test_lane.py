"""What passes between the caller and the agent, and what does not."""

import base64
import json

import pytest

from ringbridge.facts import Heard
from ringbridge.ids import StreamSid
from ringbridge.relay.lane import AGENT_HELD_MS, CALLER_HELD_MS, Gate, Lane, audio_ms
from ringbridge.relay.playout import MARKED_MS
from ringbridge.wire import engine
from ringbridge.wire.engine import Audio, AudioEvent

SID = StreamSid("MZ1")


def audio(ms, event_id=1, fill=b"\x10"):
    return Audio(AudioEvent(base64.b64encode(fill * (ms * 8)).decode(), event_id))


def frame(number):
    return base64.b64encode(number.to_bytes(2, "big") * 80).decode()


def chunks(messages):
    return [json.loads(message)["user_audio_chunk"] for message in messages]


@pytest.mark.parametrize("length", [0, 1, 2, 3, 4, 159, 160, 161, 1600])
def test_audio_ms_is_the_length_of_what_the_base64_holds(length):
    assert audio_ms(base64.b64encode(b"x" * length).decode()) == length / 8


def test_the_callers_words_pass_untouched_once_the_engine_listens():
    lane = Lane(lambda: 0.0)
    assert lane.open_to_engine() == []
    message = lane.caller("no+JhoaJjpz/")
    assert json.loads(message) == {"user_audio_chunk": "no+JhoaJjpz/"}


def test_an_empty_frame_is_not_sent():
    lane = Lane(lambda: 0.0)
    lane.open_to_engine()
    assert lane.caller("") is None


def test_the_callers_words_from_before_are_kept_in_order_the_oldest_going_first():
    lane = Lane(lambda: 0.0)
    for number in range(150):
        assert lane.caller(frame(number)) is None
    kept = CALLER_HELD_MS // 20
    assert chunks(lane.open_to_engine()) == [frame(number) for number in range(150 - kept, 150)]


def test_a_greeting_waits_for_the_stream_and_keeps_its_beginning():
    lane = Lane(lambda: 0.0)
    for _ in range(AGENT_HELD_MS // 100 + 5):
        assert lane.agent(audio(100)) is None
    messages = [json.loads(message) for message in lane.open_to_caller(SID)]
    kinds = [message["event"] for message in messages]
    assert kinds.count("media") == AGENT_HELD_MS // 100
    assert kinds[:2] == ["media", "mark"]
    assert kinds.count("mark") == AGENT_HELD_MS // MARKED_MS
    assert lane.playout.unheard_ms == pytest.approx(AGENT_HELD_MS)


@pytest.mark.parametrize("ms", [1, 500, 1000, 7777])
def test_audio_goes_on_as_it_came(ms):
    lane = Lane(lambda: 0.0)
    lane.open_to_caller(SID)
    piece = audio(ms)
    media, *_ = lane.agent(piece)
    assert json.loads(media)["media"]["payload"] == piece.audio_event.audio_base_64


def test_the_first_piece_is_followed_by_its_mark():
    lane = Lane(lambda: 0.0)
    lane.open_to_caller(SID)
    piece = audio(100)
    media, mark = lane.agent(piece)
    assert json.loads(media) == {
        "event": "media",
        "streamSid": "MZ1",
        "media": {"payload": piece.audio_event.audio_base_64},
    }
    assert json.loads(mark) == {"event": "mark", "streamSid": "MZ1", "mark": {"name": "e0:1"}}


def test_a_reply_that_follows_at_once_needs_no_mark_before_it():
    lane = Lane(lambda: 0.0)
    lane.open_to_caller(SID)
    pieces = [audio(100, 1), audio(100, 1), audio(100, 2), audio(100, 2)]
    kinds = [[json.loads(wire)["event"] for wire in lane.agent(piece)] for piece in pieces]
    assert kinds == [["media", "mark"], ["media"], ["media"], ["media"]]
    assert lane.mark_pause() == []
    (mark,) = lane.mark_pause()
    assert lane.playout.echoed(json.loads(mark)["mark"]["name"]) == [Heard(1, 200), Heard(2, 200)]


def test_an_alignment_may_come_before_its_audio():
    lane = Lane(lambda: 0.0)
    lane.open_to_caller(SID)
    event = {"audio_base_64": "", "event_id": 2, "alignment": {"chars": ["H"], "char_start_times_ms": [0]}}
    assert lane.agent(engine.decode(json.dumps({"type": "audio", "audio_event": event}).encode())) is None
    lane.agent(audio(100, 2))
    assert lane.clear()[1].reply == 2


def test_our_own_voice_and_sounds_have_a_mark_behind_them():
    lane = Lane(lambda: 0.0)
    lane.open_to_caller(SID)
    lane.agent(audio(100))
    lane.agent(audio(100))
    kinds = [json.loads(wire)["event"] for wire in lane.play_clip([frame(1), frame(2)])]
    assert kinds == ["mark", "media", "media", "mark"]
    assert [json.loads(wire)["event"] for wire in lane.play([frame(1), frame(2)])] == ["media", "mark"] * 2


@pytest.mark.parametrize(("event_id", "passes"), [(6, False), (7, True), (8, True), (None, True)])
def test_only_replies_before_the_last_interruption_are_stale(event_id, passes):
    lane = Lane(lambda: 0.0)
    lane.open_to_caller(SID)
    lane.interrupt(7)
    assert (lane.agent(audio(20, event_id)) is not None) is passes


def test_an_older_interruption_does_not_bring_stale_replies_back():
    lane = Lane(lambda: 0.0)
    lane.open_to_caller(SID)
    lane.interrupt(7)
    lane.interrupt(3)
    assert lane.agent(audio(20, 5)) is None


def test_empty_audio_is_not_sent():
    lane = Lane(lambda: 0.0)
    lane.open_to_caller(SID)
    assert lane.agent(Audio(AudioEvent("", 1))) is None


def test_a_reply_that_was_interrupted_while_it_waited_is_not_played():
    lane = Lane(lambda: 0.0)
    lane.agent(audio(200, 3))
    clear, _ = lane.interrupt(5)
    assert clear is None
    lane.agent(audio(100, 5))
    lane.open_to_caller(SID)
    assert lane.playout.unheard_ms == 100


def test_interruption_clears_the_stream_and_tells_what_was_not_heard():
    lane = Lane(lambda: 0.0)
    lane.open_to_caller(SID)
    lane.agent(audio(200, 3))
    clear, cut = lane.interrupt(4)
    assert json.loads(clear) == {"event": "clear", "streamSid": "MZ1"}
    assert (cut.dropped_ms, cut.reply) == (200, 3)


def test_what_the_agent_says_to_a_lost_stream_is_dropped():
    lane = Lane(lambda: 0.0)
    lane.open_to_caller(SID)
    lane.agent(audio(200))
    lane.shut_to_caller()
    assert lane.from_agent is Gate.SHUT
    assert lane.agent(audio(200)) is None
    assert lane.open_to_caller(StreamSid("MZ2")) == []
    media, mark = lane.agent(audio(20))
    assert json.loads(media)["streamSid"] == json.loads(mark)["streamSid"] == "MZ2"


def test_a_conversation_given_back_takes_its_words_along():
    lane = Lane(lambda: 0.0)
    lane.agent(audio(200, 3))
    lane.interrupt(9)
    lane.forget_agent()
    assert lane.agent(audio(100, 1)) is None  # the next conversation counts from the beginning
    lane.open_to_caller(SID)
    assert lane.playout.unheard_ms == 100


def test_an_alignment_counts_though_it_comes_with_no_audio():
    lane = Lane(lambda: 0.0)
    lane.open_to_caller(SID)
    alignment = {"chars": list("Hi there"), "char_start_times_ms": [n * 20 for n in range(8)]}
    event = {"audio_base_64": "", "event_id": 3, "alignment": alignment}
    assert lane.agent(engine.decode(json.dumps({"type": "audio", "audio_event": event}).encode())) is None
    _, mark = lane.agent(audio(100, 3))
    lane.playout.echoed(json.loads(mark)["mark"]["name"])
    assert lane.interrupt(4)[1].heard == "Hi"
