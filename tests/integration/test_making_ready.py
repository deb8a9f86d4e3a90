"""From the webhook to the stream's start: what is made ready meanwhile, for whom, and how often."""

import asyncio
import base64

import pytest
from aiohttp import WSServerHandshakeError

from ringbridge import facts
from ringbridge.audio.mulaw import SILENCE
from ringbridge.calls.tokens import CallTokens
from ringbridge.emulator.faults import Fault
from ringbridge.emulator.speech.exact import encode
from ringbridge.emulator.world import ACCOUNT_SID, ENGINE_ID, OWN_NUMBER, SECRETS
from ringbridge.facts import Outcome
from ringbridge.phrases import ENGLISH

START_IS_LATE = Fault("media_socket", "delay", ms=3000)
REFUSING = {"allow_first_message": False, "first_message": "Engine greets."}
SID = "CA" + "1" * 32
OTHER_SID = "CA" + "2" * 32


def audio(sound, event_id):
    event = {"audio_base_64": base64.b64encode(sound).decode(), "event_id": event_id}
    return {"type": "audio", "audio_event": event}


class TestTheAnswer:
    async def test_it_connects_the_call_to_our_stream_and_nothing_else(self, world):
        async with world() as w:
            answer = await w.post("/incoming-call", w.form())
            (connect,) = answer.root
            (stream,) = connect
            (parameter,) = stream
            assert answer.status == 200
            assert (connect.tag, connect.attrib) == ("Connect", {"action": "https://bridge.test/call-ended"})
            assert (stream.tag, stream.attrib) == (
                "Stream",
                {
                    "url": "wss://bridge.test/media-stream",
                    "statusCallback": "https://bridge.test/stream-status",
                },
            )
            assert (parameter.tag, parameter.get("name")) == ("Parameter", "token")
            assert len("token" + parameter.get("value")) < 500

    async def test_it_waits_for_nobody(self, world):
        async with world(faults=[Fault("signed_url", "delay", ms=3000)]) as w:
            call = await w.dial()
            await call.streaming()
            (asked, answered) = (
                event.at_ms
                for event in call.events
                if event.kind in {"request", "response"} and event.detail["url"].endswith("/incoming-call")
            )
            assert (asked, answered, w.now) == (0, 0, 0)
            await w.hears(call, "Hello.")
            assert w.now > 3

    async def test_a_retry_with_the_same_idempotency_token_gets_the_same_answer(self, world):
        async with world() as w:
            header = {"I-Twilio-Idempotency-Token": "5a5a"}
            first = await w.post("/incoming-call", w.form(), **header)
            assert await w.post("/incoming-call", w.form(), **header) == first
            await w.tells(facts.ConversationOpened)
            assert await w.post("/incoming-call", w.form(), **header) == first
            assert len(w.elevenlabs.signed_urls) == 1

    @pytest.mark.parametrize("path", ["/incoming-call", "/call-ended", "/dial-ended", "/stream-status", "/fallback"])
    async def test_nobody_but_twilio_gets_any(self, world, path):
        async with world(settings={"FALLBACK_NUMBER": "+15550100099"}) as w:
            answer = await w.post(path, w.form(), **{"X-Twilio-Signature": "Zm9yZ2VkIHNpZ25hdHVyZSE="})
            assert (answer.status, answer.text) == (403, "")
            await asyncio.sleep(1)
            assert (w.elevenlabs.requests, w.facts, await w.left()) == ([], [], [])

    async def test_no_header_decides_where_it_leads(self, world):
        async with world() as w:
            lies = {"Host": "evil.test", "X-Forwarded-Host": "evil.test", "X-Forwarded-Proto": "http"}
            answer = await w.post("/incoming-call", w.form(), **lies)
            assert answer.verbs == ["Connect"]
            assert "evil" not in answer.text

    async def test_while_the_auth_token_and_the_secret_are_rotated_the_older_ones_hold(self, world):
        rotated = {
            name: f"new-one-0123456789abcdef, {SECRETS[name]}" for name in ("TWILIO_AUTH_TOKEN", "SHARED_SECRET")
        }
        engine = {"request_headers": {"x-api-key": SECRETS["SHARED_SECRET"]}}
        async with world(settings=rotated, engine=engine) as w:
            call = await w.talking()
            await w.says(call, "hi")
            await w.hears(call, "You said: hi.")

    async def test_a_call_that_is_over_gets_none(self, world):
        async with world() as w:
            assert (await w.post("/incoming-call", w.form(status="completed"))).verbs == []
            await asyncio.sleep(1)
            assert w.elevenlabs.requests == []


