"""A call's life: how long it holds what, how it ends for the caller, and that nothing is left of it."""

import asyncio

import pytest
from aiohttp import WSMsgType

from ringbridge import facts
from ringbridge.audio.mulaw import SILENCE
from ringbridge.emulator.faults import Fault
from ringbridge.emulator.speech.exact import encode
from ringbridge.facts import Outcome
from ringbridge.phrases import ENGLISH

HUMAN = "+15550100099"
REACHING_A_HUMAN = {"FALLBACK_NUMBER": HUMAN}


def engine_fails(after_ms=1000, **fault):
    """Each conversation, so that dialling anew does not help."""
    return Fault("engine_socket", "close", after_ms=after_ms, times=-1, **fault)


class TestTheCallerIsGone:
    async def test_who_hangs_up_leaves_nothing_behind_after_one_second(self, world):
        async with world() as w:
            call = await w.talking()
            await w.says(call, "good morning")
            await w.hears(call, "You said: good morning.")
            assert await w.left()
            await call.hang_up()
            await w.is_given_back(since=w.now)
            assert w.conversation.closed.by == "client"
            assert w.told(facts.CallEnded) == [facts.CallEnded(Outcome.CALLER_GONE)]
            assert call.errors == []

    async def test_who_hangs_up_in_the_midst_of_a_reply_leaves_nothing_behind(self, world):
        async def endless(turn):
            while True:
                yield "and so on, "
                await asyncio.sleep(0.5)

        async with world(brain=endless) as w:
            call = await w.talking()
            await w.says(call, "tell me everything")
            await w.hears(call, "and so on, and")
            await call.hang_up()
            await w.is_given_back(since=w.now)

    @pytest.mark.parametrize("where", ["engine_socket", "brain_socket", "media_socket"])
    async def test_a_peer_that_answers_nothing_any_more_holds_nothing_up(self, world, where):
        async with world(faults=[Fault(where, "half_open", after_ms=600)]) as w:
            call = await w.talking()
            await asyncio.sleep(1)
            since = w.now
            await call.hang_up()
            await w.is_given_back(since=since)

    @pytest.mark.parametrize("path", ["/stream-status", "/call-ended"])
    async def test_a_webhook_that_says_completed_is_believed_without_a_stop(self, world, path):
        async with world() as w:
            call = await w.talking()
            since = w.now
            answer = await w.post(path, w.form(call.sid, "completed"))
            assert 200 <= answer.status < 300
            await w.is_given_back(since=since)

    async def test_a_brain_socket_that_elevenlabs_leaves_open_is_closed(self, world):
        async with world(engine={"dial_brain": "first_turn"}) as w:
            call = await w.talking()
            async with w.brain_socket() as brain:
                await brain.send_json({"type": "init", "conversation_id": w.conversation.id})
                await w.settled()
                since = w.now
                await call.hang_up()
                assert (await brain.receive()).type is WSMsgType.CLOSE
                await w.is_given_back(since=since)

    async def test_who_hangs_up_while_we_ask_twilio_for_it_is_not_kept_waiting(self, world):
        async with world(faults=[Fault("twilio_rest", "delay", ms=60_000)]) as w:
            call = await w.talking()
            await w.hangs_up(call)
            await call.hang_up()
            await w.is_given_back(since=w.now)

    async def test_who_hangs_up_while_the_stream_is_broken_is_not_held(self, world):
        async with world() as w:
            call = await w.talking()
            w.faults.add(Fault("webhook", "delay", ms=2000))
            await call.drop_stream()
            await w.tells(facts.StreamLost)
            await call.hang_up()
            await w.is_given_back(since=w.now)

    async def test_action_is_asked_in_vain_and_answered_with_nothing(self, world):
        async with world() as w:
            call = await w.talking()
            await call.hang_up()
            await call.ended()
            assert [answer.verbs for answer in w.answers(call, "/call-ended")] == [[]]

    async def test_who_hangs_up_before_there_is_a_signed_url_costs_no_conversation(self, world):
        async with world(faults=[Fault("signed_url", "delay", ms=2000)]) as w:
            call = await w.dial()
            await call.streaming()
            await call.hang_up()
            await w.is_given_back(since=w.now)
            await asyncio.sleep(5)
            assert w.elevenlabs.conversations == []

    async def test_who_hangs_up_before_the_conversation_is_open_closes_it(self, world):
        async with world(faults=[Fault("engine_socket", "delay", ms=3000)]) as w:
            call = await w.dial()
            await w.until(lambda: w.elevenlabs.conversations, "the conversation socket is dialled")
            await call.hang_up()
            await w.is_given_back(since=w.now)
            assert w.conversation.closed.by == "client"

    async def test_a_call_that_the_owner_ends_by_rest_is_given_back_too(self, world):
        async with world() as w:
            call = await w.talking()
            assert call.end("completed")
            await w.is_given_back(since=w.now)


