"""The brain socket on real sockets. The test is ElevenLabs: it dials, and says by hand what the vendor says."""

import asyncio
import base64
import hashlib
import hmac
import json
import logging
import socket
from contextlib import asynccontextmanager
from dataclasses import replace

import aiohttp
import pytest
from aiohttp import web

from ringbridge.brain.talk import Talk
from ringbridge.brain.turns import Patience
from ringbridge.callers.memory import InMemory
from ringbridge.live.line import Facilities
from ringbridge.live.tasks import Tasks
from ringbridge.phrases import ENGLISH
from ringbridge.turn import Call, Message
from ringbridge.web.brain import BrainDesk
from ringbridge.web.lobby import Lobby

SECRET = "a-shared-secret-of-ours"
API_KEY = "sk_0123456789abcdef_residency_in"
CONVERSATION = "conv_1"
CARD = Call("CA1", "+15550100", "+15550101", CONVERSATION)


# The engine's side


def token(key="sk_0123456789abcdef", seconds=300):
    now = asyncio.get_running_loop().wall()
    claims = {
        "iss": "https://api.elevenlabs.io/convai/speech-engine",
        "sub": "convai_speech_engine_upstream",
        "iat": now,
        "exp": now + seconds,
    }
    parts = [{"alg": "HS256", "typ": "JWT"}, claims]
    message = ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts)
    signature = hmac.digest(hashlib.sha256(key.encode()).digest(), message.encode(), "sha256")
    return f"{message}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def proofs(**changed):
    headers = {"x-api-key": SECRET, "X-Elevenlabs-Speech-Engine-Authorization": f"Bearer {token()}"}
    return {name: value for name, value in (headers | changed).items() if value is not None}


class Engine:
    """One brain socket, as ElevenLabs holds it."""

    def __init__(self, ws):
        self.ws = ws

    async def send(self, kind, **fields):
        await self.ws.send_str(json.dumps({"type": kind, **fields}))

    async def transcript(self, event_id, *texts):
        """The whole history: the caller's words, the agent's, the caller's …"""
        roles = ("user", "agent")
        said = [{"role": roles[n % 2], "content": text} for n, text in enumerate(texts)]
        fields = {} if event_id is None else {"event_id": event_id}
        await self.send("user_transcript", user_transcript=said, **fields)

    async def next(self):
        """The next message of ours."""
        async with asyncio.timeout(60):
            return await self.ws.receive_json()

    async def answer(self, event_id):
        """The pieces of a whole answer, each of which must carry this id."""
        pieces = []
        while True:
            message = await self.next()
            assert message["type"] == "agent_response"
            assert message["event_id"] == event_id
            if message["is_final"]:
                assert message["content"] == ""
                return pieces
            pieces.append(message["content"])

    async def nothing_more(self):
        """That nothing was left to read: a ping is answered next."""
        await self.send("ping")
        assert await self.next() == {"type": "pong"}

    async def ended(self):
        """The close frame of ours."""
        async with asyncio.timeout(60):
            message = await self.ws.receive()
        assert message.type is aiohttp.WSMsgType.CLOSE, message
        return message.data, message.extra


# The bridge's side


class OneCall:
    """The call that the conversation belongs to. The newest brain wins, as in `live/call.py`."""

    def __init__(self):
        self.ids = {"call_sid": "CA1"}
        self.digits = ()
        self.works = self.words = 0
        self.talk = Talk(ENGLISH)
        self.facts = []
        self.asked = []
        self.failed = None
        self.session = None
        self.came = 0

    def card(self):
        return replace(CARD, digits=self.digits)

    def tell(self, fact):
        self.facts.append(fact)

    async def ask(self, plan, event_id):
        self.asked.append((plan, event_id))
        return True

    def fail(self, reason):
        self.failed = reason

    def brain_asked(self):
        self.works += 1

    def brain_said(self, *, words, complete):
        self.words += 1

    def brain_attached(self, session):
        self.came += 1
        older, self.session = self.session, session
        if older is not None:
            older.replaced()

    def brain_detached(self, session):
        if session is self.session:
            self.session = None


