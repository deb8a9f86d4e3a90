"""A brain in a call: found whichever came first, asked once for each turn, and told whose call it is."""

import asyncio

import pytest
from aiohttp import WSServerHandshakeError

from ringbridge import facts
from ringbridge.emulator.faults import Fault
from ringbridge.emulator.world import OWN_NUMBER
from ringbridge.phrases import ENGLISH
from ringbridge.turn import Message


def of_kind(talk, kind):
    return [event for event in talk.events if event.kind == kind]


class Watched:
    """A brain that remembers what it was asked, and whether it was let go of; `seconds` pass before it speaks."""

    def __init__(self, seconds=0.0):
        self.turns = []
        self.cancelled = []
        self.speaking = 0
        self.at_once = 0
        self._seconds = seconds

    async def __call__(self, turn):
        self.turns.append(turn)
        self.speaking += 1
        self.at_once = max(self.at_once, self.speaking)
        try:
            await asyncio.sleep(self._seconds)
            yield f"You said: {turn.text}."
        except asyncio.CancelledError:
            self.cancelled.append(turn.text)
            await asyncio.sleep(0.5)  # it takes its time
            raise
        finally:
            self.speaking -= 1


class TestWhoeverComesFirst:
    async def test_the_brain_may_come_before_the_metadata(self, world):
        async with world(engine={"init_before_metadata": True}) as w:
            first = []
            w.elevenlabs.on_event.append(lambda _, event: first.append((event.kind, w.told(facts.ConversationOpened))))
            call = await w.talking()
            assert ("brain_open", []) in first
            await w.says(call, "hi")
            await w.hears(call, "You said: hi.")
            assert len(of_kind(w.conversation, "brain_open")) == 1

    async def test_the_brain_may_come_with_the_first_turn_only(self, world):
        async with world(engine={"dial_brain": "first_turn"}) as w:
            call = await w.talking()
            assert of_kind(w.conversation, "brain_open") == []
            await w.says(call, "hi")
            await w.hears(call, "You said: hi.")
            assert len(of_kind(w.conversation, "brain_open")) == 1

    async def test_the_brain_may_come_late(self, world):
        async with world(faults=[Fault("brain_socket", "delay", ms=4000)]) as w:
            call = await w.talking()
            await w.says(call, "hi")
            await w.hears(call, "You said: hi.")
            assert w.heard(call).count("You said") == 1

    async def test_a_brain_that_asks_before_its_call_knows_the_conversation_is_kept_waiting(self, world):
        """What it asks meanwhile is answered as soon as the metadata has come."""
        brain = Watched()
        async with world(brain=brain, engine={"init_before_metadata": True}) as w:

            def ask(_, event):
                if event.kind == "brain_open":
                    w.conversation.hear("quick question")

            w.elevenlabs.on_event.append(ask)
            call = await w.dial()
            await w.hears(call, "You said: quick question.")
            assert len(brain.turns) == 1


