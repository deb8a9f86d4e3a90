"""A brain in the bridge's process and one that is reached over a pipe do the same. Both ends run on one loop here."""

import asyncio
import inspect
import logging
import socket
import sys
import textwrap
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial

import pytest
from structlog.contextvars import bound_contextvars

from ringbridge import facts
from ringbridge.brains.load import load_brain
from ringbridge.elsewhere import worker
from ringbridge.elsewhere.brain import open_brain
from ringbridge.elsewhere.grants import METHODS
from ringbridge.elsewhere.inside import serve
from ringbridge.elsewhere.line import FarLine
from ringbridge.elsewhere.messages import WINDOW, FailedElsewhere, Hello
from ringbridge.elsewhere.pipe import open_pipe
from ringbridge.emulator.openai.script import Say
from ringbridge.emulator.openai.twin import OpenAITwin
from ringbridge.errors import BrainNotFound, NotAllowed
from ringbridge.live.tasks import Tasks
from ringbridge.llm.names import ModelName
from ringbridge.llm.open import open_models
from ringbridge.turn import Call, Line, Message, Turn

MODELS = partial(
    open_models, (ModelName("openai", None, "m"),), openai_url="http://x/v1", openai_key="k", keys={}, hedge_after=None
)


class OneLine:
    """The line of a call, as its brain's turns have it."""

    transfer_names = ("sales",)
    models = None

    def __init__(self, tasks):
        self.done = []
        self.facts = []
        self.heard = asyncio.Event()
        self.taken_back = False
        self._tasks = tasks

    async def confirmed(self):
        self.done.append("confirmed")

    async def hang_up(self):
        self.done.append("hang up")
        try:
            await self.heard.wait()
        except asyncio.CancelledError:
            self.taken_back = True
            raise
        return True

    async def transfer_call(self, name):
        raise NotAllowed(f"not to {name}")

    async def send_digits(self, digits):
        raise asyncio.CancelledError

    async def collect_digits(self, n, finish_on, timeout, *, secret):
        self.done.append((n, finish_on, timeout, secret))

    async def play(self, sound):
        raise ValueError(sound)

    async def remember(self, key, value):
        self.done.append((key, value))

    async def recall(self, key):
        return key.upper()

    async def recall_all(self):
        return {"name": "Ann"}

    async def forget(self):
        self.done.append("forget")

    def start(self, work, *, name):
        return self._tasks.start(work, name=name)

    def note(self, fact):
        self.facts.append(fact)


class House:
    """A brain, and the line of the one call that it is on."""

    def __init__(self, brain, line, processes=()):
        self.brain = brain
        self.line = line
        self.call = Call("CA1", "+15550100", "+15550101", "conv_1", digits=("42",), state={}, line=line)
        self.processes = processes

    def turn(self, text="Hello", **fields):
        return Turn((Message("user", text),), self.call, **fields)

    async def says(self, text="Hello", **fields):
        return [piece async for piece in self.brain(self.turn(text, **fields))]


@pytest.fixture
def loads(monkeypatch, tmp_path):
    """What loading a brain adds to the import path and to the modules is taken back; a library's modules stay."""
    before = set(sys.modules)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield
    for name in set(sys.modules) - before:
        if str(tmp_path) in repr(sys.modules[name]):
            del sys.modules[name]


@pytest.fixture
def elsewhere(tmp_path, loads):
    """Makes a house with a brain of some code, which is elsewhere: `async with elsewhere(code) as h`."""

    @asynccontextmanager
    async def make(code):
        (tmp_path / "desk.py").write_text(textwrap.dedent(code))
        async with Tasks() as tasks, apart(f"{tmp_path}/desk.py:reply") as (brain, processes):
            yield House(brain, OneLine(tasks), processes)

    return make


@pytest.fixture
def here(tmp_path, loads):
    """The same with a brain that is here."""

    @asynccontextmanager
    async def make(code):
        (tmp_path / "desk.py").write_text(textwrap.dedent(code))
        async with Tasks() as tasks:
            yield House(load_brain(f"{tmp_path}/desk.py:reply"), OneLine(tasks))

    return make


