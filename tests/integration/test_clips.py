"""`ringbridge clips`, and the speech it asks for: the vendor's SDK on real sockets."""

import asyncio
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from click.testing import CliRunner

from ringbridge.apis.elevenlabs_speech import open_elevenlabs_speech
from ringbridge.cli.main import cli
from ringbridge.config import describe
from ringbridge.emulator.addresses import AddressBook
from ringbridge.emulator.elevenlabs.twin import ElevenLabsTwin
from ringbridge.emulator.faults import Faults
from ringbridge.emulator.speech.exact import ExactEars, ExactVoice, decode, encode
from ringbridge.errors import VendorError
from ringbridge.live.clips import NAMES, read_clips
from ringbridge.phrases import ENGLISH, FRENCH
from ringbridge.web.server import serving

KEY = "sk_do_not_tell_this"
VOICE = "JBFqnCBsd6RMkjVDRZzb"
ENGINES_VOICE = "onwK4e9ZLuTAKqWW03F9"
USUAL_VOICE = "cjVigY5qzO86Huf0OWal"


@pytest.fixture
async def twin():
    async with ElevenLabsTwin(
        api_key=KEY,
        voice=ExactVoice(),
        ears=ExactEars(),
        addresses=AddressBook(),
        clock=lambda: 0.0,
        faults=Faults(),
    ) as twin:
        yield twin


def engine(twin, name, voice_id=None):
    made = twin.add_engine(name, ws_url="wss://bridge.test/ws", request_headers={})
    if voice_id:
        made.groups["tts"] = {"voice_id": voice_id}


@pytest.fixture
def clips(tmp_path, monkeypatch):
    """Runs the command beside the loop on which its vendor lives."""
    monkeypatch.chdir(tmp_path)

    async def run(base_url, *args, **environ):
        given = {"ELEVENLABS_API_KEY": KEY, "ELEVENLABS_BASE_URL": base_url, **environ}
        unset = {row.name: None for row in describe()}
        return await asyncio.to_thread(CliRunner().invoke, cli, ["clips", *args], env=unset | given)

    return run


@asynccontextmanager
async def speaking(handler):
    app = web.Application()
    app.router.add_post("/v1/text-to-speech/{voice_id}", handler)
    async with serving(app, host="127.0.0.1", port=0) as port:
        yield f"http://127.0.0.1:{port}"


def answering(body=b"", status=200):
    async def handler(_request):
        return web.Response(body=body, status=status, content_type="audio/basic")

    return handler


def said(path):
    return " ".join(decode(path.read_bytes())[0])


def voices(twin):
    return [request.path.split("/")[3] for request in twin.requests if "text-to-speech" in request.path]


@pytest.mark.true_time
class TestCommand:
    async def test_english_is_spoken_into_files_that_the_bridge_reads(self, twin, clips, tmp_path):
        done = await clips(twin.base_url)
        assert done.exit_code == 0, done.output
        for name in NAMES:
            text = getattr(ENGLISH, name)
            path = tmp_path / f"clips/en/{name}.ulaw"
            assert said(path) == text
            assert f"clips/en/{name}.ulaw  {path.stat().st_size / 8000:.1f} s  {text}\n" in done.output
        assert done.output.endswith("\nSet CLIPS=clips\n")
        assert sorted(file.name for file in (tmp_path / "clips/en").iterdir()) == sorted(f"{n}.ulaw" for n in NAMES)
        assert read_clips(tmp_path / "clips").for_language("en").sorry
        assert voices(twin) == [USUAL_VOICE] * len(NAMES)

    async def test_each_language_is_spoken_by_the_voice_of_its_engine(self, twin, clips, tmp_path):
        engine(twin, "seng_en")
        engine(twin, "seng_fr", ENGINES_VOICE)
        done = await clips(twin.base_url, SPEECH_ENGINE_IDS="en:seng_en,fr-CA:seng_fr,it:seng_it", CLIPS="voice")
        assert done.exit_code == 0, done.output
        assert said(tmp_path / "voice/fr/sorry.ulaw") == FRENCH.sorry
        assert voices(twin) == [USUAL_VOICE] * len(NAMES) + [ENGINES_VOICE] * len(NAMES)
        assert "Set CLIPS" not in done.output

    async def test_languages_voice_and_folder_may_be_named(self, twin, clips, tmp_path):
        done = await clips(twin.base_url, "--language", "fr-FR,hi", "--voice", VOICE, "--into", str(tmp_path / "a/b"))
        assert done.exit_code == 0, done.output
        assert sorted(path.name for path in (tmp_path / "a/b").iterdir()) == ["fr", "hi"]
        assert voices(twin) == [VOICE] * 2 * len(NAMES)
        assert done.output.endswith(f"Set CLIPS={tmp_path}/a/b\n")

    async def test_what_is_there_stays(self, twin, clips, tmp_path):
        (tmp_path / "clips/en").mkdir(parents=True)
        (tmp_path / "clips/en/sorry.ulaw").write_bytes(b"made")
        (tmp_path / "clips/en/farewell.wav").write_bytes(b"recorded")
        done = await clips(twin.base_url)
        assert len(twin.requests) == len(NAMES) - 2
        assert "clips/en/sorry.ulaw  kept\n" in done.output
        assert "clips/en/farewell.wav  kept\n" in done.output
        assert (tmp_path / "clips/en/sorry.ulaw").read_bytes() == b"made"
        assert not (tmp_path / "clips/en/farewell.ulaw").exists()

        await clips(twin.base_url, "--force")
        assert said(tmp_path / "clips/en/sorry.ulaw") == ENGLISH.sorry
        assert not (tmp_path / "clips/en/farewell.ulaw").exists()

    async def test_where_all_is_there_nobody_is_asked(self, clips, tmp_path):
        (tmp_path / "clips/en").mkdir(parents=True)
        for name in NAMES:
            (tmp_path / f"clips/en/{name}.ulaw").write_bytes(b"made")
        done = await clips("http://127.0.0.1:9", SPEECH_ENGINE_ID="seng_1")
        assert done.exit_code == 0, done.output