class TestOneAnswerForEachTurn:
    async def test_a_transcript_that_is_sent_again_is_not_answered_again(self, world):
        brain = Watched(seconds=9)
        async with world(brain=brain, settings={"FILLER_AFTER": "off", "BRAIN_DEADLINE": "20000"}) as w:
            call = await w.talking()
            await w.says(call, "slow please")
            await w.hears(call, "You said: slow please.")
            await asyncio.sleep(10)
            assert len(of_kind(w.conversation, "resend")) == 2
            assert len(brain.turns) == 1
            ours = f"{ENGLISH.one_moment} {ENGLISH.still_here} {ENGLISH.one_moment}"
            assert w.heard(call) == f"Hello. {ours} You said: slow please."
            assert brain.cancelled == []

    async def test_nor_is_one_that_comes_again_after_its_answer(self, world):
        brain = Watched()
        async with world(brain=brain) as w:
            call = await w.talking()
            await w.says(call, "once")
            await w.hears(call, "You said: once.")
            (asked,) = w.conversation.transcripts
            w.conversation._brain.send(asked.message)
            await w.says(call, "twice")
            await w.hears(call, "You said: twice.")
            assert [turn.text for turn in brain.turns] == ["once", "twice"]

    async def test_of_a_pause_that_is_transcribed_twice_the_newer_transcript_is_answered(self, world):
        brain = Watched(seconds=1)
        async with world(brain=brain, engine={"retranscribe_every": 1}) as w:
            call = await w.talking()
            await w.says(call, "say it once")
            await w.hears(call, "You said: say it once.")
            await asyncio.sleep(5)
            assert w.heard(call).count("You said") == 1
            assert len(brain.turns) == 2
            assert brain.cancelled == ["say it once"]

    async def test_the_running_reply_is_cancelled_and_awaited_before_the_next_begins(self, world):
        brain = Watched(seconds=5)
        async with world(brain=brain) as w:
            call = await w.talking()
            await w.says(call, "wait")
            await asyncio.sleep(1)
            await w.says(call, "no this")
            await w.hears(call, "You said: no this.")
            assert brain.cancelled == ["wait"]
            assert brain.at_once == 1
            assert "You said: wait" not in w.heard(call)

    async def test_every_chunk_carries_its_id_and_exactly_one_is_the_last(self, world):
        async def in_pieces(turn):
            for word in ("One, ", "two, ", "three."):
                yield word
                await asyncio.sleep(0.1)

        async with world(brain=in_pieces) as w:
            call = await w.talking()
            for count in (1, 2):
                await w.says(call, f"turn {count}")
                await w.until(
                    lambda count=count: w.heard(call).count("One, two, three.") == count, "the reply is heard"
                )
            chunks = w.conversation.brain_received
            ids = [asked.message["event_id"] for asked in w.conversation.transcripts]
            assert [chunk["event_id"] for chunk in chunks] == [ids[0]] * 4 + [ids[1]] * 4
            assert [chunk["is_final"] for chunk in chunks] == [False, False, False, True] * 2
            assert chunks[3]["content"] == ""
            assert of_kind(w.conversation, "text_dropped") == []


class TestABrainWithoutWords:
    async def test_one_that_fails_says_sorry_and_the_call_goes_on(self, world, caplog):
        async def moody(turn):
            if "boom" in turn.text:
                raise ValueError("the caller's words: boom")
            yield f"You said: {turn.text}."

        async with world(brain=moody) as w:
            call = await w.talking()
            await w.says(call, "boom")
            await w.hears(call, ENGLISH.model_failed)
            await w.says(call, "again")
            await w.hears(call, "You said: again.")
            assert "ValueError in moody" in caplog.text
            assert "boom" not in caplog.text
            assert call.said == []

    async def test_one_that_fails_in_the_midst_says_so_too(self, world):
        async def half(turn):
            yield "The answer is"
            raise KeyError(turn)

        async with world(brain=half) as w:
            call = await w.talking()
            await w.says(call, "tell me")
            await w.hears(call, f"The answer is. {ENGLISH.model_failed}")

    async def test_one_that_says_nothing_asks_again_in_other_words(self, world):
        async def mute(turn):
            for _ in ():
                yield ""

        async with world(brain=mute) as w:
            call = await w.talking()
            for phrase in ENGLISH.ask_again:
                await w.says(call, "hm")
                await w.hears(call, phrase)
            assert len(set(ENGLISH.ask_again)) > 1

    async def test_one_that_never_speaks_is_given_up(self, world):
        brain = Watched(seconds=3600)
        async with world(brain=brain) as w:
            call = await w.talking()
            await w.says(call, "hello")
            await w.hears(call, ENGLISH.fillers[0])
            await w.hears(call, ENGLISH.too_slow)
            await call.hang_up()
            await w.is_given_back(since=w.now)

    async def test_a_silent_caller_is_asked_whether_they_are_there(self, world):
        brain = Watched()
        async with world(brain=brain, engine={"turn_timeout_seconds": 3}) as w:
            call = await w.talking()
            await w.hears(call, ENGLISH.still_there[0])
            assert brain.turns == []


