import asyncio
import concurrent.futures
import contextlib
import os
import random
import socket
import sys
import threading
import time
import urllib.request

import aiohttp
import httpx
import pytest
from aiohttp import web

from ringbridge.emulator import clock, unread
from ringbridge.emulator.clock import VirtualTimeLoop
from ringbridge.emulator.kernel import byte_counts

SO_MAX_PACING_RATE = 47
"""Not named by Python: it lets the kernel hold bytes back for a while, as a busy machine would (socket(7))."""

needs_counts = pytest.mark.skipif(byte_counts() is None, reason="this kernel does not count bytes")


def run(main):
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(main)


def now():
    return asyncio.get_running_loop().time()


@contextlib.asynccontextmanager
async def served(handler, **kwargs):
    """A TCP server on a free port, and its port."""
    server = await asyncio.start_server(handler, "127.0.0.1", 0, **kwargs)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await asyncio.sleep(1)  # the handlers find their clients gone


@contextlib.asynccontextmanager
async def web_served(path, handler):
    app = web.Application()
    app.router.add_get(path, handler)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}{path}"
    finally:
        await runner.cleanup()


def test_hours_pass_in_no_time():
    async def main():
        for _ in range(10):
            await asyncio.sleep(3600)
        await asyncio.sleep(30 * 24 * 3600)
        return now()

    began = time.monotonic()
    assert run(main()) == 31 * 24 * 3600 - 14 * 3600
    assert time.monotonic() - began < 1


def test_timers_fire_in_order_and_on_time():
    async def main():
        loop = asyncio.get_running_loop()
        dice = random.Random(1)
        due = [dice.choice([0.0, 0.02, 0.1, 1 / 3, 7.0, 90000.0]) * dice.randint(1, 5) for _ in range(500)]
        fired = []
        for n, when in enumerate(due):
            loop.call_at(when, lambda n=n, when=when: fired.append((when, n, loop.time())))
        await asyncio.sleep(1_000_000)
        assert [(when, n) for when, n, _ in fired] == sorted(zip(due, range(500), strict=True))
        assert all(at == pytest.approx(when, abs=1e-9) for when, _, at in fired)

    run(main())


def test_a_pace_of_20_ms_is_kept_without_idle_turns():
    async def main():
        for n in range(1, 3001):
            deadline = n * 0.02
            turns = 0
            while now() < deadline:
                await asyncio.sleep(deadline - now())
                turns += 1
            assert turns <= 2
            assert now() == pytest.approx(deadline, abs=1e-9)

    run(main())


def test_callbacks_take_no_time():
    async def main():
        time.sleep(0.02)
        await asyncio.sleep(0)
        return now()

    assert run(main()) == 0


def test_a_timeout_fires_at_its_time():
    async def main():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(5):
                await asyncio.Event().wait()
        assert now() == 5

    run(main())


def test_the_wall_clock_begins_at_the_true_time():
    async def main():
        loop = asyncio.get_running_loop()
        began = loop.wall()
        assert began == pytest.approx(time.time(), abs=5)
        await asyncio.sleep(86400)
        assert loop.wall() - began == pytest.approx(86400)

    run(main())


def test_a_conversation_takes_no_time_however_long_the_answers_take():
    async def main():
        loop = asyncio.get_running_loop()

        async def echo(request):
            ws = web.WebSocketResponse()
            await ws.prepare(request)
            async for message in ws:
                if message.data.endswith("00"):
                    await loop.run_in_executor(None, time.sleep, 0.002)
                await ws.send_str(message.data)
            return ws

        async with (
            web_served("/ws", echo) as url,
            aiohttp.ClientSession() as session,
            session.ws_connect(url) as ws,
        ):
            for n in range(1000):
                async with asyncio.timeout(10):
                    await ws.send_str(f"{n:05}")
                    assert await ws.receive_str() == f"{n:05}"
            assert now() == 0

    run(main())


def test_where_the_kernel_does_not_count_every_jump_waits_a_moment(monkeypatch):
    monkeypatch.setattr(unread, "byte_counts", lambda: None)
    test_a_conversation_takes_no_time_however_long_the_answers_take()
    test_a_large_transfer_takes_no_time()


def test_only_the_delay_of_an_http_answer_passes():
    async def main():
        async def slow(_request):
            await asyncio.sleep(0.3)
            return web.Response(text="ok")

        async with web_served("/slow", slow) as url, httpx.AsyncClient(timeout=5) as client:
            for n in range(1, 6):
                assert (await client.get(url)).text == "ok"
                assert now() == pytest.approx(n * 0.3)

    run(main())


