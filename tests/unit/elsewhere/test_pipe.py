import asyncio
import enum
import pickle
import socket
from pathlib import Path

import pytest

from ringbridge.elsewhere.messages import Asked, Begin, Noted, Said
from ringbridge.elsewhere.pipe import Frames, can_travel, encode, open_pipe
from ringbridge.errors import NotAllowed
from ringbridge.facts import CallEnded, Outcome
from ringbridge.llm.base import Failure, ModelFailed
from ringbridge.turn import Call, Message, Turn


class Word(str):
    __slots__ = ()


class Number(int):
    pass


class Colour(enum.StrEnum):
    RED = "red"


MESSAGES = [
    Said(7, "Hello \N{WAVING HAND SIGN}\ud83d"),
    Noted(7, CallEnded(Outcome.GOODBYE)),
    Asked(7, 1, "play", ("hold.wav",), {"secret": True}),
    Begin(
        8, Turn((Message("user", "Hi"),), Call("CA1", "+1", "+2", "conv_1", line=None)), ("sales",), {"call_sid": "CA1"}
    ),
]


@pytest.mark.parametrize("step", [1, 3, 7, 1000])
def test_what_goes_in_comes_out_however_it_is_cut(step):
    frames = Frames()
    data = b"".join(map(encode, MESSAGES))
    pieces = [data[start : start + step] for start in range(0, len(data), step)]
    assert [message for piece in pieces for message in frames.feed(piece)] == MESSAGES


@pytest.mark.parametrize("text", [Word("red"), Colour.RED])
def test_somebodys_own_kind_of_text_is_text(text):
    (said,) = Frames().feed(encode(Said(1, text)))
    assert type(said.text) is str
    assert said.text == "red"


@pytest.mark.parametrize("value", [Number(4), Word, object])
def test_somebodys_own_classes_stay_where_they_are_known(value):
    if value is object:
        encode(Asked(1, 1, "play", (value(),)))
        return
    with pytest.raises(pickle.PicklingError, match="can't leave its process"):
        encode(Asked(1, 1, "play", (value,)))


def test_which_errors_come_out_as_they_go_in():
    class Theirs(Exception):
        pass

    assert can_travel(NotAllowed("by name only"))
    assert can_travel(TimeoutError())
    assert can_travel(FileNotFoundError(2, "none", "hold.wav"))
    assert not can_travel(Theirs("?"))
    assert not can_travel(ModelFailed(Failure.SILENT, "silent"))


async def test_a_pipe_tells_its_end_and_takes_nothing_afterwards():
    ours, theirs = socket.socketpair()
    heard = []
    near, far = await open_pipe(ours, heard.append), await open_pipe(theirs, print)
    far.send(Said(1, "Hello."))
    await asyncio.sleep(0.01)
    far.close()
    await near.ended()
    near.send(Said(2, "Too late."))
    near.close()
    near.close()
    await far.ended()
    assert heard == [Said(1, "Hello.")]


async def test_what_the_other_end_does_not_take_in_is_counted():
    ours, theirs = socket.socketpair()
    near = await open_pipe(ours, print)
    assert near.waiting == 0
    near.send(Said(1, "x" * 2_000_000))
    assert near.waiting > 1_000_000
    near.close()
    theirs.close()
    await near.ended()


def test_a_path_is_plain():
    assert list(Frames().feed(encode(Asked(1, 1, "play", (Path("hold.wav"),))))) == [
        Asked(1, 1, "play", (Path("hold.wav"),))
    ]