class TestReadyBeforeTheStart:
    async def test_the_conversation_is_open_and_its_greeting_heard_from_the_first_sample(self, world):
        async with world(faults=[START_IS_LATE]) as w:
            call = await w.dial()
            await w.tells(facts.ConversationOpened)
            assert (w.now, w.told(facts.StreamAttached)) == (0, [])
            await w.hears(call, "Hello.")
            greeting = encode("Hello.").rstrip(bytes([SILENCE]))
            assert bytes(call.heard).find(greeting) / 8 == pytest.approx(3000, abs=20)
            assert len(w.elevenlabs.conversations) == 1

    async def test_no_round_trip_to_the_vendor_is_left_between_the_start_and_the_first_sample(self, world):
        faults = [Fault("signed_url", "delay", ms=80), Fault("engine_socket", "delay", ms=80)]
        async with world(faults=faults) as w:
            answer = await w.post("/incoming-call", w.form(SID))
            await asyncio.sleep(0.4)  # what Twilio takes from the answer to the stream
            async with w.stream() as stream:
                started = w.now
                await stream.start(answer.token, SID)
                await stream.until("media")
                assert w.now - started <= 0.015
                opened = [at for _, fact, at in w.facts if isinstance(fact, facts.ConversationOpened)]
                assert opened == [pytest.approx(0.16, abs=0.001)]

    async def test_it_is_the_engine_that_gets_silence_meanwhile_so_that_it_stays_awake(self, world):
        async with world(faults=[START_IS_LATE]) as w:
            call = await w.dial()
            await w.tells(facts.StreamAttached)
            talk = w.conversation
            active = [got.at_ms for got in talk.received if got.message["type"] == "user_activity"]
            assert active[:2] == [1000, 2000]
            assert bytes(talk.audio[:16_000]) == bytes([SILENCE]) * 16_000
            await w.says(call, "hi")
            await w.hears(call, "You said: hi.")

    async def test_of_what_the_engine_says_meanwhile_thirty_seconds_are_kept(self, world):
        async with world(faults=[START_IS_LATE]) as w:
            call = await w.dial()
            await w.tells(facts.AgentSpoke)
            for second in range(40):
                w.conversation.send(audio(encode(f"w{second}").ljust(8000, bytes([SILENCE])), 1))
            await call.streaming()
            await asyncio.sleep(35)
            assert w.heard(call) == "Hello. " + " ".join(f"w{second}" for second in range(30))

    async def test_what_the_caller_interrupted_meanwhile_is_not_played_then(self, world):
        async with world(faults=[START_IS_LATE]) as w:
            call = await w.dial()
            await w.tells(facts.AgentSpoke)
            w.conversation.send({"type": "interruption", "interruption_event": {"event_id": 7}})
            w.conversation.send(audio(encode("fresh"), 7))
            await w.hears(call, "fresh")
            assert w.heard(call) == "fresh"

    async def test_a_brain_that_is_there_before_the_stream_answers_on_it(self, world):
        async with world(faults=[START_IS_LATE]) as w:
            call = await w.dial()
            await w.tells(facts.ConversationOpened)
            await w.until(lambda: "brain_open" in [event.kind for event in w.conversation.events], "the brain is there")
            assert w.told(facts.StreamAttached) == []
            await w.hears(call, "Hello.")
            await w.says(call, "hi")
            await w.hears(call, "You said: hi.")