class TestTheStreamBreaks:
    async def test_a_fresh_stream_with_a_new_token_carries_the_same_conversation_on(self, world):
        async with world() as w:
            call = await w.talking()
            await call.drop_stream()
            await w.tells(facts.StreamAttached, 2)
            await w.says(call, "still there")
            await w.hears(call, "Hello. You said: still there.")
            first, second = (event.detail for event in call.events if event.kind == "stream_started")
            assert first["stream_sid"] != second["stream_sid"]
            assert first["parameters"]["token"] != second["parameters"]["token"]
            assert len(w.elevenlabs.conversations) == len(w.elevenlabs.signed_urls) == 1
            assert [entry["content"] for entry in w.conversation.history] == [
                "Hello.",
                "still there",
                "You said: still there.",
            ]

    async def test_it_does_so_twice_and_then_the_caller_gets_the_sorry(self, world):
        async with world() as w:
            call = await w.talking()
            for streams in (2, 3):
                await call.drop_stream()
                await w.tells(facts.StreamAttached, streams)
                await w.says(call, f"take {streams}")
                await w.hears(call, f"You said: take {streams}.")
            await call.drop_stream()
            await w.is_given_back(since=w.now)
            await call.ended()
            assert call.said == [w.sorry, ENGLISH.goodbye]
            last = ["Say", "Say", "Hangup"]
            assert [answer.verbs for answer in w.answers(call, "/call-ended")] == [["Connect"], ["Connect"], last]

    async def test_the_conversation_is_held_for_five_seconds(self, world):
        async with world() as w:
            call = await w.talking()
            w.faults.add(Fault("webhook", "delay", ms=4900))
            await call.drop_stream()
            await w.tells(facts.StreamAttached, 2)
            assert w.at(facts.StreamAttached) - w.at(facts.StreamLost) == pytest.approx(4.9)
            await w.says(call, "still there")
            await w.hears(call, "You said: still there.")
            assert len(w.elevenlabs.conversations) == 1

    async def test_no_other_stream_within_that_means_the_sorry(self, world):
        async with world() as w:
            call = await w.talking()
            w.faults.add(Fault("webhook", "delay", ms=5100))
            await call.drop_stream()
            await w.tells(facts.Faulted)
            assert w.at(facts.Faulted) - w.at(facts.StreamLost) == pytest.approx(5)
            await w.is_given_back(since=w.now)
            await call.ended()
            assert call.said == [w.sorry, ENGLISH.goodbye]
            assert len(w.elevenlabs.conversations) == 1

    async def test_a_stream_that_can_never_be_opened_again_means_the_sorry(self, world):
        async with world() as w:
            call = await w.talking()
            w.faults.add(Fault("media_socket", "refuse", times=-1))
            await call.drop_stream()
            await call.ended()
            assert call.said == [w.sorry, ENGLISH.goodbye]
            await w.is_given_back(since=w.now)

    async def test_a_first_stream_that_could_not_be_opened_is_tried_again(self, world, caplog):
        async with world(faults=[Fault("media_socket", "refuse")]) as w:
            call = await w.talking()
            assert w.heard(call) == "Hello."
            assert [answer.verbs for answer in w.answers(call, "/call-ended")] == [["Connect"]]
            assert len(w.elevenlabs.conversations) == 1
            assert "31902: our media socket refused the connection; usually nothing listens" in caplog.text

    async def test_one_that_dies_without_a_word_is_found_out_and_replaced(self, world):
        async with world(faults=[Fault("media_socket", "half_open", after_ms=600)]) as w:
            call = await w.talking()
            await w.tells(facts.StreamAttached, 2, seconds=60)
            await w.says(call, "back again")
            await w.hears(call, "You said: back again.")
            assert len(w.elevenlabs.conversations) == 1

    async def test_a_newer_stream_takes_the_place_of_one_that_is_not_known_to_be_dead(self, world):
        async with world(faults=[Fault("media_socket", "half_open", after_ms=600)]) as w:
            call = await w.talking()
            await asyncio.sleep(0.5)
            await w.engine_says("nobody hears this")
            token = (await w.post("/call-ended", w.form(call.sid, "in-progress"))).token
            async with w.stream() as stream:
                await stream.start(token, call.sid)
                await stream.speak(encode("from here") + bytes([SILENCE]) * 8000)
                assert await w.tells(facts.CallerSpoke) == facts.CallerSpoke("from here")
                assert (await stream.until("media"))["streamSid"] == stream.sid
                assert w.told(facts.StreamLost) == []
                await w.until(lambda: "stream_ended" in [event.kind for event in call.events], "the dead one is cut")

    @pytest.mark.parametrize("code", [1000, 1011])
    async def test_an_engine_that_closes_meanwhile_is_dialled_anew_and_the_talk_goes_on(self, world, code):
        turns = []

        async def brain(turn):
            turns.append([said.text for said in turn.history])
            yield f"You said: {turn.text}."

        async with world(brain=brain) as w:
            call = await w.talking()
            await w.says(call, "one")
            await w.tells(facts.ReplyHeard, 2)
            w.faults.add(Fault("webhook", "delay", ms=3000))
            await call.drop_stream()
            await w.tells(facts.StreamLost)
            await w.engine_closes(code)
            await w.tells(facts.StreamAttached, 2)
            await w.says(call, "two")
            await w.hears(call, "You said: two.")
            assert w.heard(call) == "Hello. You said: one. You said: two."
            assert turns == [["Hello.", "one"], ["Hello.", "one", "You said: one.", "two"]]
            assert len(w.elevenlabs.conversations) == 2
            await call.hang_up()
            await w.is_given_back(since=w.now)

    async def test_a_spent_token_opens_no_stream(self, world, caplog):
        async with world() as w:
            call = await w.talking()
            (started,) = (event.detail for event in call.events if event.kind == "stream_started")
            await call.drop_stream()
            async with w.stream() as stream:
                await stream.start(started["parameters"]["token"], call.sid)
                assert await stream.ended() == 1008
            assert "the call token is spent" in caplog.text

    async def test_meanwhile_the_engine_gets_silence_and_activity_each_second(self, world):
        async with world() as w:
            call = await w.talking()
            w.faults.add(Fault("webhook", "delay", ms=3500))
            await call.drop_stream()
            await w.tells(facts.StreamLost)
            talk = w.conversation
            heard, messages = len(talk.audio), talk.audio_messages
            seen = []
            w.on_fact.append(lambda told: seen.append((bytes(talk.audio[heard:]), talk.audio_messages - messages)))
            await w.tells(facts.StreamAttached, 2)
            assert seen[0] == (bytes([SILENCE]) * 3 * 8000, 3)
            lost_ms = round(w.at(facts.StreamLost) * 1000)
            active = [got.at_ms - lost_ms for got in talk.received if got.message["type"] == "user_activity"]
            assert active == [1000, 2000, 3000]

    async def test_meanwhile_what_the_agent_says_is_dropped(self, world):
        async with world() as w:
            call = await w.talking()
            w.faults.add(Fault("webhook", "delay", ms=2000))
            await call.drop_stream()
            await w.tells(facts.StreamLost)
            w.conversation.say("nobody hears this")
            await w.tells(facts.StreamAttached, 2)
            w.conversation.say("but this")
            await w.hears(call, "but this")
            assert w.heard(call) == "Hello. but this"

    async def test_what_was_queued_at_the_broken_stream_is_not_said_twice(self, world):
        async with world() as w:
            call = await w.talking()
            w.conversation.say("one two three four five six seven")
            await w.hears(call, "two")
            await call.drop_stream()
            await w.tells(facts.StreamAttached, 2)
            w.conversation.say("eight")
            await w.hears(call, "eight")
            assert w.heard(call).count("one two") == 1


