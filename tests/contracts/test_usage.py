"""How much is called: the same for both places that count, and a Redis that fails takes no call with it."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import fakeredis
import pytest
from limits.aio.storage.redis.bridge import RedisBridge

from ringbridge.shared.usage import open_usage

ANN, BOB = "+15550100001", "+15550100002"
SECRET = "0123456789abcdef"


class Clock:
    def __init__(self, zone="Europe/Berlin"):
        self.zone = ZoneInfo(zone)
        self.now = datetime(2026, 3, 2, 12, tzinfo=self.zone)

    def __call__(self):
        return self.now

    def passes(self, **time):
        """True time passes: the clock on the wall may jump."""
        self.now = (self.now.astimezone(ZoneInfo("UTC")) + timedelta(**time)).astimezone(self.zone)


@pytest.fixture
def clock():
    return Clock()


@contextmanager
def redis_server() -> Iterator[fakeredis.TcpFakeServer]:
    """A Redis behind a real socket. It knows the script before it is used: it hangs up after an error, as none does."""
    with fakeredis.TcpFakeServer(("127.0.0.1", 0)) as server:
        keys(server).script_load(RedisBridge.SCRIPT_INCR_EXPIRE)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def keys(server):
    return fakeredis.FakeRedis(server=server.fake_server)


def url_of(server):
    return f"redis://127.0.0.1:{server.server_address[1]}/0"


def opened(url, clock, secret=SECRET):
    return open_usage(url=url, now=clock, secret=secret)


@pytest.fixture(scope="module")
def redis():
    with redis_server() as server:
        yield server


@pytest.fixture(params=["memory", "redis"])
async def usage(request, clock):
    url = None
    if request.param == "redis":
        server = request.getfixturevalue("redis")
        keys(server).flushdb()
        url = url_of(server)
    async with opened(url, clock) as usage:
        yield usage


class TestWhereverItIsCounted:
    async def test_a_caller_has_made_the_calls_of_this_minute_and_of_this_day(self, usage, clock):
        assert await usage.count_call("CA1", ANN) == (1, 1)
        assert await usage.count_call("CA2", ANN) == (2, 2)
        assert await usage.count_call("CA3", BOB) == (1, 1)
        clock.passes(minutes=1)
        assert await usage.count_call("CA4", ANN) == (1, 3)
        clock.passes(hours=12)
        assert await usage.count_call("CA5", ANN) == (1, 1)

    async def test_a_call_is_counted_once_however_often_it_is_told(self, usage, clock):
        assert await usage.count_call("CA1", ANN) == (1, 1)
        assert await usage.count_call("CA2", ANN) == (2, 2)
        assert await usage.count_call("CA1", ANN) == (2, 2)
        clock.passes(minutes=1)
        assert await usage.count_call("CA2", ANN) == (0, 2)
        assert await usage.count_call("CA3", ANN) == (1, 3)

    async def test_of_calls_at_once_each_is_counted(self, usage):
        counted = await asyncio.gather(*(usage.count_call(f"CA{number}", ANN) for number in range(8)))
        for counts in zip(*counted, strict=True):
            assert sorted(counts) == list(range(1, 9))

    @pytest.mark.parametrize(
        "caller", ["", "anonymous", "client:ann", "sip:änn@example.test;x=y", "\ud800", "x" * 5000]
    )
    async def test_any_caller_can_be_counted(self, usage, caller):
        assert await usage.count_call("CA1", caller) == (1, 1)
        assert await usage.count_call("CA2", caller) == (2, 2)

    async def test_seconds_are_those_of_the_day(self, usage, clock):
        assert await usage.seconds_today() == 0
        await usage.add_seconds(90)
        await usage.add_seconds(1)
        assert await usage.seconds_today() == 91
        clock.passes(hours=11, minutes=59)
        assert await usage.seconds_today() == 91
        clock.passes(minutes=1)
        assert await usage.seconds_today() == 0

    @pytest.mark.parametrize(("month", "hours"), [(3, 23), (10, 25)])
    async def test_a_day_is_the_calendars_however_many_hours_it_has(self, usage, clock, month, hours):
        clock.now = datetime(2026, month, {3: 29, 10: 25}[month], tzinfo=clock.zone)
        await usage.add_seconds(7)
        await usage.count_call("CA1", ANN)
        clock.passes(hours=hours, seconds=-1)
        assert await usage.seconds_today() == 7
        assert await usage.count_call("CA2", ANN) == (1, 2)
        clock.passes(seconds=1)
        assert await usage.seconds_today() == 0
        assert await usage.count_call("CA3", ANN) == (1, 1)


class TestRedis:
    async def test_all_processes_count_together(self, redis, clock):
        keys(redis).flushdb()
        async with opened(url_of(redis), clock) as one, opened(url_of(redis), clock) as other:
            await one.add_seconds(60)
            assert await other.seconds_today() == 60
            assert await one.count_call("CA1", ANN) == (1, 1)
            assert await other.count_call("CA1", ANN) == (1, 1)
            assert await other.count_call("CA2", ANN) == (2, 2)

    async def test_no_number_is_in_it_and_every_count_ends(self, redis, clock):
        store = keys(redis)
        store.flushdb()
        async with opened(url_of(redis), clock) as usage:
            await usage.count_call("CA1", ANN)
            await usage.add_seconds(60)
            first = set(store.keys())
            assert len(first) == 4
            assert not any(ANN.encode().strip(b"+") in key for key in first)
            assert all(0 < store.ttl(key) <= 2 * 24 * 60 * 60 for key in first)
        async with opened(url_of(redis), clock, secret="another secret of ours") as usage:
            await usage.count_call("CA2", ANN)  # who has not the secret can't look for a number
        assert len(set(store.keys()) - first) == 3

    async def test_one_that_goes_away_is_done_without_and_comes_back(self, clock, caplog):
        with redis_server() as server:
            url = url_of(server)
            async with opened(url, clock) as usage:
                assert await usage.count_call("CA1", ANN) == (1, 1)
                assert await usage.count_call("CA2", ANN) == (2, 2)
                await usage.add_seconds(60)
                server.shutdown()
                server.server_close()
                assert await usage.count_call("CA3", ANN) == (3, 3)
                assert await usage.seconds_today() == 60
                assert len(caplog.records) == 1
        assert ANN not in caplog.text


class Deaf(asyncio.Protocol):
    """Takes connections, and never says a word."""

    connections = 0

    def connection_made(self, transport):
        type(self).connections += 1


@asynccontextmanager
async def serving(protocol):
    server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0)
    try:
        yield f"redis://:hunter2@127.0.0.1:{server.sockets[0].getsockname()[1]}/0"
    finally:
        server.close()


class Rude(asyncio.Protocol):
    def connection_made(self, transport):
        transport.write(b"-WRONGPASS hunter2 of +15550100001\r\n" * 9)


@asynccontextmanager
async def refusing():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        yield f"redis://:hunter2@127.0.0.1:{taken.getsockname()[1]}/0"


DOWN = {"refuses": refusing, "hangs": lambda: serving(Deaf), "is rude": lambda: serving(Rude)}


@pytest.fixture(params=DOWN)
async def down(request):
    async with DOWN[request.param]() as url:
        yield url


class TestARedisThatIsDown:
    async def test_calls_are_counted_here(self, down, clock):
        async with opened(down, clock) as usage:
            assert await usage.count_call("CA1", ANN) == (1, 1)
            assert await usage.count_call("CA1", ANN) == (1, 1)
            assert await usage.count_call("CA2", ANN) == (2, 2)
            await usage.add_seconds(60)
            assert await usage.seconds_today() == 60

    async def test_nobody_waits_long_for_it_and_few_do(self, down, clock):
        now = asyncio.get_running_loop().time
        began = now()
        async with opened(down, clock) as usage:
            for number in range(50):
                await usage.count_call(f"CA{number}", ANN)
            assert now() - began <= 0.51
        assert now() - began <= 1.1

    async def test_it_is_told_once_a_minute_and_no_secret_with_it(self, down, clock, caplog):
        async with opened(down, clock) as usage:
            for _ in range(13):  # the last is a minute after the first
                await usage.count_call("CA1", ANN)
                await asyncio.sleep(5)
        assert len(caplog.records) == 2
        assert caplog.text.count("the store of REDIS_URL does not answer, calls are counted here alone") == 2
        for secret in ("hunter2", ANN, SECRET):
            assert secret not in caplog.text


async def test_one_that_hangs_is_left_alone_for_five_seconds(clock, monkeypatch):
    monkeypatch.setattr(Deaf, "connections", 0)
    async with serving(Deaf) as url, opened(url, clock) as usage:
        for _ in range(3):
            await usage.count_call("CA1", ANN)
        assert Deaf.connections == 1
        await asyncio.sleep(5)
        await usage.count_call("CA1", ANN)
        assert Deaf.connections == 2


async def test_who_is_not_waited_for_any_more_is_counted_nowhere(clock):
    async with serving(Deaf) as url, opened(url, clock) as usage:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await usage.count_call("CA1", ANN)
        assert await usage.count_call("CA1", ANN) == (1, 1)