@pytest.fixture(params=["here", "elsewhere"])
def house(request):
    """Either of them."""
    return request.getfixturevalue(request.param)


class Process:
    """One that runs on the test's own loop."""

    def __init__(self, pipe, life):
        self.pipe = pipe
        self._life = life
        self.send = pipe.send

    waiting = property(lambda self: self.pipe.waiting)

    def kill(self):
        self._life.cancel()

    async def ended(self):
        await self.pipe.ended()
        return "was killed by SIGKILL"


@asynccontextmanager
async def apart(spec, models=MODELS):
    processes = []

    @asynccontextmanager
    async def start(receive):
        ours, theirs = socket.socketpair()
        async with Tasks() as tasks:
            processes.append(Process(await open_pipe(ours, receive), tasks.start(serve(theirs), name="inside")))
            yield processes[-1]
            processes[-1].pipe.close()

    hello = Hello(spec, tuple(sys.path), partial(logging.getLogger, "inside"), models)
    async with open_brain(hello, 1, start) as brain:
        yield brain, processes


@pytest.fixture
def lines(caplog):
    return lambda: [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]


# The same in both


async def test_a_turn_is_told_whole_and_its_words_come_in_order(house):
    async with house("""
        async def reply(turn):
            yield f"{turn.text} {turn.caller} {turn.call.called} {turn.digits} {turn.call.language} "
            yield f"{turn.interrupted} {turn.heard} {turn.heard_out} {turn.utterance} {turn.call.line.transfer_names}"
    """) as h:
        assert await h.says("Hi", interrupted=True, heard="Well", heard_out=False, utterance=3) == [
            "Hi +15550100 +15550101 ('42',) en ",
            "True Well False 3 ('sales',)",
        ]


async def test_state_is_kept_as_long_as_the_call(house):
    async with house("""
        async def reply(turn):
            turn.call.state["n"] = turn.call.state.get("n", 0) + 1
            yield str(turn.call.state["n"])
    """) as h:
        assert [await h.says(), await h.says()] == [["1"], ["2"]]
        other = replace(h.turn(), call=replace(h.call, sid="CA2", state={}))
        assert [piece async for piece in h.brain(other)] == ["1"]


async def test_what_is_done_on_the_line_is_done_there_and_answered(house):
    async with house("""
        async def reply(turn):
            await turn.confirmed()
            await turn.call.collect_digits(4, timeout=7, secret=True)
            await turn.call.remember("name", "Ann")
            await turn.call.forget()
            yield f"{await turn.call.recall('name')} {await turn.call.line.recall_all()}"
    """) as h:
        assert await h.says() == ["NAME {'name': 'Ann'}"]
        assert h.line.done == ["confirmed", (4, "#", 7, True), ("name", "Ann"), "forget"]


async def test_what_is_raised_there_is_raised_where_it_was_asked(house):
    async with house("""
        import asyncio
        from ringbridge import NotAllowed

        async def reply(turn):
            try:
                await turn.call.transfer_call("nobody")
            except NotAllowed as error:
                yield str(error)
            try:
                await turn.call.play("hold.wav")
            except ValueError as error:
                yield str(error)
            try:
                await turn.call.send_digits("1")
            except asyncio.CancelledError:
                yield "taken back"
    """) as h:
        assert await h.says() == ["not to nobody", "hold.wav", "taken back"]


async def test_words_come_before_what_was_done_after_them(house):
    async with house("""
        from ringbridge import facts

        async def reply(turn):
            yield "Goodbye."
            turn.call.line.note(facts.ToolBegan("bye", "{}"))
            yield f"ended: {await turn.call.hang_up()}"
    """) as h:
        pieces = h.brain(h.turn())
        assert await anext(pieces) == "Goodbye."
        await asyncio.sleep(0.1)
        assert (h.line.facts, h.line.done) == ([], [])
        h.line.heard.set()
        assert await anext(pieces) == "ended: True"
        assert (h.line.facts, h.line.done) == ([facts.ToolBegan("bye", "{}")], ["hang up"])
        await pieces.aclose()