class Bridge:
    """A server with nothing but the brain's door."""

    def __init__(self, http, url, call):
        self.http = http
        self.url = url
        self.call = call

    @asynccontextmanager
    async def dial(self, **changed):
        async with self.http.ws_connect(self.url, headers=proofs(**changed)) as ws:
            yield Engine(ws)

    @asynccontextmanager
    async def converse(self):
        """A socket that has said what it serves."""
        async with self.dial() as engine:
            await engine.send("init", conversation_id=CONVERSATION)
            yield engine


def facilities():
    return Facilities(InMemory(), models=None, sounds=None, tasks=Tasks(), transfer_numbers={"sales": "+15550124"})


async def find_nothing(conversation_id):
    await asyncio.sleep(5)


@asynccontextmanager
async def served(brain, *, find_call=None, **changed):
    call = OneCall()

    async def find(conversation_id):
        assert conversation_id == CONVERSATION
        return call

    desk = BrainDesk(
        shared_secrets=(SECRET,),
        api_keys=(API_KEY,),
        check_token=True,
        clock=asyncio.get_running_loop().wall,
        brain=brain,
        find_call=find_call or find,
        patience=Patience(),
        facilities=facilities(),
        lobby=Lobby(8),
    )
    app = web.Application()
    app.router.add_get("/ws", replace(desk, **changed).handle)
    runner = web.AppRunner(app)
    await runner.setup()
    door = socket.create_server(("127.0.0.1", 0))
    door.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2**16)  # so that a peer who does not read is soon felt
    await web.SockSite(runner, door).start()
    port = door.getsockname()[1]
    try:
        async with aiohttp.ClientSession() as http:
            yield Bridge(http, f"http://127.0.0.1:{port}/ws", call)
    finally:
        await runner.cleanup()
    assert call.session is None, "the call still holds a brain"
    assert asyncio.all_tasks() == {asyncio.current_task()}, "a task is left"


async def soon(condition):
    async with asyncio.timeout(1):
        while not condition():
            await asyncio.sleep(0.01)


class Diary:
    """A brain that says what its test tells it, and notes when it begins and when it is closed."""

    def __init__(self, *pieces, stays=False, tidies=0.0):
        self.pieces = pieces
        self.stays = stays
        self.tidies = tidies
        self.entries = []
        self.turns = []

    async def __call__(self, turn):
        number = len(self.turns)
        self.turns.append(turn)
        self.entries.append(f"begins {number}")
        try:
            for piece in self.pieces:
                yield piece
            if self.stays:
                await asyncio.Event().wait()
        finally:
            if self.tidies:
                await asyncio.sleep(self.tidies)
            self.entries.append(f"ends {number}")


# A turn


async def test_an_answer_comes_piece_by_piece_with_its_id_and_ends_once():
    brain = Diary("Gladly. ", "For **two**", "? 😀")
    async with served(brain) as bridge, bridge.converse() as engine:
        bridge.call.digits = ("42",)
        await engine.transcript(7, "Hello", "Good evening.", "A table, please.")
        assert await engine.answer(7) == ["Gladly. ", "For two? "]
        await engine.nothing_more()
    (turn,) = brain.turns
    assert turn.history == (
        Message("user", "Hello"),
        Message("agent", "Good evening."),
        Message("user", "A table, please."),
    )
    assert turn.call == replace(CARD, digits=("42",))
    assert brain.entries == ["begins 0", "ends 0"]


async def test_each_piece_goes_out_while_the_brain_still_thinks():
    more = asyncio.Event()

    async def brain(turn):
        yield "One. "
        await more.wait()
        yield "Two."

    async with served(brain) as bridge, bridge.converse() as engine:
        began = asyncio.get_running_loop().time()
        await engine.transcript(1, "Count")
        assert (await engine.next())["content"] == "One. "
        assert asyncio.get_running_loop().time() == began
        more.set()
        assert await engine.answer(1) == ["Two."]


