"""What a brain does with the line: whole calls on the twins, from the brain's wish to what the caller has of it."""

import asyncio

import pytest

from ringbridge import facts
from ringbridge.emulator.faults import Fault
from ringbridge.emulator.speech.exact import encode
from ringbridge.facts import Outcome
from ringbridge.phrases import ENGLISH

SALES = "+15550100077"
TRANSFERS = {"TRANSFER_NUMBERS": f"sales:{SALES}"}
LONG = "One two three four five six seven eight nine ten."


def does(**wishes):
    """A brain that does what its caller names, and repeats anything else. `wishes` begin with their words."""
    done = []

    async def brain(turn):
        word = turn.text.rstrip(".")
        if word not in wishes:
            yield f"You said: {word}."
            return
        words, wish = wishes[word]
        if words:
            yield words
        done.append(await wish(turn.call))

    brain.done = done
    return brain


def hang_up(call):
    return call.hang_up()


def transfer(call):
    return call.transfer_call("sales")


class TestHangingUp:
    async def test_the_call_ends_when_the_goodbye_was_heard(self, world):
        brain = does(bye=("Goodbye and thank you.", hang_up))
        async with world(brain=brain) as w:
            call = await w.talking()
            await w.says(call, "bye")
            await call.ended()
            assert w.heard(call) == "Hello. Goodbye and thank you."
            assert (call.said, call.status, brain.done) == ([], "completed", [True])
            assert w.told(facts.CallEnded) == [facts.CallEnded(Outcome.GOODBYE)]
            await w.is_given_back(since=w.now)

    async def test_a_caller_who_cuts_in_takes_it_back(self, world):
        brain = does(bye=(LONG, hang_up))
        async with world(brain=brain) as w:
            call = await w.talking()
            await w.says(call, "bye")
            await w.hears(call, "two")
            await w.says(call, "wait")
            await w.hears(call, "You said: wait.")
            await asyncio.sleep(10)
            assert not call.over
            assert w.told(facts.PlanDropped) == [facts.PlanDropped("HangUp")]
            assert True not in brain.done

    async def test_without_a_word_it_ends_at_once(self, world):
        async with world(brain=does(bye=("", hang_up))) as w:
            call = await w.talking()
            await w.says(call, "bye")
            await call.ended()
            assert w.heard(call) == "Hello."