class TestOncePerCall:
    async def test_a_replayed_webhook_costs_nothing_while_the_call_goes_on(self, world):
        async with world() as w:
            call = await w.talking()
            form = w.form(call.sid)
            (first,) = w.answers(call, "/incoming-call")
            for header in ({}, {"I-Twilio-Idempotency-Token": "a"}, {"I-Twilio-Idempotency-Token": "b"}):
                assert await w.post("/incoming-call", form, **header) == first
            await w.says(call, "hi")
            await w.hears(call, "You said: hi.")
            assert len(w.elevenlabs.signed_urls) == 1

    async def test_nor_on_the_day_after_the_call(self, world):
        async with world(lasts=100_000) as w:
            call = await w.talking()
            await call.hang_up()
            await call.ended()
            for _ in range(2):
                assert (await w.post("/incoming-call", w.form(call.sid))).verbs == ["Hangup"]
                await asyncio.sleep(11.5 * 3600)
            assert (await w.post("/incoming-call", w.form(call.sid))).verbs == ["Hangup"]
            assert len(w.elevenlabs.signed_urls) == 1

    async def test_nor_for_a_call_whose_stream_never_came(self, world):
        async with world() as w:
            await w.post("/incoming-call", w.form())
            await w.tells(facts.CallEnded, seconds=200)
            for _ in range(3):
                await w.post("/incoming-call", w.form())
                await asyncio.sleep(1)
            assert len(w.elevenlabs.signed_urls) == 1
            assert await w.left() == []

    async def test_a_call_that_has_failed_gets_the_sorry_again(self, world):
        async with world(faults=[Fault("engine_socket", "drop", after_ms=1000, times=-1)]) as w:
            call = await w.talking()
            await call.ended()
            assert (await w.post("/incoming-call", w.form(call.sid))).verbs == ["Say", "Hangup"]
            assert len(w.elevenlabs.signed_urls) == 2

    async def test_the_signed_url_is_asked_for_in_its_single_use_form_and_never_logged(self, world, caplog):
        caplog.set_level("DEBUG")
        async with world() as w:
            call = await w.talking()
            await call.hang_up()
            (request,) = w.elevenlabs.requests
            assert request.query == {"agent_id": ENGINE_ID, "include_conversation_id": "true"}
            (url,) = w.elevenlabs.signed_urls
            assert url.partition("conversation_signature=")[2] not in caplog.text

    async def test_two_calls_have_a_conversation_each(self, world):
        async with world() as w:
            one, two = await w.dial(), await w.dial(from_="+15550100003")
            await w.hears(one, "Hello.")
            await w.hears(two, "Hello.")
            assert len({talk.id for talk in w.elevenlabs.conversations}) == 2


class TestOnlyWhileRinging:
    async def test_a_call_that_we_placed_is_dialled_at_its_start(self, world):
        async with world(faults=[START_IS_LATE]) as w:
            call = await w.dial_out("+15550100042")
            await call.answered()
            await asyncio.sleep(2.5)
            assert w.elevenlabs.requests == []
            await w.hears(call, "Hello.")
            await w.says(call, "who is there")
            await w.hears(call, "You said: who is there.")
            assert len(w.elevenlabs.signed_urls) == 1

    async def test_the_caller_is_the_human_there_too(self, world):
        async with world() as w:
            call = await w.dial_out("+15550100042")
            await w.hears(call, "Hello.")
            assert w.conversation.initiation["dynamic_variables"] == {
                "caller": "+15550100042",
                "called": OWN_NUMBER,
                "call_sid": call.sid,
            }