class TestTheEngineFails:
    @pytest.mark.parametrize("code", [1002, 1008, 1011, 3000, 3008])
    async def test_any_close_but_1000_means_the_sorry(self, world, code):
        async with world(faults=[engine_fails(code=code, text="no reason")]) as w:
            call = await w.talking()
            await call.ended()
            assert w.heard(call) == f"Hello. {w.sorry} {ENGLISH.goodbye}"
            assert call.said == [ENGLISH.goodbye], "the sorry was ours, in the stream, and is not said twice"
            assert w.told(facts.CallEnded) == [facts.CallEnded(Outcome.FAULT)]
            assert len(w.elevenlabs.signed_urls) == 2
            await w.is_given_back(since=w.now)

    async def test_no_close_frame_means_the_sorry(self, world):
        async with world(faults=[Fault("engine_socket", "drop", after_ms=1000, times=-1)]) as w:
            call = await w.talking()
            await call.ended()
            assert w.heard(call) == f"Hello. {w.sorry} {ENGLISH.goodbye}"
            assert "without a close frame" in w.told(facts.Faulted)[0].reason
            await w.is_given_back(since=w.now)

    async def test_one_that_fails_before_the_stream_came_is_dialled_again_and_greets(self, world):
        failing = Fault("engine_socket", "close", after_ms=1000, code=1011)
        async with world(faults=[failing, Fault("media_socket", "delay", ms=3000)]) as w:
            call = await w.talking()
            assert w.heard(call) == "Hello."
            await w.says(call, "good morning")
            await w.hears(call, "You said: good morning.")

    async def test_one_that_fails_once_goes_on_with_all_that_was_said(self, world):
        turns = []

        async def brain(turn):
            turns.append([said.text for said in turn.history])
            yield f"You said: {turn.text}."

        async with world(brain=brain) as w:
            call = await w.talking()
            await w.says(call, "one")
            await w.tells(facts.ReplyHeard, 2)
            await w.engine_closes(1011)
            await w.tells(facts.ConversationOpened, 2)
            await w.says(call, "two")
            await w.hears(call, "You said: two.")
            assert w.heard(call) == "Hello. You said: one. You said: two."
            assert turns == [["Hello.", "one"], ["Hello.", "one", "You said: one.", "two"]]
            assert w.told(facts.ConversationRedialled)[0].reason.endswith("closed the conversation with 1011")

    async def test_one_that_fails_while_the_caller_waits_is_told_to_the_caller(self, world):
        async def brain(turn):
            await asyncio.sleep(1)
            yield f"You said: {turn.text}."

        async with world(brain=brain) as w:
            call = await w.talking()
            await w.says(call, "one")
            await w.tells(facts.TurnBegan)
            await w.engine_closes(1011)
            await w.hears(call, ENGLISH.still_here, seconds=2)
            await w.says(call, "once more")
            await w.hears(call, "You said: once more.")

    async def test_a_long_talk_may_be_dialled_again_each_minute(self, world):
        async with world() as w:
            call = await w.talking()
            for count in range(2, 5):
                await asyncio.sleep(61)
                await w.says(call, f"take {count}")
                await w.hears(call, f"You said: take {count}.")
                await w.engine_closes(1011)
                await w.tells(facts.ConversationOpened, count)
            assert w.told(facts.Faulted) == []

    async def test_one_that_closes_before_the_conversation_is_open_has_failed(self, world):
        faults = [Fault("engine_socket", "delay", ms=2000, times=-1), engine_fails(code=1000)]
        async with world(faults=faults) as w:
            call = await w.dial()
            await call.ended()
            assert w.heard(call) == f"{ENGLISH.one_moment} {w.sorry} {ENGLISH.goodbye}"
            assert call.said == [ENGLISH.goodbye]

    async def test_an_exhausted_quota_is_told_to_the_operator_in_the_vendors_words(self, world, caplog):
        async with world(faults=[Fault("engine_socket", "quota", times=-1)]) as w:
            call = await w.talking()
            await call.ended()
            assert w.heard(call) == f"Hello. {w.sorry} {ENGLISH.goodbye}"
            assert "This request exceeds your quota limit." in caplog.text

    async def test_an_engine_that_falls_silent_is_found_out(self, world):
        async with world(faults=[Fault("engine_socket", "half_open", after_ms=1000)]) as w:
            call = await w.talking()
            await w.tells(facts.ConversationRedialled)
            assert w.now < 10
            await w.says(call, "anybody there")
            await w.hears(call, "You said: anybody there.")

    async def test_one_that_falls_silent_again_means_the_sorry(self, world):
        async with world(faults=[Fault("engine_socket", "half_open", after_ms=1000, times=-1)]) as w:
            call = await w.talking()
            await call.ended()
            assert w.heard(call).endswith(f"{w.sorry} {ENGLISH.goodbye}")
            assert call.said == [ENGLISH.goodbye]
            assert len(w.elevenlabs.conversations) == 2
            await w.is_given_back(since=w.now)

    @pytest.mark.parametrize("status", [401, 403, 404, 429, 500])
    async def test_a_refused_signed_url_means_the_sorry(self, world, status):
        async with world(faults=[Fault("signed_url", "refuse", status=status, times=-1)]) as w:
            call = await w.dial()
            await call.ended()
            assert w.heard(call) == f"{w.sorry} {ENGLISH.goodbye}"
            assert call.said == [ENGLISH.goodbye]
            assert str(status) in w.told(facts.Faulted)[0].reason
            assert w.elevenlabs.conversations == []
            await w.is_given_back(since=w.now)

    async def test_the_sorry_is_said_in_the_calls_language(self, world):
        async with world(faults=[engine_fails()]) as w:
            call = await w.talking()
            await call.ended()
            (answer,) = w.answers(call, "/call-ended")
            assert answer.root.find("Say").get("language") == "en-US"

    async def test_what_the_caller_says_then_goes_nowhere(self, world):
        async with world(settings=REACHING_A_HUMAN, faults=[engine_fails()]) as w:
            call = await w.talking()
            await w.until(lambda: call.dialled, "a human is dialled")
            heard = len(w.conversation.audio)
            await w.says(call, "anybody there")
            assert len(w.conversation.audio) == heard