async def test_a_brain_that_never_waits_lets_others_speak():
    stop = asyncio.Event()

    async def brain(turn):
        while not stop.is_set():
            yield "on and "

    async with served(brain) as bridge, bridge.converse() as engine:
        await engine.transcript(1, "Talk")
        assert (await engine.next())["content"].startswith("on and ")
        await engine.send("ping")
        while (await engine.next())["type"] != "pong":
            pass
        stop.set()
        await engine.answer(1)


async def test_later_turns_see_later_digits():
    brain = Diary("Yes.")
    async with served(brain) as bridge, bridge.converse() as engine:
        await engine.transcript(1, "Hello")
        await engine.answer(1)
        bridge.call.digits = ("1", "23")
        await engine.transcript(2, "Hello", "Yes.", "Caller pressed 23")
        await engine.answer(2)
    assert [turn.digits for turn in brain.turns] == [(), ("1", "23")]


async def test_ids_may_be_texts_or_missing():
    async with served(Diary("Yes.")) as bridge, bridge.converse() as engine:
        await engine.send("user_transcript", user_transcript=[{"role": "user", "content": "Hi"}], event_id="3")
        assert await engine.answer(3) == ["Yes."]
        for _ in range(2):
            await engine.transcript(None, "Hi")
            assert await engine.answer(None) == ["Yes."]


# Interruption, and what comes again


async def test_the_newest_wins_and_the_older_reply_is_closed_before_the_newer_begins():
    brain = Diary("Well, ", stays=True, tidies=1.0)
    async with served(brain) as bridge, bridge.converse() as engine:
        await engine.transcript(1, "Hello")
        assert (await engine.next())["content"] == "Well, "
        await engine.transcript(2, "Hello", "Well,", "Stop")
        await engine.transcript(3, "Hello", "Well,", "Stop it")
        began = asyncio.get_running_loop().time()
        assert (await engine.next()) == {
            "type": "agent_response",
            "content": "Well, ",
            "event_id": 3,
            "is_final": False,
        }
        assert asyncio.get_running_loop().time() - began == pytest.approx(1.0)
        assert brain.entries == ["begins 0", "ends 0", "begins 1"]
        assert [turn.text for turn in brain.turns] == ["Hello", "Stop it"]
        await engine.nothing_more()
    assert brain.entries == ["begins 0", "ends 0", "begins 1", "ends 1"]


async def test_a_reply_that_has_not_begun_yet_can_be_cancelled():
    brain = Diary("Yes.")
    async with served(brain) as bridge, bridge.converse() as engine:
        await engine.nothing_more()
        await engine.transcript(1, "Hello")
        await engine.transcript(2, "Hello there")  # nothing was waited for: the bridge reads both at once
        assert await engine.answer(2) == ["Yes."]
    assert [turn.text for turn in brain.turns] == ["Hello there"]


async def test_what_is_sent_again_is_ignored_during_and_after_the_answer():
    release = asyncio.Event()
    asked = []

    async def brain(turn):
        asked.append(turn.text)
        yield "Let me see. "
        await release.wait()
        yield "Yes."

    async with served(brain) as bridge, bridge.converse() as engine:
        await engine.transcript(5, "Is there a table?")
        await engine.next()
        await engine.transcript(5, "Is there a table?")
        await engine.transcript(4, "Is there")
        await engine.nothing_more()
        release.set()
        assert await engine.answer(5) == ["Yes."]
        await engine.transcript(5, "Is there a table?")
        await engine.transcript(4, "Is there")
        await engine.nothing_more()
        await engine.transcript(6, "Is there a table?", "Let me see. Yes.", "Good.")
        assert await engine.answer(6) == ["Let me see. ", "Yes."]
    assert asked == ["Is there a table?", "Good."]