class TestTransfer:
    async def test_a_human_who_takes_the_call_keeps_it(self, world):
        brain = does(sales=("One moment.", transfer))
        async with world(brain=brain, settings=TRANSFERS) as w:
            w.twilio.dial_outcomes[SALES] = "completed"
            call = await w.talking()
            await w.says(call, "sales")
            await call.ended()
            (dialled,) = call.dialled
            assert dialled.number == SALES
            assert dialled.attributes == {
                "callerId": "+15550100001",
                "timeout": "20",
                "timeLimit": "3600",
                "action": "https://bridge.test/dial-ended",
            }
            assert w.verbs(call) == ["Connect", "Dial", "Hangup"]
            assert w.told(facts.CallEnded) == [facts.CallEnded(Outcome.TRANSFERRED)]
            assert brain.done == [True]
            await w.is_given_back(since=w.now)

    async def test_a_long_talk_costs_no_conversation(self, world):
        async with world(brain=does(sales=("One moment.", transfer)), settings=TRANSFERS, lasts=600) as w:
            w.twilio.dial_outcomes[SALES] = "completed"
            w.twilio.talk_seconds[SALES] = 300
            call = await w.talking()
            await w.says(call, "sales")
            await w.tells(facts.ConversationGivenBack, seconds=60)
            await call.ended()
            assert w.told(facts.CallEnded) == [facts.CallEnded(Outcome.TRANSFERRED)]

    @pytest.mark.parametrize("outcome", ["no-answer", "busy"])
    async def test_when_nobody_takes_it_the_agent_says_so_in_the_same_conversation(self, world, outcome):
        brain = does(sales=("One moment.", transfer))
        async with world(brain=brain, settings=TRANSFERS) as w:
            w.twilio.dial_outcomes[SALES] = outcome
            call = await w.talking()
            await w.says(call, "sales")
            await w.hears(
                call, "You said: The transfer to sales was not taken; the caller is back with you.", seconds=60
            )
            await w.says(call, "thanks")
            await w.hears(call, "You said: thanks.")
            assert len(w.elevenlabs.conversations) == 1
            assert w.heard(call).count("Hello.") == 1
            assert w.told(facts.Transferring) == [
                facts.Transferring("sales"),
                facts.Transferring("sales", ended=True),
            ]
            assert False in brain.done or brain.done == []

    async def test_a_transfer_that_twilio_refuses_leaves_the_caller_with_the_agent(self, world):
        async with world(brain=does(sales=("One moment.", transfer)), settings=TRANSFERS) as w:
            call = await w.talking()
            w.faults.add(Fault("twilio_rest", "refuse"))
            await w.says(call, "sales")
            await w.hears(call, "You said: The transfer to sales failed; the caller is still with you.")
            assert call.dialled == []

    async def test_a_conversation_that_ends_while_it_rings_is_dialled_anew_without_a_greeting(self, world):
        async with world(brain=does(sales=("One moment.", transfer)), settings=TRANSFERS) as w:
            call = await w.talking()
            await w.says(call, "sales")
            await w.until(lambda: call.dialled, "a human is dialled")
            await w.engine_closes(1011)
            await w.hears(call, "the caller is back with you.", seconds=60)
            assert len(w.elevenlabs.conversations) == 2
            assert w.heard(call).count("Hello.") == 1

    async def test_who_hangs_up_while_it_rings_is_gone(self, world):
        async with world(brain=does(sales=("One moment.", transfer)), settings=TRANSFERS) as w:
            call = await w.talking()
            await w.says(call, "sales")
            await w.until(lambda: call.dialled, "a human is dialled")
            await call.hang_up()
            await call.ended()
            assert [answer.verbs for answer in w.answers(call, "/dial-ended")] == [[]]
            await w.tells(facts.CallEnded)
            assert w.told(facts.CallEnded) == [facts.CallEnded(Outcome.CALLER_GONE)]
            await w.is_given_back(since=w.now)


class TestSendingDigits:
    async def test_the_talk_goes_on_in_the_same_conversation(self, world):
        brain = does(dial=("One moment.", lambda call: call.send_digits("12w#")))
        async with world(brain=brain) as w:
            call = await w.talking()
            await w.says(call, "dial")
            await w.tells(facts.DigitsSent)
            await w.says(call, "hi")
            await w.hears(call, "You said: hi.")
            assert w.verbs(call) == ["Connect", "Play", "Connect"]
            assert len(w.elevenlabs.conversations) == 1
            assert w.heard(call).count("Hello.") == 1
            assert w.told(facts.DigitsSent) == [facts.DigitsSent("12w#")]
            assert brain.done == [True]

    async def test_where_twilio_refuses_nothing_is_lost(self, world):
        brain = does(dial=("One moment.", lambda call: call.send_digits("12")))
        async with world(brain=brain) as w:
            call = await w.talking()
            w.faults.add(Fault("twilio_rest", "refuse"))
            await w.says(call, "dial")
            await w.hears(call, "moment.")
            await asyncio.sleep(1)
            await w.says(call, "hi")
            await w.hears(call, "You said: hi.")
            assert brain.done == [False]


def collect(n=4, **options):
    return lambda call: call.collect_digits(n, **options)


