"""The queue under the microphone and the earpiece, against a model of it."""

from hypothesis import given
from hypothesis import strategies as st

from ringbridge.emulator.twilio.audio import SILENT_FRAME, AudioQueue

STEPS = st.lists(
    st.one_of(
        st.binary(max_size=500).map(lambda audio: ("put", audio)),
        st.just(("mark", None)),
        st.just(("tick", None)),
        st.just(("clear", None)),
    ),
    max_size=60,
)


@given(STEPS)
def test_audio_comes_out_as_it_went_in_and_marks_when_what_was_before_them_is_over(steps):
    queue, waiting, due = AudioQueue(), bytearray(), []
    marks, flying, number = [], 0, 0  # each mark with the bytes that are still before it
    for step, audio in steps:
        if step == "put":
            queue.put(audio)
            waiting += audio
        elif step == "mark":
            number += 1
            marks.append((number, flying + len(waiting)))
            queue.mark(lambda number=number: due.append(number))
        elif step == "clear":
            dropped = queue.clear()
            assert len(dropped) == len([mark for mark in marks if mark[0] not in due])
            for call in dropped:
                call()
            waiting.clear()
            marks.clear()
        else:
            queue.done()
            marks = [(mark, left - flying) for mark, left in marks]
            frame = queue.take()
            flying = min(160, len(waiting))
            assert frame == bytes(waiting[:160]).ljust(160, b"\xff")
            del waiting[:160]
        assert queue.waiting == len(waiting)
        over = [mark for mark, left in marks if left <= 0]
        marks = [(mark, left) for mark, left in marks if left > 0]
        assert set(over) <= set(due)
        assert not {mark for mark, _ in marks} & set(due)
    assert due == sorted(due)


def test_an_empty_queue_gives_the_silent_frame_itself():
    assert AudioQueue().take() is SILENT_FRAME