class TestTheOutcome:
    async def test_it_stands_before_anything_is_closed(self, world):
        async with world(engine={"output_format": "pcm_16000"}) as w, asyncio.TaskGroup() as racing:
            held, answers = [], []

            async def ask(sid):
                answers.append(await w.post("/call-ended", w.form(sid, "in-progress")))

            def race(told):
                if isinstance(told.fact, facts.Faulted):
                    held.append((w.conversation.closed, call.stream.up))
                    racing.create_task(ask(told.sid))

            w.on_fact.append(race)
            call = await w.dial()
            await call.ended()
            assert held == [(None, True)]
            last = ["Say", "Say", "Hangup"]
            assert [answer.verbs for answer in answers + w.answers(call, "/call-ended")] == [last, last]

    async def test_a_goodbye_stays_one_while_twilio_has_not_ended_the_call_yet(self, world):
        async with world(faults=[Fault("twilio_rest", "delay", ms=2000)]) as w:
            call = await w.talking()
            await w.hangs_up(call)
            answer = await w.post("/call-ended", w.form(call.sid, "in-progress"))
            assert answer.verbs == ["Hangup"]
            assert call.status == "in-progress"
            await call.ended()

    async def test_a_stream_that_breaks_during_the_last_words_ends_the_call_all_the_same(self, world):
        async with world() as w:
            call = await w.talking()
            await w.engine_says("goodbye my dear old friend")
            await w.hears(call, "goodbye")
            await w.hangs_up(call)
            await w.engine_closes()
            w.faults.add(Fault("webhook", "delay", ms=5000))  # by then it is over, by REST
            lost = w.now
            await call.drop_stream()
            await call.ended()
            assert (w.now, call.status, call.said) == (pytest.approx(lost, abs=0.1), "completed", [])
            await w.is_given_back(since=w.now)

    async def test_or_is_answered_with_hangup_where_rest_fails(self, world):
        async with world(faults=[Fault("twilio_rest", "refuse", status=500)]) as w:
            call = await w.talking()
            await w.engine_says("goodbye my dear old friend")
            await w.hears(call, "goodbye")
            await w.hangs_up(call)
            await w.engine_closes()
            await call.drop_stream()
            await call.ended()
            assert w.verbs(call) == ["Connect", "Hangup"]
            await w.is_given_back(since=w.now)

    async def test_a_call_unknown_here_that_is_in_progress_gets_the_sorry(self, world):
        async with world(settings=REACHING_A_HUMAN) as w:
            answer = await w.post("/call-ended", w.form(status="in-progress"))
            assert answer.verbs == ["Say", "Say", "Dial"]
            assert w.elevenlabs.requests == []

    async def test_a_call_unknown_here_that_is_completed_gets_an_empty_response(self, world):
        async with world() as w:
            answer = await w.post("/call-ended", w.form(status="completed"))
            assert (answer.status, answer.root.tag, answer.verbs) == (200, "Response", [])