class TestGivenBack:
    async def test_ten_seconds_after_the_answer_if_no_start_came(self, world):
        async with world() as w:
            await w.post("/incoming-call", w.form())
            await w.tells(facts.ConversationGivenBack)
            assert w.at(facts.ConversationGivenBack) == pytest.approx(10)
            async with asyncio.timeout(1):
                await w.conversation.gone.wait()
            assert w.conversation.closed.by == "client"

    async def test_a_later_start_dials_anew_and_the_greeting_is_heard(self, world):
        async with world() as w:
            token = (await w.post("/incoming-call", w.form())).token
            await w.tells(facts.ConversationGivenBack)
            await asyncio.sleep(60)
            async with w.stream() as stream:
                await stream.start(token, SID)
                heard = b""
                while encode("Hello.") not in heard:
                    heard += base64.b64decode((await stream.until("media"))["media"]["payload"])
            assert len(w.elevenlabs.conversations) == 2

    async def test_a_caller_who_hangs_up_before_the_start_gives_it_back_at_once(self, world):
        async with world() as w:
            await w.post("/incoming-call", w.form())
            await w.tells(facts.ConversationOpened)
            since = w.now
            await w.post("/stream-status", w.form(status="completed"))
            await w.is_given_back(since=since)

    async def test_of_a_call_without_a_stream_nothing_at_all_is_left_in_the_end(self, world):
        async with world() as w:
            await w.post("/incoming-call", w.form())
            await w.tells(facts.CallEnded, seconds=100)
            assert w.told(facts.CallEnded) == [facts.CallEnded(None)]
            await w.is_given_back(since=w.now)


class TestAFailedEngine:
    async def test_a_conversation_that_is_not_open_five_seconds_after_the_start(self, world):
        async with world(faults=[START_IS_LATE, Fault("engine_socket", "delay", ms=60_000)]) as w:
            call = await w.dial()
            await w.tells(facts.Faulted)
            assert w.at(facts.Faulted) - w.at(facts.StreamAttached) == pytest.approx(5)
            assert w.told(facts.Faulted)[0].reason == "no conversation was open 5 s after it was needed"
            await call.ended()
            assert w.heard(call).endswith(f"{w.sorry} {ENGLISH.goodbye}")
            await w.is_given_back(since=w.now)

    async def test_one_that_is_open_just_before_is_none(self, world):
        async with world(faults=[START_IS_LATE, Fault("engine_socket", "delay", ms=7900)]) as w:
            call = await w.dial()
            await w.hears(call, "Hello.")
            assert call.said == []

    async def test_one_that_was_not_to_be_had_before_the_start_is_dialled_anew_at_it(self, world, caplog):
        async with world(faults=[START_IS_LATE, Fault("signed_url", "refuse", status=429)]) as w:
            call = await w.dial()
            await w.hears(call, "Hello.")
            assert [request.status for request in w.elevenlabs.requests] == [429, 200]
            assert "all conversations of the plan are in use" in caplog.text

    @pytest.mark.parametrize(
        ("fault", "told", "after"),
        [
            (Fault("signed_url", "refuse", status=401, times=-1), "check ELEVENLABS_API_KEY", 0),
            (Fault("signed_url", "delay", ms=60_000, times=-1), "no conversation was open 5 s after", 5),
            (Fault("engine_socket", "refuse", status=403, times=-1), "answered the upgrade with 403", 0),
        ],
        ids=["signed URL refused", "signed URL late", "socket refused"],
    )
    async def test_what_failed_is_told_at_once_and_without_the_signed_url(self, world, caplog, fault, told, after):
        async with world(faults=[fault]) as w:
            call = await w.dial()
            await call.ended()
            assert w.heard(call).endswith(f"{w.sorry} {ENGLISH.goodbye}")
            assert w.at(facts.Faulted) == pytest.approx(after)
            assert told in caplog.text
            assert "conversation_signature" not in caplog.text
            await w.is_given_back(since=w.now)