async def test_a_brain_that_does_not_let_go_is_given_up_on_after_two_seconds(caplog):
    turns = []

    async def brain(turn):
        turns.append(turn.text)
        if len(turns) == 2:
            yield "Yes."
            return
        yield "Well, "
        for _ in range(5):
            try:
                await asyncio.sleep(1)
            except asyncio.CancelledError:
                continue
        yield "as I was saying"

    async with served(brain) as bridge, bridge.converse() as engine:
        await engine.transcript(1, "Hello")
        await engine.next()
        began = asyncio.get_running_loop().time()
        await engine.transcript(2, "Stop")
        assert await engine.answer(2) == ["Yes."]
        assert asyncio.get_running_loop().time() - began == pytest.approx(2.0)
        await asyncio.sleep(10)
        await engine.nothing_more()
    assert "has not let go of its cancelled reply" in caplog.text


async def test_a_brain_that_swallows_its_cancellation_is_closed_at_its_next_word():
    closed = []

    async def brain(turn):
        try:
            yield "Well, "
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                yield "anyway, "
            await asyncio.Event().wait()
        finally:
            closed.append(turn.text)

    async with served(brain) as bridge, bridge.converse() as engine:
        await engine.transcript(1, "Hello")
        await engine.next()
        await engine.transcript(2, "Stop")
        assert (await engine.next())["event_id"] == 2
        assert closed == ["Hello"]
        await engine.nothing_more()


# A brain that fails


@pytest.mark.parametrize(
    ("before", "heard"),
    [
        ([], [ENGLISH.model_failed]),
        (["Your table is "], ["Your table is ", f". {ENGLISH.model_failed}"]),
        (["One moment. "], ["One moment. ", f" {ENGLISH.model_failed}"]),
    ],
)
async def test_a_failing_brain_says_sorry_and_the_log_where_it_failed(caplog, before, heard):
    async def brain(turn):
        for piece in before:
            yield piece
        raise KeyError(turn.text)

    async with served(brain) as bridge, bridge.converse() as engine:
        await engine.transcript(1, "My secret")
        assert await engine.answer(1) == heard
        await engine.transcript(1, "My secret")  # it was answered all the same
        await engine.nothing_more()
    assert "KeyError in brain (test_brain_socket.py:" in caplog.text
    assert "secret" not in caplog.text


async def test_a_silent_brain_is_filled_in_for_and_given_up_after_eight_seconds(caplog):
    brain = Diary(stays=True)
    async with served(brain) as bridge, bridge.converse() as engine:
        began = asyncio.get_running_loop().time()
        await engine.transcript(1, "Hello")
        assert (await engine.next())["content"] == f"{ENGLISH.fillers[0]} "
        assert asyncio.get_running_loop().time() - began == pytest.approx(1.2)
        assert await engine.answer(1) == [f"{ENGLISH.fillers[1]} ", ENGLISH.too_slow]
        assert asyncio.get_running_loop().time() - began == pytest.approx(8.0)
        await soon(lambda: brain.entries == ["begins 0", "ends 0"])
    assert "it said nothing for 8 s" in caplog.text


async def test_the_third_silent_turn_in_a_row_gives_the_call_up():
    async with served(Diary(stays=True)) as bridge, bridge.converse() as engine:
        for number in (1, 2):
            await engine.transcript(number, "Hello")
            assert (await engine.answer(number))[-1] == ENGLISH.too_slow
            assert bridge.call.failed is None
        await engine.transcript(3, "Hello")
        async with asyncio.timeout(60):
            while bridge.call.failed is None:
                await asyncio.sleep(0.1)


async def test_a_slow_brain_that_says_something_now_and_then_has_not():
    async def brain(turn):
        for word in ("One. ", "Two. ", "Three."):
            await asyncio.sleep(7)
            yield word

    async with served(brain, patience=Patience(filler=None)) as bridge, bridge.converse() as engine:
        await engine.transcript(1, "Count")
        assert await engine.answer(1) == ["One. ", "Two. ", "Three."]


@pytest.mark.parametrize(
    ("brain", "problem"),
    [
        (Diary(None), "a brain yields str, not NoneType"),
        (lambda turn: 7, "__aiter__"),
        (lambda turn: 1 / 0, "ZeroDivisionError in <lambda>"),
    ],
)
async def test_what_is_no_brain_fails_as_a_brain(caplog, brain, problem):
    async with served(brain) as bridge, bridge.converse() as engine:
        await engine.transcript(1, "Hello")
        assert await engine.answer(1) == [ENGLISH.model_failed]
    assert problem in caplog.text


