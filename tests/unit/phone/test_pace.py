"""When words are heard whose audio was sent ahead."""

import base64

import pytest

from ringbridge.emulator.elevenlabs.diary import Timed
from ringbridge.phone.pace import Pace


def audio(at_ms: int, ms: int) -> Timed:
    return Timed(at_ms, {"type": "audio", "audio_event": {"audio_base_64": base64.b64encode(bytes(8 * ms)).decode()}})


def test_what_nothing_precedes_is_heard_at_once():
    assert Pace().begins_ms([], 70) == 70


def test_each_piece_is_heard_after_the_one_before_it():
    pace, sent = Pace(), [audio(100, 500), Timed(110, {"type": "ping"}), audio(120, 300)]
    assert pace.begins_ms(sent, 130) == pytest.approx(900, abs=1)
    sent.append(audio(140, 100))
    assert pace.begins_ms(sent, 150) == pytest.approx(1000, abs=1)


def test_after_a_silence_it_is_heard_when_it_is_sent():
    pace, sent = Pace(), [audio(100, 500)]
    assert pace.begins_ms(sent, 2000) == 2000
    sent.append(audio(2000, 500))
    assert pace.begins_ms(sent, 2010) == pytest.approx(2500, abs=1)


def test_what_is_cut_delays_nothing():
    pace, sent = Pace(), [audio(100, 60_000)]
    pace.cut(sent, 400)
    assert pace.begins_ms(sent, 450) == 450
