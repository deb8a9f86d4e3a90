"""What can go wrong with us, and what our callers hear then."""

import asyncio
import contextlib
import resource
import signal
import sqlite3
import sys

import psutil
import pytest

from ringbridge import facts
from ringbridge.facts import Outcome
from ringbridge.phrases import ENGLISH
from ringbridge.web.app import ROSTER

from ..integration.raw_house import new_call_sid, verbs
from ..integration.test_serve import around, folder, serving  # noqa: F401 - fixtures
from .conftest import GREETING, says_hello
from .raw import WORDS
from .table import Row, Seen, faults

GOES_ON = "greeting, answer; the call goes on"


# Leaving


@faults(
    "Ourselves",
    Row(
        "SIGTERM, and a call that ends within `DRAIN_SECONDS`",
        "greeting, answer; the call goes on to its own end",
        "new calls: `<Redirect>` to the same address, then *sorry*",
    ),
)
async def test_sigterm(world, caplog, row):
    async with world() as w, asyncio.TaskGroup() as tasks:
        call = await w.dial()
        await w.hears(call, GREETING)
        leaving = tasks.create_task(w.app[ROSTER].drain(120, hurry=asyncio.Event()))
        await asyncio.sleep(1)
        async with w._web.get(f"http://127.0.0.1:{w.port}/readyz") as response:
            assert (response.status, await response.json()) == (503, {"ready": False, "calls": 1})
        newcomer = w.form("CA" + "5" * 32)
        first = await w.post("/incoming-call", newcomer)
        assert (first.verbs, first.root[0].text) == (["Redirect"], "/incoming-call")
        assert (await w.post("/incoming-call", newcomer)).verbs == ["Say", "Say", "Hangup"]
        await w.says(call, "hello")
        await w.hears(call, "You said: hello.")
        await call.hang_up()
        assert await leaving
        assert len(w.elevenlabs.signed_urls) == 1
    return Seen(row.hears, row.twilio)


@faults(
    "Ourselves",
    Row("SIGTERM, and a call that lasts longer", "greeting, *farewell*", "the call's end, by REST", "said goodbye"),
    Row("SIGTERM twice", "greeting, *farewell*", "the call's end, by REST", "said goodbye", given={"hurries": True}),
)
async def test_sigterm_cuts_short(world, caplog, row):
    hurry = asyncio.Event()
    async with world() as w, asyncio.TaskGroup() as tasks:
        call = await w.dial()
        await w.hears(call, GREETING)
        leaving = tasks.create_task(w.app[ROSTER].drain(3600 if row.given else 30, hurry=hurry))
        if row.given:
            hurry.set()
        assert not await leaving
        assert w.heard(call) == f"{GREETING} {ENGLISH.farewell}"
        assert w.told(facts.CallEnded) == [facts.CallEnded(Outcome.GOODBYE)]
        assert call.status == "completed"
        await w.is_given_back(since=w.now)
    return Seen(row.hears, row.twilio)


@pytest.mark.true_time
@faults(
    "Ourselves",
    Row(
        "SIGKILL with a call up, or out of memory",
        "*sorry*, *connecting*, and the human",
        "`<Dial>`, by whichever process answers `action` or the fallback URL",
        back="by the system",
    ),
)
async def test_sigkill(folder, around, caplog, row):  # noqa: F811
    async with serving(folder, around) as (served, home):
        call = await home.place_call()
        await call.carries(WORDS)
        served._process.send_signal(signal.SIGKILL)
        await served._process.wait()
        assert await call.conversation.ended() is None
    async with serving(folder, around, FALLBACK_NUMBER="+14155550177") as (_, home):
        assert await home.after_stream(call.sid) == ["Say", "Say", "Dial"]
        answer = await home.twilio.post("/fallback", home.form(call.sid, "in-progress", ErrorCode="11200"))
        assert verbs(answer) == ["Say", "Say", "Dial"]
    return Seen(row.hears, row.twilio, row.back)