async def test_a_wordless_reply_is_asked_about_in_other_words_each_time():
    async with served(Diary("🤔", "**")) as bridge, bridge.converse() as engine:
        await engine.transcript(1, "Mumble")
        assert await engine.answer(1) == [ENGLISH.ask_again[0]]
        await engine.transcript(2, "Mumble", ENGLISH.ask_again[0], "Mumble")
        assert await engine.answer(2) == [ENGLISH.ask_again[1]]


async def test_a_silent_caller_is_asked_without_the_brain():
    brain = Diary("Yes.")
    async with served(brain) as bridge, bridge.converse() as engine:
        await engine.transcript(1)
        assert await engine.answer(1) == [ENGLISH.still_there[0]]
        await engine.transcript(2, "Hello", ENGLISH.still_there[0])
        assert await engine.answer(2) == [ENGLISH.still_there[1]]
    assert brain.turns == []


# How a socket begins


async def test_a_transcript_before_init_and_before_the_call_is_known_waits():
    known = asyncio.Event()
    call = OneCall()

    async def find(conversation_id):
        await known.wait()
        return call

    brain = Diary("Yes.")
    async with served(brain, find_call=find) as bridge, bridge.dial() as engine:
        await engine.transcript(1, "Hello")
        await engine.send("init", conversation_id=CONVERSATION)
        await engine.transcript(2, "Hello there")
        await engine.nothing_more()
        assert brain.turns == []
        known.set()
        assert await engine.answer(2) == ["Yes."]
    assert [turn.text for turn in brain.turns] == ["Hello there"]


async def test_no_init_within_ten_seconds(caplog):
    async with served(Diary()) as bridge, bridge.dial() as engine:
        began = asyncio.get_running_loop().time()
        assert await engine.ended() == (1008, "no init")
        assert asyncio.get_running_loop().time() - began == pytest.approx(10.0)
    assert "did not say which conversation" in caplog.text


async def test_a_conversation_that_no_call_knows(caplog):
    async with served(Diary(), find_call=find_nothing) as bridge, bridge.converse() as engine:
        await engine.transcript(1, "Hello")
        assert await engine.ended() == (1008, "unknown conversation")
    assert "no call knows this conversation" in caplog.text
    assert "conversation_id='conv_1'" in caplog.text


async def test_a_socket_that_ends_ends_the_search_for_its_call():
    began = asyncio.get_running_loop().time()
    async with served(Diary(), find_call=find_nothing) as bridge, bridge.converse() as engine:
        await engine.nothing_more()
        await engine.ws.close()
    assert asyncio.get_running_loop().time() - began < 1


async def test_a_socket_that_is_over_when_its_call_is_found_replaces_nobody(caplog):
    call = OneCall()

    async def find(conversation_id):
        while call.came and "going away" not in caplog.text:
            await asyncio.sleep(0)  # found in the very moment after ElevenLabs has given up
        return call

    async with served(Diary("Yes."), find_call=find) as bridge, bridge.converse() as first:
        await soon(lambda: call.came)
        async with bridge.converse() as second:
            await second.send("error", message="going away")
            assert await second.ended() == (1000, "")
        await first.transcript(1, "Hello")
        assert await first.answer(1) == ["Yes."]


async def test_a_second_socket_takes_over_and_the_first_is_closed():
    brain = Diary("Well, ", stays=True)
    async with served(brain) as bridge, bridge.converse() as first:
        await first.transcript(1, "Hello")
        await first.next()
        async with bridge.converse() as second:
            assert await first.ended() == (1000, "a newer socket took over")
            await second.transcript(1, "Hello")
            assert (await second.next())["content"] == "Well, "
            assert brain.entries == ["begins 0", "ends 0", "begins 1"]
            assert bridge.call.session is not None


# What else comes