@pytest.mark.true_time
class TestRefusals:
    async def fails(self, clips, base_url, *args, **environ):
        done = await clips(base_url, *args, **environ)
        assert done.exit_code == 1, done.output
        assert KEY not in done.output
        return done.output

    async def test_a_key_is_needed(self, clips):
        assert "ELEVENLABS_API_KEY: is not set; make a key" in await self.fails(
            clips, "http://127.0.0.1:9", ELEVENLABS_API_KEY=""
        )

    async def test_a_wrong_key(self, twin, clips, tmp_path):
        twin.api_key = "sk_other"
        output = await self.fails(clips, twin.base_url)
        assert output == (
            "Error: ElevenLabs refused a spoken sentence with 401 invalid_api_key: check ELEVENLABS_API_KEY and the "
            "account's quota\n"
        )
        assert list((tmp_path / "clips/en").iterdir()) == []

    async def test_an_unknown_voice_or_engine(self, twin, clips):
        assert "404 voice_not_found: check the voice's id" in await self.fails(clips, twin.base_url, "--voice", "eric")
        assert "refused a speech engine with 404" in await self.fails(clips, twin.base_url, SPEECH_ENGINE_ID="seng_2")

    @pytest.mark.parametrize(("status", "why"), [(422, "check the voice's id"), (429, "try again"), (503, "with 503")])
    async def test_other_refusals_leave_what_was_there(self, clips, tmp_path, status, why):
        path = tmp_path / "clips/en/one_moment.ulaw"
        path.parent.mkdir(parents=True)
        path.write_bytes(b"made")
        async with speaking(answering(b"{}", status)) as base_url:
            assert why in await self.fails(clips, base_url, "--force")
        assert path.read_bytes() == b"made"
        assert list(path.parent.iterdir()) == [path]

    async def test_a_language_that_we_do_not_speak(self, clips):
        done = await clips("http://127.0.0.1:9", "--language", "en,it")
        assert done.exit_code == 2
        assert "no sentences in 'it', but in en, de, es, fr, hi. Record your own" in " ".join(done.output.split())

    async def test_a_folder_that_is_a_file_is_told_before_anything_is_paid(self, twin, clips, tmp_path):
        (tmp_path / "clips").write_bytes(b"")
        assert "clips/en can't be written: Not a directory" in await self.fails(clips, twin.base_url)
        assert twin.requests == []


class TestSpeech:
    """On virtual time: a time-out costs nothing."""

    async def speak(self, base_url, max_bytes=8000):
        async with open_elevenlabs_speech(api_key=KEY, base_url=base_url) as api:
            return await api.speak("Hello.", voice_id=VOICE, language="en", max_bytes=max_bytes)

    async def test_what_is_asked_for(self):
        asked = []

        async def handler(request):
            asked.append((request.match_info["voice_id"], dict(request.query), await request.json()))
            return web.Response(body=encode("Hello."))

        async with speaking(handler) as base_url:
            assert await self.speak(base_url) == encode("Hello.")
        body = {"text": "Hello.", "model_id": "eleven_flash_v2_5", "language_code": "en"}
        assert asked == [(VOICE, {"output_format": "ulaw_8000"}, body)]

    async def test_a_slow_answer_is_given_up(self):
        async def handler(_request):
            await asyncio.sleep(60)
            return web.Response()

        async with speaking(handler) as base_url:
            with pytest.raises(VendorError, match="gave no spoken sentence within 30 s"):
                await self.speak(base_url)

    async def test_a_sound_without_end_is_left(self):
        async with speaking(answering(bytes(8001))) as base_url:
            with pytest.raises(VendorError, match="for longer than 1 s"):
                await self.speak(base_url)

    async def test_no_sound_is_an_error(self):
        async with speaking(answering()) as base_url:
            with pytest.raises(VendorError, match="holds no sound"):
                await self.speak(base_url)

    async def test_a_server_that_is_not_there(self, unused_tcp_port):
        with pytest.raises(VendorError, match="can't be reached for a spoken sentence"):
            await self.speak(f"http://127.0.0.1:{unused_tcp_port}")

    async def test_an_engine_without_a_voice_has_none(self, twin):
        engine(twin, "seng_1", ENGINES_VOICE)
        async with open_elevenlabs_speech(api_key=KEY, base_url=twin.base_url) as api:
            assert await api.voice_of("seng_1") == ENGINES_VOICE
            twin.engines["seng_1"].groups["tts"] = {"voice_id": None}
            assert await api.voice_of("seng_1") is None
