import base64
import random
from typing import Any

import pytest

from ringbridge.emulator.accounting import audible, lost_to_caller, lost_to_engine
from ringbridge.emulator.elevenlabs.diary import Timed
from ringbridge.emulator.speech.exact import encode

FRAME = 160
SILENCE = b"\xff" * FRAME


def tape(seed: int, frames: int = 100) -> bytes:
    """Speech and silence, each frame unlike the others of it."""
    noise = random.Random(seed)
    speech = [noise.randbytes(FRAME) for _ in range(frames)]
    return b"".join(SILENCE if index % 10 > 6 else frame for index, frame in enumerate(speech))


WHOLE = tape(1)
PART = slice(20 * FRAME, 80 * FRAME)


@pytest.mark.parametrize("arrived", [slice(0, len(WHOLE)), PART, slice(15 * FRAME, 83 * FRAME)])
def test_more_than_what_was_due_may_arrive(arrived: slice):
    assert lost_to_engine(WHOLE, PART, WHOLE[arrived]) == 0


@pytest.mark.parametrize("frames", [1, 3])
def test_each_lost_frame_counts(frames: int):
    arrived = WHOLE[: 40 * FRAME] + WHOLE[(40 + frames) * FRAME :]

    assert lost_to_engine(WHOLE, PART, arrived) == frames


def test_a_lost_silent_frame_is_a_lost_frame():
    assert WHOLE[27 * FRAME : 28 * FRAME] == SILENCE
    arrived = WHOLE[: 27 * FRAME] + WHOLE[28 * FRAME :]

    assert lost_to_engine(WHOLE, PART, arrived) > 0


@pytest.mark.parametrize(
    "arrived",
    [
        b"",
        tape(2),
        WHOLE[: 30 * FRAME] + WHOLE[31 * FRAME : 32 * FRAME] + WHOLE[30 * FRAME : 31 * FRAME] + WHOLE[32 * FRAME :],
        WHOLE[: 30 * FRAME] + SILENCE + WHOLE[31 * FRAME :],
        WHOLE[: 80 * FRAME] + tape(2)[:FRAME],
        tape(2)[:FRAME] + WHOLE[20 * FRAME :],
        WHOLE[20 * FRAME : 79 * FRAME],
    ],
    ids=["nothing", "another call", "swapped", "silenced", "foreign end", "foreign begin", "end missing"],
)
def test_what_did_not_arrive_as_it_was_is_lost(arrived: bytes):
    assert lost_to_engine(WHOLE, PART, arrived) > 0


def audio(event_id: int, sound: bytes) -> dict[str, Any]:
    event = {"audio_base_64": base64.b64encode(sound).decode(), "event_id": event_id}
    return {"type": "audio", "audio_event": event}


def interruption(event_id: int) -> dict[str, Any]:
    return {"type": "interruption", "interruption_event": {"event_id": event_id}}


def test_stale_and_last_minute_audio_need_not_be_heard():
    messages = [
        Timed(0, {"type": "ping", "ping_event": {"event_id": 9}}),
        Timed(10, audio(1, b"old")),
        Timed(20, interruption(2)),
        Timed(30, audio(1, b"late")),
        Timed(40, audio(2, b"new")),
        Timed(50, audio(2, b"")),
        Timed(4800, audio(3, b"last")),
    ]

    assert audible(messages, ended_ms=5000) == [b"new"]
    assert audible(messages, ended_ms=9000) == [b"new", b"last"]


PIECES = [encode("of"), encode("course"), encode("goodbye")]


def test_all_was_heard_whatever_the_gaps():
    heard = SILENCE + PIECES[0] + SILENCE * 5 + PIECES[1] + PIECES[2] + SILENCE * 50

    assert lost_to_caller(PIECES, heard) == 0


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_a_piece_that_was_not_heard_is_lost(missing: int):
    heard = b"".join(piece for index, piece in enumerate(PIECES) if index != missing) + SILENCE * 50

    assert lost_to_caller(PIECES, heard) == -(-len(PIECES[missing]) // FRAME)


def test_pieces_in_another_order_are_lost():
    assert lost_to_caller(PIECES, PIECES[1] + PIECES[0] + PIECES[2]) > 0


@pytest.mark.parametrize("frames", [0, 1, 9])
def test_what_the_end_of_the_call_cut_off_is_not_lost(frames: int):
    heard = SILENCE + PIECES[0] + PIECES[1][: frames * FRAME]

    assert lost_to_caller(PIECES, heard) == 0


def test_what_a_silence_before_the_end_should_have_held_is_lost():
    assert lost_to_caller(PIECES, PIECES[0] + SILENCE * 50) > 0