class TestItsSocket:
    async def test_a_second_one_for_the_same_conversation_takes_over(self, world):
        async with world() as w:
            call = await w.talking()
            talk = w.conversation
            async with w.brain_socket() as newer:
                await newer.send_json({"type": "init", "conversation_id": talk.id})
                await w.until(lambda: of_kind(talk, "brain_lost"), "the older one is closed")
                assert of_kind(talk, "brain_lost")[0].detail == "1000"
                history = [{"role": "user", "content": "hi"}]
                await newer.send_json({"type": "user_transcript", "user_transcript": history, "event_id": 1})
                answers = [await newer.receive_json() for _ in range(3)]
                assert "".join(answer["content"] for answer in answers) == "You said: hi."
                assert [answer["is_final"] for answer in answers] == [False, False, True]
                # The twin dials once more, as the vendor may: then it is the newest.
                assert (await newer.receive()).data == 1000
            await w.says(call, "and now")
            await w.hears(call, "You said: and now.")

    async def test_a_dropped_one_is_dialled_again_and_the_call_goes_on(self, world):
        async with world() as w:
            call = await w.talking()
            await w.says(call, "one")
            await w.hears(call, "You said: one.")
            w.conversation.drop_brain()
            await w.until(lambda: len(of_kind(w.conversation, "brain_open")) == 2, "it is dialled again")
            await w.says(call, "two")
            await w.hears(call, "You said: two.")
            assert len(w.elevenlabs.conversations) == 1

    async def test_one_dropped_in_the_midst_of_a_reply_stops_the_brain_which_is_asked_anew(self, world):
        brain = Watched(seconds=3)
        async with world(brain=brain) as w:
            call = await w.talking()
            await w.says(call, "hold on")
            await asyncio.sleep(1)
            w.conversation.drop_brain()
            await w.hears(call, "You said: hold on.")
            assert brain.cancelled == ["hold on"]
            assert w.heard(call).count("You said") == 1

    @pytest.mark.parametrize("kind", ["close", "error"])
    async def test_the_engine_may_end_it_in_its_own_words(self, world, caplog, kind):
        async with world(faults=[Fault("brain_socket", kind, after_ms=1000, code=1000, text="LLM cascade over")]) as w:
            call = await w.talking()
            await asyncio.sleep(2)
            assert call.status == "in-progress"
            assert ("LLM cascade over" in caplog.text) is (kind == "error")
            await call.hang_up()
            await w.is_given_back(since=w.now)

    async def test_a_garbled_message_on_it_ends_nothing(self, world):
        async with world(faults=[Fault("brain_socket", "garble", after_ms=600)]) as w:
            call = await w.talking()
            await asyncio.sleep(1)
            await w.says(call, "hi")
            await w.hears(call, "You said: hi.")
            assert of_kind(w.conversation, "brain_lost") == []

    async def test_a_conversation_that_no_call_knows_is_waited_for_and_then_refused(self, world, caplog):
        async with world() as w, w.brain_socket() as socket:
            await socket.send_json({"type": "init", "conversation_id": "conv_of_somebody_else"})
            await socket.send_json(
                {"type": "user_transcript", "user_transcript": [{"role": "user", "content": "hi"}], "event_id": 1}
            )
            closed = await socket.receive()
            assert (closed.data, closed.extra) == (1008, "unknown conversation")
            assert w.now == pytest.approx(5)
            assert "no call knows this conversation" in caplog.text

    async def test_when_it_can_not_be_had_at_all_the_call_can_still_be_hung_up(self, world):
        async with world(faults=[Fault("brain_socket", "refuse", times=-1)]) as w:
            call = await w.talking()
            await w.says(call, "anybody")
            await asyncio.sleep(10)
            await call.hang_up()
            await w.is_given_back(since=w.now)

    async def test_another_engines_secret_is_refused_before_the_upgrade_and_the_log_says_which_proof_failed(
        self, world, caplog
    ):
        async with world(engine={"request_headers": {"x-api-key": "another-secret-0123456789"}}) as w:
            await w.talking()
            await w.until(lambda: of_kind(w.conversation, "brain_refused"), "the brain is refused")
            assert of_kind(w.conversation, "brain_refused")[0].detail == "401"
            assert "x-api-key does not equal SHARED_SECRET" in caplog.text

    async def test_another_keys_token_is_refused_unless_the_secret_alone_is_asked_for(self, world, caplog):
        engine = {"made_with_key": "sk_another_key_of_the_same_account"}
        async with world(engine=engine) as w:
            await w.talking()
            await w.until(lambda: of_kind(w.conversation, "brain_refused"), "the brain is refused")
            assert "x-api-key" not in caplog.text.partition("GET /ws was refused")[2]
        async with world(engine=engine, settings={"BRAIN_AUTH": "secret"}) as w:
            call = await w.talking()
            await w.says(call, "hi")
            await w.hears(call, "You said: hi.")

    async def test_nobody_gets_in_without_any_proof(self, world):
        async with world() as w:
            with pytest.raises(WSServerHandshakeError) as refused:
                await w._web.ws_connect(f"http://127.0.0.1:{w.port}/ws")
            assert refused.value.status == 401