class TestInitiation:
    async def test_it_holds_our_own_variables_and_the_greeting_and_nothing_else(self, world):
        async with world() as w:
            call = await w.talking()
            assert w.conversation.received[0].message == {
                "type": "conversation_initiation_client_data",
                "dynamic_variables": {"caller": "+15550100001", "called": OWN_NUMBER, "call_sid": call.sid},
                "conversation_config_override": {"agent": {"first_message": "Hello."}},
            }

    async def test_an_empty_greeting_leaves_the_first_words_to_the_engine(self, world):
        async with world(settings={"GREETING": ""}, engine=REFUSING) as w:
            call = await w.dial()
            await w.hears(call, "Engine greets.")
            assert "conversation_config_override" not in w.conversation.initiation
            assert len(w.elevenlabs.conversations) == 1

    async def test_an_engine_that_refuses_the_greeting_is_dialled_again_without(self, world):
        async with world(engine=REFUSING) as w:
            call = await w.dial()
            await w.hears(call, "Engine greets.")
            first, second = w.elevenlabs.conversations
            assert "conversation_config_override" in first.initiation
            assert "conversation_config_override" not in second.initiation
            assert second.initiation["dynamic_variables"] == first.initiation["dynamic_variables"]
            await w.says(call, "hi")
            await w.hears(call, "You said: hi.")

    async def test_one_that_refuses_it_by_its_close_frame_alone_too(self, world):
        why = "Override for field 'first_message' in 'agent' is not allowed by config."
        async with world(faults=[Fault("engine_socket", "close", code=1008, text=why)]) as w:
            w.engine.first_message = "Engine greets."
            call = await w.dial()
            await w.hears(call, "Engine greets.")
            assert call.said == []

    async def test_that_is_remembered_for_the_calls_after_it(self, world):
        async with world(engine=REFUSING) as w:
            await w.hears(await w.dial(), "Engine greets.")
            await w.hears(await w.dial(), "Engine greets.")
            assert len(w.elevenlabs.conversations) == len(w.elevenlabs.signed_urls) == 3
            assert "conversation_config_override" not in w.conversation.initiation

    async def test_but_only_until_the_next_restart(self, world):
        for _ in range(2):
            async with world(engine=REFUSING) as w:
                await w.hears(await w.dial(), "Engine greets.")
                assert "conversation_config_override" in w.elevenlabs.conversations[0].initiation

    async def test_the_log_says_what_to_allow(self, world, caplog):
        async with world(engine=REFUSING) as w:
            await w.hears(await w.dial(), "Engine greets.")
            await w.hears(await w.dial(), "Engine greets.")
        (line,) = [record.getMessage() for record in caplog.records if "GREETING" in record.getMessage()]
        assert "allow the override first_message" in line