async def test_ping_is_answered_before_init_and_during_a_reply():
    async with served(Diary("Well, ", stays=True)) as bridge, bridge.dial() as engine:
        await engine.nothing_more()
        await engine.send("init", conversation_id=CONVERSATION)
        await engine.transcript(1, "Hello")
        await engine.next()
        await engine.nothing_more()


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"type": 7}',
        '{"type": "vad_score", "score": 1}',
        '{"type": "user_transcript", "user_transcript": "secret"}',
        '{"type": "user_transcript", "user_transcript": [{"role": "user"}], "event_id": 9}',
        '{"type": "init", "conversation_id": "conv_2"}',
        '{"type": "ping", "x": ' + "[" * 100_000,
    ],
)
async def test_what_is_unknown_or_broken_is_noted_and_ends_nothing(caplog, text):
    caplog.set_level(logging.INFO)
    async with served(Diary("Yes.")) as bridge, bridge.converse() as engine:
        await engine.ws.send_str(text)
        await engine.ws.send_bytes(text.encode())
        await engine.transcript(1, "Hello")
        assert await engine.answer(1) == ["Yes."]
    assert caplog.text.count("was passed over") == 1
    assert "secret" not in caplog.text


@pytest.mark.parametrize("last", [{"kind": "close"}, {"kind": "error", "message": "quota exceeded"}])
async def test_close_and_error_end_the_socket_and_the_reply(caplog, last):
    brain = Diary("Well, ", stays=True)
    async with served(brain) as bridge, bridge.converse() as engine:
        await engine.transcript(1, "Hello")
        await engine.next()
        await engine.send(**last)
        assert await engine.ended() == (1000, "")
        await soon(lambda: brain.entries == ["begins 0", "ends 0"])
    assert ("quota exceeded" in caplog.text) == ("message" in last)


async def test_the_end_of_the_call_ends_the_socket_and_the_reply():
    brain = Diary("Well, ", stays=True)
    async with served(brain) as bridge, bridge.converse() as engine:
        await engine.transcript(1, "Hello")
        await engine.next()
        bridge.call.session.call_over()
        assert await engine.ended() == (1000, "the call is over")
        await soon(lambda: brain.entries == ["begins 0", "ends 0"])


async def test_a_lost_socket_ends_the_reply():
    brain = Diary("Well, ", stays=True)
    async with served(brain) as bridge:
        async with bridge.converse() as engine:
            await engine.transcript(1, "Hello")
            await engine.next()
            assert bridge.call.session is not None
            engine.ws._response.connection.transport.abort()
            await soon(lambda: brain.entries == ["begins 0", "ends 0"])
        assert bridge.call.session is None


async def test_a_peer_that_reads_nothing_is_cut_off(caplog):
    said = []
    closed = asyncio.Event()

    async def brain(turn):
        try:
            while len(said) < 200:
                said.append("on and on " * 11_000)
                yield said[-1]
        finally:
            closed.set()

    async with served(brain) as bridge, bridge.converse() as engine:
        transport = engine.ws._response.connection.transport
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2**16)
        transport.pause_reading()
        await engine.transcript(1, "Talk")
        async with asyncio.timeout(60):
            await closed.wait()
        assert 1 < len(said) < 100  # a megabyte of ours, and what the kernel takes
        assert caplog.text.count("too slow") == 1
        assert "failed" not in caplog.text
        transport.abort()


async def test_a_server_that_shuts_down_closes_the_reply():
    brain = Diary("Well, ", stays=True)
    async with served(brain) as bridge:
        ws = await bridge.http.ws_connect(bridge.url, headers=proofs())
        engine = Engine(ws)
        await engine.send("init", conversation_id=CONVERSATION)
        await engine.transcript(1, "Hello")
        await engine.next()
    assert brain.entries == ["begins 0", "ends 0"]


# Who is let in


async def status(bridge, headers):
    async with bridge.http.get(
        bridge.url,
        headers={
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": base64.b64encode(b"0123456789abcdef").decode(),
            **headers,
        },
    ) as response:
        return response.status, await response.read()