async def test_a_cancelled_turn_is_let_go_of_before_the_cancellation_is_over(house):
    async with (
        house("""
        import asyncio

        async def reply(turn):
            yield "Well"
            try:
                await turn.call.hang_up()
            finally:
                await asyncio.sleep(1)
                turn.call.state["closed"] = turn.call.state.get("closed", 0) + 1
                await turn.call.remember("closed", str(turn.call.state["closed"]))
    """) as h,
        Tasks() as tasks,
    ):
        for count in (1, 2):
            h.line.taken_back = False
            asked = tasks.start(h.says(), name="turn")
            await asyncio.sleep(0.1)
            assert h.line.done[-1] == "hang up"
            asked.cancel()
            await asyncio.wait([asked])
            assert asked.cancelled()
            assert h.line.taken_back
            assert h.line.done[-1] == ("closed", str(count))


async def test_a_turn_that_is_given_up_between_two_words_is_closed(house):
    async with house("""
        async def reply(turn):
            try:
                while True:
                    yield "on and on "
            finally:
                await turn.call.forget()
    """) as h:
        pieces = h.brain(h.turn())
        await anext(pieces)
        await pieces.aclose()
        assert h.line.done == ["forget"]


async def test_work_outlives_its_turn_and_so_does_its_line(house):
    async with house("""
        import asyncio
        from ringbridge import facts

        async def work(call):
            await asyncio.sleep(5)
            await call.remember("order", "done")
            call.line.note(facts.ToolEnded("order", "done", 5000, "done"))

        async def reply(turn):
            turn.call.line.start(work(turn.call), name="order")
            yield "It is ordered."
    """) as h:
        assert await h.says() == ["It is ordered."]
        assert h.line.done == []
        await asyncio.sleep(5.1)
        assert h.line.done == [("order", "done")]
        assert h.line.facts == [facts.ToolEnded("order", "done", 5000, "done")]


# Elsewhere alone


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        ("raise KeyError(turn.text)\n    yield", "KeyError in reply (desk.py:2)"),
        ("yield 'Hm. '\n    raise NotAllowed('by name only')", "by name only"),
        ("yield None", "a brain yields str, not NoneType"),
    ],
)
async def test_a_failure_is_told_as_that_of_a_brain_here(elsewhere, body, cause):
    async with elsewhere(f"async def reply(turn):\n    {body}\nfrom ringbridge import NotAllowed") as h:
        with pytest.raises(FailedElsewhere) as failed:
            await h.says("My secret")
        assert cause in str(failed.value)
        assert "secret" not in str(failed.value)


async def test_a_brain_that_can_not_be_loaded_is_told_at_once(tmp_path):
    with pytest.raises(BrainNotFound, match=r"there is no file .*none\.py"):
        async with apart(f"{tmp_path}/none.py:reply"):
            pass


async def test_without_a_brain_of_ones_own_it_is_the_agent_who_asks_the_same_models(loads):
    async with (
        OpenAITwin(lambda asked: [Say(f"You said {asked.text}.")]) as twin,
        apart(None, partial(MODELS, openai_url=twin.base_url, openai_key="sk-twin")) as (brain, _),
        Tasks() as tasks,
    ):
        assert "".join(await House(brain, OneLine(tasks)).says("Hi")) == "You said Hi."


async def test_the_ids_of_a_call_stand_on_the_lines_of_its_brain(elsewhere):
    async with elsewhere("""
        from structlog.contextvars import get_contextvars

        async def reply(turn):
            yield str(get_contextvars())
    """) as h:
        with bound_contextvars(call_sid="CA1"):
            assert await h.says() == ["{'call_sid': 'CA1'}"]