class TestTheStreamsDoor:
    @pytest.fixture
    async def answered(self, world):
        """A bridge that has answered one webhook, and the token in the answer; nothing was made ready."""
        async with world() as w:
            yield w, (await w.post("/incoming-call", w.form(status="in-progress"))).token

    async def refused(self, w, token, sid=SID, **start):
        async with w.stream() as stream:
            await stream.start(token, sid, **start)
            code = await stream.ended()
        await w.settled()
        assert w.elevenlabs.requests == []
        return code

    async def test_a_good_start_opens_it(self, answered):
        w, token = answered
        async with w.stream() as stream:
            await stream.start(token, SID)
            await stream.until("media")
        assert len(w.elevenlabs.signed_urls) == 1

    async def test_without_a_token_it_stays_shut(self, answered, caplog):
        w, _ = answered
        assert await self.refused(w, None) == 1008
        assert "the call token is forged" in caplog.text

    async def test_a_forged_token_does_not_open_it(self, answered):
        w, token = answered
        assert await self.refused(w, f"{token[:-4]}AAAA") == 1008

    async def test_a_token_is_stale_after_ninety_seconds(self, answered, caplog):
        w, token = answered
        await asyncio.sleep(90)
        assert await self.refused(w, token) == 1008
        assert "the call token is stale" in caplog.text

    async def test_a_token_is_good_for_its_call_only(self, answered, caplog):
        w, token = answered
        assert await self.refused(w, token, OTHER_SID) == 1008
        assert "the call token is another call's" in caplog.text

    async def test_a_token_is_good_for_its_account_only(self, answered):
        w, token = answered
        assert await self.refused(w, token, accountSid="AC" + "8" * 32) == 1008

    @pytest.mark.parametrize(
        "change",
        [{"encoding": "audio/x-l16"}, {"sampleRate": 16_000}, {"channels": 2}],
        ids=lambda change: next(iter(change)),
    )
    async def test_another_audio_format_is_refused(self, answered, caplog, change):
        w, token = answered
        formats = {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1} | change
        assert await self.refused(w, token, mediaFormat=formats) == 1008
        assert "the media format is" in caplog.text

    async def test_who_was_refused_may_come_again_with_the_good_token(self, answered):
        w, token = answered
        await self.refused(w, token, OTHER_SID)
        async with w.stream() as stream:
            await stream.start(token, SID)
            await stream.until("media")

    async def test_who_does_not_start_is_closed_after_five_seconds(self, answered, caplog):
        w, _ = answered
        async with w.stream() as stream:
            assert await stream.ended() == 1008
            assert w.now == pytest.approx(5, abs=0.1)
        assert "no start came" in caplog.text
        assert w.elevenlabs.requests == []

    async def test_rubbish_before_the_start_is_closed_at_once(self, answered):
        w, _ = answered
        async with w.stream() as stream:
            await stream.ws.send_str("rubbish")
            assert await stream.ended() == 1008
            assert w.now < 1

    async def test_what_is_said_at_it_before_the_start_reaches_nobody(self, answered):
        w, token = answered
        async with w.stream() as stream:
            await stream.speak(encode("open up"))
            await stream.start(token, SID)
            await stream.speak(encode("it is me") + bytes([SILENCE]) * 8000)
            assert await w.tells(facts.CallerSpoke) == facts.CallerSpoke("it is me")

    async def test_a_signature_over_the_https_url_is_as_good(self, answered):
        w, token = answered
        async with w.stream(signed="https://bridge.test/media-stream") as stream:
            await stream.start(token, SID)
            await stream.until("media")

    async def test_without_twilios_signature_there_is_no_upgrade(self, answered):
        w, _ = answered
        with pytest.raises(WSServerHandshakeError) as refused:
            async with w.stream(signed="wss://elsewhere.test/media-stream"):
                pass
        assert refused.value.status == 403

    async def test_with_that_check_off_the_token_still_stands_behind_it(self, world):
        async with world(settings={"CHECK_UPGRADE_SIGNATURE": "off"}) as w:
            token = (await w.post("/incoming-call", w.form(status="in-progress"))).token
            for given, opened in ((None, False), (token, True)):
                async with w.stream(signed="wss://elsewhere.test/media-stream") as stream:
                    await stream.start(given, SID)
                    await (stream.until("media") if opened else stream.ended())
                assert bool(w.elevenlabs.requests) is opened

    async def test_a_stream_whose_webhook_another_process_answered_is_served_and_held_like_any_other(self, world):
        async with world() as w:
            elsewhere = CallTokens([SECRETS["SHARED_SECRET"]])
            token = elsewhere.issue(SID, ACCOUNT_SID, now=asyncio.get_running_loop().wall(), nonce="n" * 22)
            async with w.stream() as stream:
                await stream.start(token, SID)
                await stream.until("media")
                stream.ws._response.connection.transport.abort()
            await w.tells(facts.StreamLost)
            assert (await w.post("/call-ended", w.form(status="in-progress"))).verbs == ["Connect"]

    async def test_no_stream_is_let_in_once_the_call_has_ended(self, answered, caplog):
        w, token = answered
        await w.post("/stream-status", w.form(status="completed"))
        assert w.told(facts.CallEnded) == [facts.CallEnded(Outcome.CALLER_GONE)]
        assert await self.refused(w, token) == 1008
        assert "the call has ended" in caplog.text