def test_a_large_transfer_takes_no_time():
    size = 10 * 2**20

    async def main():
        async def feed(_reader, writer):
            writer.write(bytes(size))
            await writer.drain()
            writer.close()

        ticks = []

        async def tick():
            while True:
                await asyncio.sleep(0.02)
                ticks.append(now())

        async with served(feed) as port, asyncio.TaskGroup() as tasks:
            ticker = tasks.create_task(tick())
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            received = 0
            while piece := await reader.read(2**16):
                received += len(piece)
            ticker.cancel()
            writer.close()
        assert (received, ticks) == (size, [])

    run(main())


def test_a_reader_that_has_paused_lets_time_pass():
    size = 10 * 2**20

    async def main():
        async def feed(_reader, writer):
            writer.write(bytes(size))
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(60):
                    await writer.drain()
            paused_until.append(now())
            await writer.drain()
            writer.close()

        paused_until = []
        async with served(feed) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            await asyncio.sleep(100)
            assert len(await reader.read()) == size
            assert (paused_until, now()) == ([60], 100)
            writer.close()

    run(main())


def pace(writer, bytes_per_second=20_000):
    """Let the kernel send no faster: what is written next reaches the peer some real milliseconds later."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, SO_MAX_PACING_RATE, bytes_per_second)


@needs_counts
def test_bytes_that_the_kernel_holds_back_are_waited_for():
    async def main():
        async def listen(reader, writer):
            while await reader.read(160):
                heard.append(now())
            writer.close()

        heard = []
        async with served(listen, limit=160) as port:
            _reader, writer = await asyncio.open_connection("127.0.0.1", port)
            pace(writer)
            said = []
            for _ in range(20):
                said.append(now())
                writer.write(bytes(160))
                await asyncio.sleep(0.02)
            assert heard == said
            writer.close()

    run(main())


def test_what_comes_while_the_kernel_is_asked_is_not_missed(monkeypatch):
    async def main():
        async def hear(reader, writer):
            heard.append((await reader.read(1), now()))
            writer.close()

        def late(_ends):
            if not heard and raw.fileno() >= 0:
                raw.send(b"x")
            return []

        heard = []
        async with served(hear) as port:
            with await asyncio.to_thread(socket.create_connection, ("127.0.0.1", port)) as raw:
                monkeypatch.setattr(unread.Ends, "late", late)
                await asyncio.sleep(1)
            assert heard == [(b"x", 0)]

    run(main())


@needs_counts
def test_what_a_closed_socket_has_said_last_is_waited_for():
    async def main():
        async def say(_reader, writer):
            pace(writer)
            for n in range(20):
                writer.write(b"%160d" % n)
                await asyncio.sleep(0)
            writer.close()

        async with served(say) as port:
            async with asyncio.timeout(0.001):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                assert len(await reader.read()) == 20 * 160
            assert now() == 0
            writer.close()

    run(main())


def test_fifty_callers_are_heard_in_order_and_on_time():
    async def main():
        async def listen(request):
            ws = web.WebSocketResponse()
            await ws.prepare(request)
            async for message in ws:
                caller, frame = message.data.split()
                heard.append((now(), int(caller), int(frame)))
            return ws

        async def call(caller):
            async with session.ws_connect(url) as ws:
                for frame in range(50):
                    await ws.send_str(f"{caller} {frame}")
                    said.append((now(), caller, frame))
                    await asyncio.sleep(0.02)

        heard, said = [], []
        async with (
            web_served("/", listen) as url,
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session,
            asyncio.TaskGroup() as tasks,
        ):
            for caller in range(50):
                tasks.create_task(call(caller))
        assert sorted(heard) == sorted(said)
        for caller in range(50):
            assert [frame for _, who, frame in heard if who == caller] == list(range(50))

    run(main())


def test_a_job_holds_the_clock():
    async def main():
        with concurrent.futures.ThreadPoolExecutor() as pool:
            async with asyncio.timeout(0.001):
                assert await asyncio.to_thread(lambda: time.sleep(0.05) or "default") == "default"
                assert await asyncio.get_running_loop().run_in_executor(pool, sum, [1, 2]) == 3
                with pytest.raises(ZeroDivisionError):
                    await asyncio.to_thread(lambda: 1 / 0)
        assert now() == 0
        await asyncio.sleep(1)
        assert now() == 1

    run(main())


def test_a_cancelled_job_holds_the_clock_until_it_is_over():
    async def main():
        def work():
            begun.set()
            time.sleep(0.05)
            over.set()

        begun, over = threading.Event(), threading.Event()
        job = asyncio.get_running_loop().run_in_executor(None, work)
        begun.wait()
        job.cancel()
        await asyncio.sleep(3600)
        assert over.is_set()

    run(main())


def test_a_job_that_waits_for_timers_of_the_loop_gets_them(monkeypatch):
    monkeypatch.setattr(clock, "PATIENCE_SECONDS", 0.3)

    def fetch(url):
        with urllib.request.urlopen(url, timeout=10) as response:
            return response.read()

    async def main():
        async def slow(_request):
            for _ in range(20):
                await asyncio.sleep(0.005)
            return web.Response(text="ok")

        async with web_served("/", slow) as url:
            assert await asyncio.to_thread(fetch, url) == b"ok"

    began = time.monotonic()
    run(main())
    assert time.monotonic() - began < 3  # patience is lost once, not at each of the timers


def test_a_job_that_takes_very_long_lets_time_pass_as_on_the_wall(monkeypatch):
    monkeypatch.setattr(clock, "PATIENCE_SECONDS", 0.05)

    async def main():
        async with asyncio.timeout(10):
            await asyncio.to_thread(time.sleep, 0.2)
        assert 0.1 < now() < 10

    run(main())


def test_an_executor_of_ones_own_serves_as_the_default():
    async def main():
        pool = concurrent.futures.ThreadPoolExecutor(thread_name_prefix="mine")
        asyncio.get_running_loop().set_default_executor(pool)
        return await asyncio.to_thread(lambda: threading.current_thread().name)

    assert run(main()).startswith("mine")


def test_the_end_waits_for_the_jobs():
    async def main():
        asyncio.get_running_loop().run_in_executor(None, lambda: time.sleep(0.05) or over.append(1))

    over = []
    run(main())  # since Python 3.12 a deadline of five minutes, and a warning, are set on it
    assert over


def test_a_thread_can_wake_the_loop():
    async def main():
        loop = asyncio.get_running_loop()
        woken = asyncio.Event()
        thread = threading.Thread(target=lambda: time.sleep(0.05) or loop.call_soon_threadsafe(woken.set))
        thread.start()
        await woken.wait()
        thread.join()

    run(main())


def answer_late(listener):
    with listener.accept()[0] as connection:
        connection.recv(4)
        time.sleep(0.1)
        connection.sendall(b"pong")


def test_a_server_out_of_sight_is_waited_for_in_true_time():
    async def main():
        with socket.create_server(("127.0.0.1", 0)) as listener:
            thread = threading.Thread(target=answer_late, args=(listener,))
            thread.start()
            reader, writer = await asyncio.open_connection(*listener.getsockname())
            async with asyncio.timeout(10):
                writer.write(b"ping")
                assert await reader.read() == b"pong"
            assert 0.05 < now() < 10
            writer.close()
            thread.join()
        await asyncio.sleep(10_000)

    run(main())


def test_an_idle_client_out_of_sight_is_not_waited_for():
    async def main():
        async def hold(reader, writer):
            assert await reader.read() == b""
            writer.close()

        async with served(hold) as port:
            client = await asyncio.to_thread(socket.create_connection, ("127.0.0.1", port))
            await asyncio.sleep(10_000)
            client.close()
            await asyncio.sleep(0.1)

    began = time.monotonic()
    run(main())
    assert time.monotonic() - began < 5


@pytest.mark.skipif(sys.platform == "win32", reason="pipes can't be selected there")
def test_a_pipe_is_waited_for_in_true_time():
    async def main():
        loop = asyncio.get_running_loop()
        readable, writable = os.pipe()
        arrived = asyncio.Event()
        loop.add_reader(readable, arrived.set)
        thread = threading.Thread(target=lambda: time.sleep(0.05) or os.write(writable, b"x"))
        thread.start()
        async with asyncio.timeout(10):
            await arrived.wait()
        loop.remove_reader(readable)
        thread.join()
        os.close(readable)
        os.close(writable)

    run(main())


def test_an_address_that_nobody_answers_at_is_waited_for_in_true_time(monkeypatch):
    monkeypatch.setattr(clock, "GRACE_SECONDS", 0.05)

    async def main():
        with socket.create_server(("127.0.0.1", 0), backlog=0) as listener, contextlib.ExitStack() as others:
            for _ in range(3):  # a full queue lets the next client's handshake wait
                other = others.enter_context(socket.socket())
                other.setblocking(False)
                other.connect_ex(listener.getsockname())
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    await asyncio.open_connection(*listener.getsockname())

    began = time.monotonic()
    run(main())
    assert time.monotonic() - began > 0.2


def test_a_loop_that_nothing_can_wake_says_so(monkeypatch):
    monkeypatch.setattr(clock, "QUIET_SECONDS", 0.05)

    async def main():
        await asyncio.get_running_loop().create_future()

    with pytest.raises(RuntimeError, match="Nothing will ever happen"):
        run(main())