class TestCollectingDigits:
    async def test_they_open_the_next_turn_however_slowly_they_are_keyed(self, world):
        async with world(brain=does(pin=("Your number, please.", collect()))) as w:
            call = await w.talking()
            await w.says(call, "pin")
            await w.hears(call, "please.")
            for key in "1234":
                await asyncio.sleep(4)
                await call.press(key)
            await w.hears(call, "You said: Caller pressed 1234.")

    async def test_those_keyed_into_the_question_count(self, world):
        async with world(brain=does(pin=(LONG, collect()))) as w:
            call = await w.talking()
            await w.says(call, "pin")
            await w.hears(call, "two")
            await call.press("12")
            await w.hears(call, "ten.")
            await call.press("34")
            await w.hears(call, "You said: Caller pressed 1234.")

    async def test_none_is_an_answer_too(self, world):
        async with world(brain=does(pin=("Your number, please.", collect(timeout=5.0)))) as w:
            call = await w.talking()
            await w.says(call, "pin")
            await w.hears(call, "You said: Caller entered no digits.")

    async def test_a_secret_is_told_to_the_brain_alone(self, world, caplog):
        caplog.set_level("DEBUG")
        seen = []

        async def brain(turn):
            if turn.text == "pin":
                yield "Your secret number, please."
                await turn.call.collect_digits(4, secret=True)
            else:
                seen.append((turn.text, turn.digits))
                yield "Thank you."

        async with world(brain=brain) as w:
            call = await w.talking()
            await w.says(call, "pin")
            await w.hears(call, "please.")
            await call.press("4711")
            await w.hears(call, "Thank you.")
            assert seen == [("Caller entered digits", ("4711",))]
            assert w.told(facts.DigitsPressed) == [facts.DigitsPressed("••••", secret=True)]
            assert "4711" not in str(w.conversation.received)
            assert "4711" not in caplog.text

    async def test_words_meanwhile_are_answered_and_do_not_end_it(self, world):
        async with world(brain=does(pin=("Your number, please.", collect()))) as w:
            call = await w.talking()
            await w.says(call, "pin")
            await w.hears(call, "please.")
            await call.press("12")
            await w.says(call, "where")
            await w.hears(call, "You said: where.")
            await call.press("34")
            await w.hears(call, "You said: Caller pressed 1234.")


@pytest.fixture
def jingle(tmp_path):
    """A sound of three words, as raw mu-law."""
    path = tmp_path / "jingle.ulaw"
    path.write_bytes(encode(f"ding dong dang {LONG}"))
    return path