async def test_state_is_forgotten_when_the_call_has_ended(elsewhere):
    async with elsewhere("""
        async def reply(turn):
            turn.call.state["n"] = turn.call.state.get("n", 0) + 1
            yield str(turn.call.state["n"])
    """) as h:
        await h.says()
        h.brain.observe("CA1", facts.BrainAttached())
        assert await h.says() == ["2"]
        h.brain.observe("CA1", facts.CallEnded(None))
        assert await h.says() == ["1"]


async def test_a_brain_that_talks_without_end_waits_for_whoever_listens(elsewhere):
    async with elsewhere("""
        said = 0

        async def reply(turn):
            global said
            if turn.text == "How many?":
                yield str(said)
                return
            while True:
                said += 1
                yield "on and on "
    """) as h:
        pieces = h.brain(h.turn())
        for _ in range(2 * WINDOW):
            await anext(pieces)
        await asyncio.sleep(1)
        (said,) = await h.says("How many?")
        assert 2 * WINDOW <= int(said) <= 3 * WINDOW
        await pieces.aclose()


async def test_nothing_is_held_of_turns_that_are_over(elsewhere):
    async with elsewhere("async def reply(turn):\n    yield 'Hello.'") as h:
        for _ in range(3):
            await h.says()
        await asyncio.sleep(0.1)
        (running,) = h.brain._workers
        assert running._running._exchanges == running._running.grants._lines == {}


async def test_a_process_that_ends_fails_its_turns_and_is_started_again(elsewhere, lines):
    async with elsewhere("""
        async def reply(turn):
            yield "Well"
            if turn.text != "again":
                await turn.call.hang_up()
    """) as h:
        pieces = h.brain(h.turn())
        assert await anext(pieces) == "Well"
        h.processes[0].kill()
        with pytest.raises(FailedElsewhere, match="its process was killed by SIGKILL"):
            await anext(pieces)
        assert h.line.taken_back == (h.line.done == ["hang up"])
        began = asyncio.get_running_loop().time()
        assert await h.says("again") == ["Well"]
        assert asyncio.get_running_loop().time() - began == pytest.approx(worker.FIRST_PAUSE_SECONDS, abs=0.05)
        (line,) = lines()
        assert line.startswith("a process of brains has ended, and is started again how='was killed by SIGKILL'")


async def test_while_the_brain_can_not_be_loaded_again_turns_fail_in_time(elsewhere, lines, tmp_path):
    async with elsewhere("async def reply(turn):\n    yield 'Hello.'") as h:
        (tmp_path / "desk.py").write_text("1/0")
        h.processes[0].kill()
        await asyncio.sleep(1)
        with pytest.raises(FailedElsewhere, match="its process does not run"):
            await h.says()
        (tmp_path / "desk.py").write_text("async def reply(turn):\n    yield 'Hello again.'")
        assert await h.says() == ["Hello again."]
        assert 3 <= len(lines()) <= 9  # ever less often
        assert "ZeroDivisionError" in lines()[1]


async def test_a_process_that_takes_nothing_in_gets_no_more_and_is_killed_in_the_end(elsewhere, lines, monkeypatch):
    monkeypatch.setattr(worker, "MAX_WAITING_BYTES", 0)
    async with elsewhere("async def reply(turn):\n    yield 'Hello.'") as h:
        h.brain._workers[0]._running.child.send = lambda message: None
        asked = asyncio.get_running_loop().time()
        with pytest.raises(FailedElsewhere, match="was killed"):
            await h.says()
        assert asyncio.get_running_loop().time() - asked == pytest.approx(worker.STUCK_SECONDS, abs=1)
        monkeypatch.setattr(Process, "waiting", 1)
        with pytest.raises(FailedElsewhere, match="takes nothing in"):
            await h.says()
        monkeypatch.setattr(Process, "waiting", 0)
        assert await h.says() == ["Hello."]
        assert "blocked its process for too long" in lines()[0]


def test_every_wish_of_a_line_can_be_asked_from_elsewhere():
    wishes = {name for name, method in vars(Line).items() if inspect.iscoroutinefunction(method)}
    assert wishes == METHODS
    assert {name for name in vars(Line) if not name.startswith("_")} <= {*vars(FarLine), "models", "transfer_names"}