@pytest.mark.true_time
@pytest.mark.skipif(sys.platform != "linux", reason="limits of another process can be set on Linux only")
@faults(
    "Ourselves",
    Row(
        "No file descriptors are left",
        "calls in progress go on; a new one is not answered, so Twilio asks the fallback URL",
        back="as soon as there are some",
    ),
)
async def test_no_descriptors(folder, around, caplog, row):  # noqa: F811
    async with serving(folder, around) as (served, home):
        call = await home.place_call()
        await call.carries(WORDS)
        pid = served._process.pid
        before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (psutil.Process(pid).num_fds(), before[1]))
        form = home.form(new_call_sid())
        with contextlib.suppress(TimeoutError, asyncio.IncompleteReadError, ConnectionError):
            async with asyncio.timeout(0.5):
                await home.twilio.post("/incoming-call", form)
                pytest.fail("it was answered without a descriptor")
        await call.carries(WORDS)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, before)
        await home.carries_a_call()
        await call.hang_up()
    return Seen(row.hears, back=row.back)


# What we keep


async def remembers(turn):
    await turn.call.remember("word", turn.text)
    yield f"You said: {turn.text}."


@faults(
    "Ourselves",
    Row(
        "The memory's disk is full",
        "greeting, “I ran into a problem”; the call goes on",
        log="the brain failed",
        given={"how": "full"},
    ),
    Row(
        "The memory's file is locked",
        "greeting, “I ran into a problem”; the call goes on",
        log="the brain failed",
        given={"how": "locked"},
    ),
)
async def test_the_memory(story, caplog, row, tmp_path):
    path = tmp_path / "callers.sqlite"

    async def talks(w, call):
        with contextlib.ExitStack() as stack:
            if row.given["how"] == "locked":
                other = stack.enter_context(contextlib.closing(sqlite3.connect(path, isolation_level=None)))
                other.execute("BEGIN EXCLUSIVE")
            else:
                limits = resource.getrlimit(resource.RLIMIT_FSIZE)
                resource.setrlimit(resource.RLIMIT_FSIZE, (1024, limits[1]))
                stack.callback(resource.setrlimit, resource.RLIMIT_FSIZE, limits)
            await says_hello(w, call)
            await w.hears(call, ENGLISH.model_failed)
        await w.says(call, "once more")
        await w.hears(call, "You said: once more.")

    settings = {"MEMORY_FILE": str(path), "FILLER_AFTER": "off"}
    seen = await story(talks, brain=remembers, settings=settings, hangs_up_after=0, silence=False)
    assert seen.hears.endswith("“I ran into a problem”, answer")
    return Seen(row.hears)


@faults("Ourselves", Row("The store of `REDIS_URL` is gone", GOES_ON, log="the store of REDIS_URL does not answer"))
async def test_redis(story, caplog, row):
    async def talks(w, call):
        await says_hello(w, call)
        await w.hears(call, "You said: hello.")

    settings = {"REDIS_URL": "redis://127.0.0.1:9/0", "CALLS_PER_DAY": "5"}
    seen = await story(talks, settings=settings, hangs_up_after=0)
    assert seen.hears == "greeting, answer"
    return Seen(GOES_ON)


@faults(
    "Ourselves",
    Row("The clock jumps an hour ahead", GOES_ON, given={"seconds": 3600}),
    Row("The clock jumps an hour back", GOES_ON, given={"seconds": -3600}),
)
async def test_the_clock_jumps(story, caplog, row, monkeypatch):
    loop = asyncio.get_running_loop()

    async def talks(w, call):
        await w.hears(call, GREETING)
        loop._wall = getattr(loop, "_wall", 0)
        jumped = loop.wall() + row.given["seconds"]
        began = loop.time()
        monkeypatch.setattr(type(loop), "wall", lambda self: jumped + self.time() - began)
        await w.says(call, "hello")
        await w.hears(call, "You said: hello.")
        another = await w.dial(from_="+15550100009")
        await w.hears(another, GREETING)
        await another.hang_up()

    seen = await story(talks, hangs_up_after=0, silence=False)
    assert seen.hears == "greeting, answer"
    return Seen(GOES_ON)