class TestTheDeliberateEnd:
    async def test_what_is_queued_is_played_to_its_end_and_then_the_call_is_ended_by_rest(self, world):
        async with world() as w:
            call = await w.talking()
            await w.engine_says("goodbye and thank you for calling")
            await w.hangs_up(call)
            await w.engine_closes()
            assert "calling" not in w.heard(call)
            await call.ended()
            assert w.heard(call) == "Hello. goodbye and thank you for calling"
            assert [event.detail["by"] for event in call.events if event.kind == "stream_ended"] == ["twilio"]
            assert (call.status, call.said, w.answers(call, "/call-ended")) == ("completed", [], [])
            assert w.told(facts.CallEnded) == [facts.CallEnded(Outcome.GOODBYE)]
            await w.is_given_back(since=w.now)

    async def test_with_nothing_queued_it_is_ended_at_once(self, world):
        async with world() as w:
            call = await w.talking()
            closed = w.now
            await w.hangs_up(call)
            await call.ended()
            assert w.now == pytest.approx(closed, abs=0.1)

    async def test_an_engine_that_ends_a_silent_talk_has_our_farewell_said_for_it(self, world):
        async with world() as w:
            call = await w.talking()
            await asyncio.sleep(21)
            await w.engine_closes()
            await call.ended()
            assert w.heard(call) == f"Hello. {ENGLISH.farewell}"
            assert (call.said, w.answers(call, "/call-ended")) == ([], [])
            assert w.told(facts.CallEnded) == [facts.CallEnded(Outcome.GOODBYE)]

    async def test_what_was_queued_at_a_broken_stream_is_not_waited_for(self, world):
        async with world() as w:
            call = await w.talking()
            await w.engine_says("one two three four five six seven")
            await call.drop_stream()
            await w.tells(facts.StreamAttached, 2)
            closed = w.now
            await w.hangs_up(call)
            await call.ended()
            assert w.now == pytest.approx(closed, abs=0.1)

    async def test_nor_is_what_was_queued_at_one_that_was_replaced(self, world):
        async with world(faults=[Fault("media_socket", "half_open", after_ms=500)]) as w:
            call = await w.talking()
            await asyncio.sleep(0.5)
            await w.engine_says("nobody hears this")
            token = (await w.post("/call-ended", w.form(call.sid, "in-progress"))).token
            w.faults.add(Fault("webhook", "delay", ms=5000))  # or the old stream's end would end the call, too
            async with w.stream() as stream:
                await stream.start(token, call.sid)
                await w.tells(facts.StreamAttached, 2)
                closed = w.now
                await w.hangs_up(call)
                await call.ended()
                assert w.now == pytest.approx(closed, abs=0.1)

    async def test_a_mark_that_never_comes_back_is_not_waited_for_for_ever(self, world):
        async with world(faults=[Fault("media_socket", "half_open", after_ms=500)]) as w:
            call = await w.talking()
            await asyncio.sleep(0.2)
            await w.engine_says("goodbye")
            await w.hangs_up(call)
            closed = w.now
            w.conversation.close(1000)
            await call.ended()
            assert w.now - closed == pytest.approx(2 + len(encode("goodbye")) / 8000, abs=0.1)
            await w.is_given_back(since=w.now)

    @pytest.mark.parametrize(
        "fault",
        [
            Fault("twilio_rest", "refuse", status=401, code=20003),
            Fault("twilio_rest", "refuse", status=404, code=20404),
            Fault("twilio_rest", "refuse", status=500),
            Fault("twilio_rest", "delay", ms=60_000),
        ],
        ids=["401", "404", "500", "timeout"],
    )
    async def test_where_rest_fails_the_stream_is_closed_and_answered_with_hangup(self, world, fault):
        async with world(faults=[fault]) as w:
            call = await w.talking()
            await w.engine_says("goodbye")
            await w.hangs_up(call)
            w.conversation.close(1000)
            async with asyncio.timeout(5):
                await call.ended()
            assert w.heard(call) == "Hello. goodbye"
            assert w.verbs(call) == ["Connect", "Hangup"]
            assert [event.detail["by"] for event in call.events if event.kind == "stream_ended"] == ["bridge"]
            assert (call.status, call.said) == ("completed", [])
            await w.is_given_back(since=w.now)

    async def test_a_call_that_rest_takes_for_over_is_no_failure_and_its_stop_is_awaited_for_two_seconds(
        self, world, caplog
    ):
        async with world(faults=[Fault("twilio_rest", "refuse", status=400, code=21220)]) as w:
            call = await w.talking()
            since = w.now
            await w.hangs_up(call)
            await call.ended()
            assert w.now - since == pytest.approx(2, abs=0.1)
            assert w.verbs(call) == ["Connect", "Hangup"]
            assert "Twilio refused" not in caplog.text
            await w.is_given_back(since=w.now)

    async def test_rest_that_nobody_answers_is_no_other(self, world):
        async with world(settings={"TWILIO_BASE_URL": "http://127.0.0.1:9"}) as w:
            call = await w.talking()
            await w.hangs_up(call)
            await call.ended()
            assert w.verbs(call) == ["Connect", "Hangup"]
            await w.is_given_back(since=w.now)

    async def test_a_caller_who_hangs_up_during_the_last_words_is_given_back(self, world):
        async with world() as w:
            call = await w.talking()
            await w.engine_says("goodbye and thank you for calling")
            await w.hangs_up(call)
            w.conversation.close(1000)
            await w.hears(call, "goodbye")
            await call.hang_up()
            await w.is_given_back(since=w.now)

    async def test_what_was_said_before_the_stream_came_is_played_first_too(self, world):
        async with world(faults=[Fault("media_socket", "delay", ms=3000)]) as w:
            call = await w.dial()
            await w.tells(facts.ConversationOpened)
            await w.engine_says("we are closed today")
            await w.engine_closes()
            await call.ended()
            assert (w.heard(call), call.said) == ("Hello. we are closed today", [])
            assert len(w.elevenlabs.conversations) == 1
            await w.is_given_back(since=w.now)

    async def test_an_engine_that_ends_a_long_conversation_does_not_end_the_talk(self, world):
        async with world(engine={"max_duration_seconds": 70}) as w:
            call = await w.talking()
            for count in range(1, 9):
                await asyncio.sleep(9)
                await w.says(call, f"take {count}")
                await w.hears(call, f"You said: take {count}.")
            assert len(w.elevenlabs.conversations) == 2