@pytest.mark.parametrize(
    ("changed", "secret_is_at_fault", "token_is_at_fault"),
    [
        ({"x-api-key": None}, "x-api-key is missing", ""),
        ({"x-api-key": SECRET[:-1]}, "x-api-key does not equal SHARED_SECRET", ""),
        ({"x-api-key": "\xfc" * 30}, "x-api-key does not equal SHARED_SECRET", ""),
        ({"X-Elevenlabs-Speech-Engine-Authorization": None}, "", "Engine-Authorization is missing"),
        ({"X-Elevenlabs-Speech-Engine-Authorization": "Bearer x.y.z"}, "", "holds no HS256 token"),
        ({"X-Elevenlabs-Speech-Engine-Authorization": "old"}, "", "expired"),
        ({"X-Elevenlabs-Speech-Engine-Authorization": "foreign"}, "", "the very key that made the engine"),
        ({"x-api-key": "no", "X-Elevenlabs-Speech-Engine-Authorization": "no"}, "SHARED_SECRET", "holds no HS256"),
    ],
)
async def test_a_refusal_is_a_bare_401_and_one_line_that_tells_which_proof_failed(
    caplog, changed, secret_is_at_fault, token_is_at_fault
):
    made = {"old": token(seconds=-100), "foreign": token("sk_another_of_the_account")}
    changed = {name: made.get(value, value) for name, value in changed.items()}
    async with served(Diary()) as bridge:
        assert await status(bridge, proofs(**changed)) == (401, b"")
    (line,) = [record.getMessage() for record in caplog.records if record.name.startswith("ringbridge")]
    assert line.startswith("GET /ws was refused problem=")
    assert ("SHARED_SECRET" in line.replace("BRAIN_AUTH=secret", "")) == bool(secret_is_at_fault)
    assert ("Speech-Engine-Authorization" in line or "the token" in line) == bool(token_is_at_fault)
    assert secret_is_at_fault in line
    assert token_is_at_fault in line
    for private in (SECRET, API_KEY, SECRET[:-1], "eyJ"):
        assert private not in line


async def test_with_the_secret_alone_the_token_is_not_asked_for():
    async with served(Diary("Yes."), check_token=False) as bridge:
        assert (await status(bridge, {"x-api-key": "no"}))[0] == 401
        async with bridge.dial(**{"X-Elevenlabs-Speech-Engine-Authorization": None}) as engine:
            await engine.nothing_more()


async def test_while_the_secret_is_changed_both_are_good():
    async with served(Diary(), shared_secrets=("the-new-shared-secret", SECRET)) as bridge:
        for secret in ("the-new-shared-secret", SECRET):
            async with bridge.dial(**{"x-api-key": secret}) as engine:
                await engine.nothing_more()
        assert (await status(bridge, proofs(**{"x-api-key": f"the-new-shared-secret,{SECRET}"})))[0] == 401


async def test_no_secret_is_never_equal():
    async with served(Diary(), shared_secrets=()) as bridge:
        assert (await status(bridge, proofs(**{"x-api-key": ""})))[0] == 401


async def test_a_request_that_is_no_handshake_is_told_so():
    async with served(Diary()) as bridge, bridge.http.get(bridge.url, headers=proofs()) as response:
        assert response.status == 400


def test_what_is_secret_is_not_shown():
    desk = BrainDesk(
        shared_secrets=(SECRET,),
        api_keys=(API_KEY,),
        check_token=True,
        clock=float,
        brain=Diary(),
        find_call=find_nothing,
        patience=Patience(),
        facilities=facilities(),
        lobby=Lobby(8),
    )
    assert SECRET not in repr(desk)
    assert API_KEY not in repr(desk)


async def test_half_an_emoji_does_not_end_the_socket():
    async with served(Diary("Well \ud83d", " done [\ud83d")) as bridge, bridge.converse() as engine:
        await engine.transcript(1, "Hello")
        assert "done" in "".join(await engine.answer(1))
        await engine.transcript(2, "Hello", "Well done", "And again")
        assert await engine.answer(2)