class TestTheTurn:
    async def test_it_tells_the_call_and_the_whole_history(self, world):
        brain = Watched()
        async with world(brain=brain) as w:
            call = await w.talking(from_="+15550100033")
            await w.says(call, "first words")
            await w.hears(call, "You said: first words.")
            await call.press("42#")
            await w.hears(call, "You said: Caller pressed 42.")
            first, second = brain.turns
            assert first.history == (Message("agent", "Hello."), Message("user", "first words"))
            assert second.history == (
                *first.history,
                Message("agent", "You said: first words."),
                Message("user", "Caller pressed 42"),
            )
            assert second.text == "Caller pressed 42"
            assert (second.caller, second.call.called) == ("+15550100033", OWN_NUMBER)
            assert (second.call.sid, second.call.conversation_id) == (call.sid, w.conversation.id)
            assert (first.digits, second.digits) == ((), ("42",))

    async def test_the_caller_is_the_human_on_a_call_that_we_placed(self, world):
        brain = Watched()
        async with world(brain=brain) as w:
            call = await w.dial_out("+15550100042")
            await w.hears(call, "Hello.")
            await w.says(call, "who is there")
            await w.hears(call, "You said: who is there.")
            assert (brain.turns[0].caller, brain.turns[0].call.called) == ("+15550100042", OWN_NUMBER)

    async def test_what_was_cut_off_of_a_reply_is_not_in_the_history(self, world):
        brain = Watched()
        async with world(brain=brain) as w:
            call = await w.talking()
            await w.engine_says("one two three four five six seven eight")
            await w.hears(call, "two")
            await w.says(call, "stop")
            await w.hears(call, "You said: stop.")
            (turn,) = brain.turns
            assert turn.history[1].text in ("one", "one two")  # to the last mark that came back before the barge-in
            assert (turn.interrupted, turn.heard) == (True, turn.history[1].text)

    async def test_ten_calls_at_once_reach_their_own_conversation_each(self, world):
        brain = Watched(seconds=0.3)
        async with world(brain=brain) as w:
            calls = [await w.dial(from_=f"+155501001{number:02d}") for number in range(10)]

            async def talk(call, number):
                await w.hears(call, "Hello.")
                for turn in range(2):
                    await w.says(call, f"caller {number} turn {turn}")
                    await w.hears(call, f"You said: caller {number} turn {turn}.")
                await call.press(f"{number}#")
                await w.hears(call, f"You said: Caller pressed {number}.")

            async with asyncio.TaskGroup() as talking:
                for number, call in enumerate(calls):
                    talking.create_task(talk(call, number))
            for number, call in enumerate(calls):
                assert w.heard(call) == (
                    f"Hello. You said: caller {number} turn 0. You said: caller {number} turn 1. "
                    f"You said: Caller pressed {number}."
                )
            assert {(turn.caller[-2:], turn.text.split()[1]) for turn in brain.turns if "turn" in turn.text} == {
                (f"{number:02d}", str(number)) for number in range(10)
            }
            assert len({turn.call.conversation_id for turn in brain.turns}) == 10
            for call in calls:
                await call.hang_up()
            await w.is_given_back(since=w.now)
