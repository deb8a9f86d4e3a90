"""Sounds that a brain plays, from real files and from a real server."""

import asyncio
import base64
import os
import struct
import wave
from pathlib import Path

import pytest
from aiohttp import ClientSession, web

from ringbridge.audio.mulaw import SILENCE, from_pcm
from ringbridge.errors import NotAllowed
from ringbridge.live.sounds import MAX_BYTES, MAX_SOUND_SECONDS, SECONDS, Sounds

RATE = 8000
PCM = [(n * 37) % 9000 - 4500 for n in range(2 * RATE + 400)]
ULAW = from_pcm(PCM)
LONGEST = MAX_SOUND_SECONDS * RATE


def wav(path: Path) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(struct.pack(f"<{len(PCM)}h", *PCM))
    return path


def mulaw_wav(ulaw: bytes) -> bytes:
    form = struct.pack("<HHIIHHH", 7, 1, RATE, RATE, 1, 8, 0)
    chunks = b"fmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", len(ulaw)) + ulaw
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


def save(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def played(pieces: tuple[str, ...]) -> bytes:
    return b"".join(map(base64.b64decode, pieces))


@pytest.fixture
async def sounds():
    async with ClientSession() as session:
        yield Sounds(session)


class TestFiles:
    @pytest.mark.parametrize("kind", [str, Path])
    async def test_a_wav_comes_in_pieces_of_a_second(self, sounds, tmp_path, kind):
        pieces = await sounds.load(kind(wav(tmp_path / "ring.wav")))
        assert played(pieces) == ULAW
        assert [len(base64.b64decode(piece)) for piece in pieces] == [RATE, RATE, 400]

    @pytest.mark.parametrize("name", ["ring.wav", "ring.ulaw", "ring"])
    async def test_a_wav_of_mulaw_is_known_by_its_header(self, sounds, tmp_path, name):
        assert played(await sounds.load(save(tmp_path / name, mulaw_wav(ULAW)))) == ULAW

    @pytest.mark.parametrize("name", ["ring.ulaw", "ring.ULAW", "ring.raw", "ring.ul", "ring.mulaw"])
    async def test_raw_mulaw_is_known_by_its_name(self, sounds, tmp_path, name):
        assert played(await sounds.load(save(tmp_path / name, ULAW))) == ULAW

    async def test_ten_minutes_are_not_too_long(self, sounds, tmp_path):
        sound = save(tmp_path / "long.ulaw", bytes(LONGEST))
        assert len(await sounds.load(sound)) == MAX_SOUND_SECONDS
        with sound.open("ab") as file:
            file.write(b"\0")
        with pytest.raises(NotAllowed, match=r"long\.ulaw is empty, or longer than 10 minutes"):
            await sounds.load(sound)

    @pytest.mark.parametrize(
        ("name", "data", "why"),
        [
            ("ring.ulaw", b"", "is empty"),
            ("ring.mp3", b"ID3\x04 and so on", "is no WAV; raw mu-law at 8 kHz is named .ulaw"),
            ("ring.txt", b"Hello", "is no WAV"),
            ("ring.wav", b"Hello", "is no WAV"),
            ("ring.wav", b"", "is no WAV"),
            ("ring.wav", b"RIFF\x04\0\0\0WAVE", "can't be played"),
            ("ring.wav", mulaw_wav(b""), "can't be played"),
        ],
        ids=["empty", "mp3", "text", "text named wav", "empty wav", "no chunks", "no audio"],
    )
    async def test_what_is_no_sound_is_refused(self, sounds, tmp_path, name, data, why):
        with pytest.raises(NotAllowed, match=rf"^the sound {name} .*{why}") as refused:
            await sounds.load(save(tmp_path / name, data))
        assert str(tmp_path) not in str(refused.value)

    @pytest.mark.parametrize(
        ("sound", "why"),
        [
            ("gone.wav", "No such file"),
            ("", "is no file"),
            ("a\0b.wav", "no file can have its name"),
            ("x" * 300, "too long"),
        ],
    )
    async def test_what_is_not_there_is_refused(self, sounds, tmp_path, monkeypatch, sound, why):
        monkeypatch.chdir(tmp_path)
        with pytest.raises(NotAllowed, match=why):
            await sounds.load(sound)

    async def test_what_is_no_file_is_refused(self, sounds, tmp_path):
        with pytest.raises(NotAllowed, match="is no file"):
            await sounds.load(tmp_path)
        os.mkfifo(tmp_path / "pipe.ulaw")
        with pytest.raises(NotAllowed, match=r"pipe\.ulaw is no file"):
            await sounds.load(tmp_path / "pipe.ulaw")
        with pytest.raises(NotAllowed, match="zero is no file"):
            await sounds.load("/dev/zero")

    async def test_a_file_beyond_all_measure_is_not_read(self, sounds, tmp_path):
        with (tmp_path / "huge.wav").open("wb") as file:
            file.truncate(MAX_BYTES + 1)
        with pytest.raises(NotAllowed, match=r"huge\.wav has more than 10,000,000 bytes"):
            await sounds.load(tmp_path / "huge.wav")


class TestTheCache:
    async def test_a_file_is_kept_until_it_changes(self, sounds, tmp_path):
        path = save(tmp_path / "ring.ulaw", ULAW)
        once = await sounds.load(path)
        assert await sounds.load(str(path)) is once

        save(path, ULAW[:RATE])
        assert played(await sounds.load(path)) == ULAW[:RATE]

        kept = path.stat()
        save(path, ULAW[RATE : 2 * RATE])
        os.utime(path, ns=(kept.st_atime_ns, kept.st_mtime_ns + 1))
        assert played(await sounds.load(path)) == ULAW[RATE : 2 * RATE]

    async def test_an_hour_is_kept_and_what_was_used_last_stays(self, sounds, tmp_path):
        paths = [save(tmp_path / f"{n}.ulaw", bytes([SILENCE]) * LONGEST) for n in range(7)]
        first, second, *_ = [await sounds.load(path) for path in paths[:6]]
        assert await sounds.load(paths[0]) is first
        await sounds.load(paths[6])
        assert await sounds.load(paths[0]) is first
        assert await sounds.load(paths[1]) is not second

    async def test_a_file_that_is_gone_is_not_played_from_memory(self, sounds, tmp_path):
        path = save(tmp_path / "ring.ulaw", ULAW)
        await sounds.load(path)
        path.unlink()
        with pytest.raises(NotAllowed, match="No such file"):
            await sounds.load(path)


@pytest.fixture
async def url():
    """A server: `/ring.ulaw` and other ways to answer."""

    async def huge(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()  # chunked: its length is not told
        await response.prepare(request)
        try:
            for _ in range(MAX_BYTES // 100_000 + 10):
                await response.write(bytes(100_000))
        except ConnectionError:
            pass  # hung up on, as it should be
        return response

    async def slow(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            for _ in range(100):
                await response.write(b"\xff")
                await asyncio.sleep(1)
        except ConnectionError:
            pass
        return response

    async def silent(_: web.Request) -> web.Response:
        await asyncio.sleep(100)
        return web.Response()

    async def cut(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b"\xff")
        assert request.transport
        request.transport.close()
        return response

    async def to(request: web.Request) -> web.Response:
        raise web.HTTPFound(request.query["to"])

    async def ring(_: web.Request) -> web.Response:
        return web.Response(body=ULAW)

    async def labelled(_: web.Request) -> web.Response:
        return web.Response(body=mulaw_wav(ULAW))

    app = web.Application()
    app.router.add_get("/ring", ring)
    app.router.add_get("/ring.ulaw", ring)
    app.router.add_get("/wav", labelled)
    for handler in (huge, slow, silent, cut, to):
        app.router.add_get(f"/{handler.__name__}.ulaw", handler)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


class TestUrls:
    @pytest.mark.parametrize("path", ["/ring.ulaw", "/ring.ulaw?key=1", "/wav", "/to.ulaw?to=/ring"])
    async def test_a_sound_is_fetched(self, sounds, url, path):
        assert played(await sounds.load(url + path)) == ULAW

    async def test_the_scheme_is_known_in_capitals(self, sounds, url):
        assert played(await sounds.load(url.replace("http", "HTTP") + "/ring.ulaw")) == ULAW

    @pytest.mark.parametrize(
        ("path", "why"),
        [
            ("/gone.ulaw", r"the sound at 127\.0\.0\.1 can't be had: it answers 404"),
            ("/ring?key=1", r"the sound ring is no WAV"),
            ("/huge.ulaw", "a sound may have 10,000,000 bytes"),
            ("/cut.ulaw", r"the sound at 127\.0\.0\.1 can't be had: ClientPayloadError"),
            ("/to.ulaw?to=/to.ulaw?to=/to.ulaw", r"can't be had"),
            ("/to.ulaw?to=file:///etc/passwd", r"can't be had"),
        ],
        ids=["not there", "no sound", "too big", "broken off", "no end of redirects", "to a file"],
    )
    async def test_what_can_not_be_had_is_refused(self, sounds, url, path, why):
        with pytest.raises(NotAllowed, match=why) as refused:
            await sounds.load(url + path)
        assert "?" not in str(refused.value)

    async def test_redirects_end(self, sounds, url):
        to = "/to.ulaw?to="
        with pytest.raises(NotAllowed, match="can't be had: TooManyRedirects"):
            await sounds.load(url + to + "/to.ulaw%3Fto=" * 3 + "/ring.ulaw")

    @pytest.mark.parametrize("path", ["/slow.ulaw", "/silent.ulaw"])
    async def test_a_slow_server_is_not_waited_for(self, sounds, url, path):
        loop = asyncio.get_running_loop()
        begun = loop.time()
        with pytest.raises(NotAllowed, match=r"can't be had: .*Timeout"):
            await sounds.load(url + path)
        assert loop.time() - begun == pytest.approx(SECONDS, abs=0.5)

    @pytest.mark.parametrize("address", ["http://127.0.0.1:1/a.wav", "http://", "https://[", "http://a:b/c.wav"])
    async def test_an_address_where_nothing_is_is_refused(self, sounds, address):
        with pytest.raises(NotAllowed, match="the sound at "):
            await sounds.load(address)