class TestTheHuman:
    async def fallen_back(self, w, **dial):
        call = await w.dial(**dial)
        await w.hears(call, "Hello.")
        await call.ended()
        assert w.heard(call).startswith(f"Hello. {w.sorry}")
        return call

    async def test_the_sorry_dials_the_fallback_number(self, world):
        async with world(settings=REACHING_A_HUMAN, faults=[engine_fails()]) as w:
            call = await self.fallen_back(w)
            (dialled,) = call.dialled
            assert dialled.number == HUMAN
            assert 0 < int(dialled.attributes.pop("timeLimit")) <= 14_400
            assert dialled.attributes == {
                "callerId": "+15550100001",
                "timeout": "20",
                "action": "https://bridge.test/dial-ended",
            }

    @pytest.mark.parametrize(
        "from_",
        ["anonymous", "client:alice", "sip:bob@example.com", "+266696687", "unknown", None],
        ids=lambda from_: from_ or "missing",
    )
    async def test_a_caller_without_a_number_is_served_and_shown_as_the_called_one(self, world, from_):
        async with world(settings=REACHING_A_HUMAN, faults=[engine_fails(3000)]) as w:
            call = await w.talking(from_=from_)
            assert w.conversation.initiation["dynamic_variables"]["caller"] == (from_ or "")
            await w.says(call, "hi")
            await w.hears(call, "You said: hi.")
            await call.ended()
            assert call.dialled[0].attributes["callerId"] == "+15550100002"
            assert [error for error in call.errors if error.code in {13214, 13223}] == []

    async def test_without_a_fallback_number_nobody_is_dialled(self, world):
        async with world(faults=[engine_fails()]) as w:
            call = await self.fallen_back(w)
            assert (call.said, call.dialled) == ([ENGLISH.goodbye], [])

    async def test_the_number_that_was_called_is_refused_as_a_target(self, world):
        async with world(settings=REACHING_A_HUMAN, faults=[engine_fails()]) as w:
            call = await self.fallen_back(w, to=HUMAN)
            assert (call.said, call.dialled) == ([ENGLISH.goodbye], [])

    async def test_when_the_human_took_the_call_it_just_ends(self, world):
        async with world(settings=REACHING_A_HUMAN, faults=[engine_fails()]) as w:
            w.twilio.dial_outcomes[HUMAN] = "completed"
            call = await self.fallen_back(w)
            assert call.said == [ENGLISH.connecting]
            assert w.verbs(call) == ["Connect", "Say", "Dial", "Hangup"]

    @pytest.mark.parametrize("outcome", ["no-answer", "busy", "failed"])
    async def test_when_nobody_took_it_goodbye_is_said(self, world, outcome):
        async with world(settings=REACHING_A_HUMAN, faults=[engine_fails()]) as w:
            w.twilio.dial_outcomes[HUMAN] = outcome
            call = await self.fallen_back(w)
            assert call.said == [ENGLISH.connecting, ENGLISH.goodbye]
            assert w.verbs(call) == ["Connect", "Say", "Dial", "Say", "Hangup"]

    async def test_who_hangs_up_during_the_dialling_gets_an_empty_response(self, world):
        async with world(settings=REACHING_A_HUMAN, faults=[engine_fails()]) as w:
            call = await w.talking()
            await w.until(lambda: call.dialled, "a human is dialled")
            await call.hang_up()
            await call.ended()
            assert [answer.verbs for answer in w.answers(call, "/dial-ended")] == [[]]

    async def test_twilio_can_have_the_sorry_when_our_webhook_fails(self, world):
        async with world(settings=REACHING_A_HUMAN, faults=[Fault("webhook", "refuse")]) as w:
            call = await w.dial()
            await call.ended()
            assert w.answers(call, "/incoming-call") == []
            assert [answer.verbs for answer in w.answers(call, "/fallback")] == [["Say", "Say", "Dial"]]
            assert call.said == [w.sorry, ENGLISH.connecting, ENGLISH.goodbye]
            assert call.dialled[0].number == HUMAN
            assert w.elevenlabs.requests == []

    async def test_the_fallback_says_nothing_to_a_caller_who_is_gone(self, world):
        async with world() as w:
            assert (await w.post("/fallback", w.form(status="completed"))).verbs == []