class TestPlayingSounds:
    async def test_it_follows_the_words(self, world, jingle):
        brain = does(play=("Listen.", lambda call: call.play(jingle)))
        async with world(brain=brain) as w:
            call = await w.talking()
            await w.says(call, "play")
            played = await w.tells(facts.SoundPlayed)
            assert w.heard(call) == f"Hello. Listen. ding dong dang {LONG}"
            assert played == facts.SoundPlayed(len(encode(f"ding dong dang {LONG}")) // 8, cut=False)
            await w.settled()
            assert brain.done == [True]

    async def test_the_engine_is_told_that_somebody_listens(self, world, jingle):
        async with world(brain=does(play=("Listen.", lambda call: call.play(jingle)))) as w:
            call = await w.talking()
            await w.says(call, "play")
            await w.tells(facts.SoundPlayed)
            told = [got for got in w.conversation.received if got.message["type"] == "user_activity"]
            assert len(told) >= 3

    async def test_a_caller_who_speaks_stops_it(self, world, jingle):
        brain = does(play=("Listen.", lambda call: call.play(jingle)))
        async with world(brain=brain) as w:
            call = await w.talking()
            await w.says(call, "play")
            await w.hears(call, "ding")
            await w.says(call, "stop")
            await w.hears(call, "You said: stop.")
            (played,) = w.told(facts.SoundPlayed)
            assert played.cut
            assert "five" not in w.heard(call)
            assert True not in brain.done


class TestRedialling:
    async def test_where_the_greeting_is_the_engines_own_it_is_not_heard_again(self, world):
        settings, engine = {"GREETING": ""}, {"first_message": "Hello.", "allow_first_message": False}
        async with world(settings=settings, engine=engine) as w:
            call = await w.talking()
            w.faults.add(Fault("webhook", "delay", ms=1500))
            await call.drop_stream()
            await w.tells(facts.StreamLost)
            await w.engine_closes(1011)
            await w.tells(facts.StreamAttached, 2)
            await w.says(call, "again")
            await w.hears(call, "You said: again.")
            assert w.heard(call).count("Hello.") == 1


class TestGivingUp:
    async def test_a_brain_that_fails_three_times_running_gets_its_caller_the_sorry(self, world):
        async def broken(turn):
            raise RuntimeError
            yield

        async with world(brain=broken) as w:
            call = await w.talking()
            for count in range(1, 4):
                await w.says(call, f"word {count}")
                await w.tells(facts.TurnFailed, count)
                await asyncio.sleep(6)
            await call.ended()
            assert call.said == [ENGLISH.goodbye]
            assert w.heard(call).endswith(f"{w.sorry} {ENGLISH.goodbye}")
            assert w.told(facts.CallEnded) == [facts.CallEnded(Outcome.FAULT)]


class TestWhatWasHeard:
    async def test_a_barge_in_tells_the_words_that_were_heard(self, world):
        async with world() as w:
            call = await w.talking()
            await w.engine_says(LONG)
            await w.hears(call, "three")
            w.conversation.interrupt()
            interrupted = await w.tells(facts.Interrupted)
            assert interrupted.reply == 2
            assert LONG.startswith(interrupted.heard)
            assert interrupted.heard in {"One two", "One two three", "One two three four"}

    async def test_a_stream_that_is_lost_cuts_too(self, world):
        async with world() as w:
            call = await w.talking()
            await w.engine_says(LONG)
            await w.hears(call, "three")
            await call.drop_stream()
            interrupted = await w.tells(facts.Interrupted)
            assert interrupted.dropped_ms > 1000
            assert LONG.startswith(interrupted.heard)


class TestLanguages:
    @pytest.mark.parametrize(("caller", "conversation"), [("+33123456789", "seng_french"), (None, "seng_twin")])
    async def test_a_call_gets_the_engine_of_its_callers_country(self, world, caller, conversation):
        languages = []

        async def brain(turn):
            languages.append(turn.call.language)
            yield "Bonjour."

        async with world(brain=brain, settings={"SPEECH_ENGINE_IDS": "en:seng_twin,fr:seng_french"}) as w:
            w.elevenlabs.add_engine(
                "seng_french",
                ws_url=w.engine.ws_url,
                request_headers=w.engine.request_headers,
                allow_first_message=True,
            )
            call = await w.talking(from_=caller)
            await w.says(call, "hi")
            await w.hears(call, "Bonjour.")
            assert w.conversation.engine.id == conversation
            assert languages == [{"seng_french": "fr", "seng_twin": "en"}[conversation]]


class TestWhispering:
    async def test_the_human_hears_it_first(self, world):
        settings = {**TRANSFERS, "TRANSFER_WHISPER": "A call from the assistant."}
        async with world(brain=does(sales=("One moment.", transfer)), settings=settings) as w:
            w.twilio.dial_outcomes[SALES] = "completed"
            call = await w.talking()
            await w.says(call, "sales")
            await call.ended()
            (answer,) = w.answers(call, "/whisper")
            assert [(said.tag, said.text) for said in answer.root] == [("Say", "A call from the assistant.")]

    async def test_without_twilios_signature_nothing_is_whispered(self, world):
        async with world(settings={"TRANSFER_WHISPER": "A call from the assistant."}) as w:
            answer = await w.post("/whisper", w.form(), **{"X-Twilio-Signature": "forged"})
            assert answer.status == 403
            assert "assistant" not in answer.text
