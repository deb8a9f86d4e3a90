"""The page's audio on its way to the call, whose clock is another."""

import pytest

from ringbridge.audio.mulaw import FRAME_BYTES
from ringbridge.emulator.twilio.audio import SILENT_FRAME, AudioQueue
from ringbridge.phone.microphone import Microphone


def frames(count: int) -> list[bytes]:
    return [bytes([number]) * FRAME_BYTES for number in range(count)]


@pytest.fixture
def queue():
    return AudioQueue()


def played(queue: AudioQueue, ticks: int) -> list[bytes]:
    return [queue.take() for _ in range(ticks)]


def test_speech_begins_40_ms_late(queue):
    microphone = Microphone(queue)
    for frame in frames(3):
        microphone.hear(frame)
    assert played(queue, 6) == [SILENT_FRAME, SILENT_FRAME, *frames(3), SILENT_FRAME]


def test_frames_that_come_40_ms_late_leave_no_hole(queue):
    microphone = Microphone(queue)
    heard = []
    for number, frame in enumerate(frames(9)):
        if number % 3 == 0:  # three at a time, as a browser may send them
            for late in frames(9)[number : number + 3]:
                microphone.hear(late)
        heard += played(queue, 1)
        assert frame
    assert heard[2:] == frames(7)


def test_a_clock_that_runs_fast_adds_no_delay_for_ever(queue):
    microphone = Microphone(queue)
    for _ in range(200):
        microphone.hear(SILENT_FRAME)
    assert queue.waiting <= 10 * FRAME_BYTES


def test_each_gap_makes_the_next_one_less_likely_but_not_for_ever(queue):
    microphone = Microphone(queue)
    waits = []
    for _ in range(10):
        microphone.hear(SILENT_FRAME)
        waits.append(queue.waiting // FRAME_BYTES - 1)
        played(queue, 20)
    assert waits == [2, 3, 4, 5, 6, 7, 8, 8, 8, 8]
