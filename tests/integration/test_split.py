"""Bridge and brains as two services: a call is as it is in one process, whichever of them, or the wire, is lost."""

import asyncio

import pytest
from aiohttp import WSServerHandshakeError

from ringbridge import facts
from ringbridge.emulator.speech.exact import encode
from ringbridge.emulator.world import OWN_NUMBER, SECRETS
from ringbridge.facts import Outcome
from ringbridge.ids import CallSid
from ringbridge.phrases import ENGLISH
from ringbridge.split.messages import SEAT_HEADER, TAKEN_HEADER
from ringbridge.web.app import ROSTER

from .conftest import CALLER, SORRY, echo
from .split_house import SplitBridge
from .test_line import LONG, SALES, TRANSFERS, does, hang_up, transfer


class Watched:
    """Repeats its caller, and remembers the turns."""

    def __init__(self):
        self.turns = []

    async def __call__(self, turn):
        self.turns.append(turn)
        turns = turn.call.state["turns"] = turn.call.state.get("turns", 0) + 1
        yield f"You said: {turn.text}, {turns}."


def said(turn):
    return [(one.role, one.text) for one in turn.history]


class TestACall:
    async def test_a_brain_elsewhere_answers_and_nothing_is_left_of_it(self):
        brain, observed = Watched(), []
        async with SplitBridge(brain) as w:
            board = await w.start_brains(observers=(lambda *told: observed.append(told),))
            call = await w.talking()
            await w.says(call, "hi")
            await w.hears(call, "You said: hi, 1.")
            await w.says(call, "again")
            await w.hears(call, "You said: again, 2.")
            assert len(board) == 1
            (_, turn) = brain.turns
            assert (turn.caller, turn.call.called, turn.call.language) == (CALLER, OWN_NUMBER, "en")
            assert said(turn)[-3:] == [("user", "hi"), ("agent", "You said: hi, 1."), ("user", "again")]
            assert turn.heard_out
            await call.hang_up()
            await w.tells(facts.CallEnded)
            await w.is_given_back(since=w.now)
            assert len(board) == 0
            assert observed == [(call.sid, facts.CallEnded(None))]
            assert len(w.told(facts.CallerWaited)) == 2

    async def test_it_hangs_up_when_its_goodbye_was_heard(self):
        brain = does(bye=("Goodbye and thank you.", hang_up))
        async with SplitBridge(brain) as w:
            await w.start_brains()
            call = await w.talking()
            await w.says(call, "bye")
            await call.ended()
            assert w.heard(call) == "Hello. Goodbye and thank you."
            assert w.told(facts.CallEnded) == [facts.CallEnded(Outcome.GOODBYE)]
            await w.is_given_back(since=w.now)
            assert (call.status, brain.done) == ("completed", [True])

    async def test_a_caller_who_cuts_in_takes_it_back_and_the_brain_knows_what_was_heard(self):
        brain = does(bye=(LONG, hang_up))
        turns = []

        async def watched(turn):
            turns.append(turn)
            async for piece in brain(turn):
                yield piece

        async with SplitBridge(watched) as w:
            await w.start_brains()
            call = await w.talking()
            await w.says(call, "bye")
            await w.hears(call, "three four")
            await w.says(call, "wait")
            await w.hears(call, "You said: wait.")
            assert True not in brain.done
            assert turns[-1].interrupted
            assert turns[-1].heard
            assert LONG.startswith(turns[-1].heard)
            assert w.told(facts.PlanDropped)

    async def test_keys_that_it_asks_for_open_a_turn_and_a_silence_meanwhile_is_none(self):
        async def brain(turn):
            turns.append(turn)
            if turn.text == "pin":
                yield "Your number please."
                await turn.call.collect_digits(4, timeout=30, secret=True)
            else:
                yield f"Thanks for {len(turn.digits[-1])}."

        turns = []
        async with SplitBridge(brain, engine={"turn_timeout_seconds": 5}) as w:
            await w.start_brains()
            call = await w.talking()
            await w.says(call, "pin")
            await w.hears(call, "Your number please.")
            await asyncio.sleep(12)  # the engine opens a turn for the silent caller
            await call.press("1234")
            await w.hears(call, "Thanks for 4.")
            assert turns[-1].digits == ("1234",)
            assert ENGLISH.still_there[0] not in w.heard(call)

    async def test_a_transfer_goes_to_the_bridges_own_numbers(self):
        brain = does(sales=("I'll put you through.", transfer))
        async with SplitBridge(brain, settings=TRANSFERS) as w:
            w.twilio.dial_outcomes[SALES] = "completed"
            await w.start_brains(TRANSFER_NUMBERS="sales:+15550100066")
            call = await w.talking()
            await w.says(call, "sales")
            await call.ended()
            assert [dialled.number for dialled in call.dialled] == [SALES]
            assert w.told(facts.CallEnded) == [facts.CallEnded(Outcome.TRANSFERRED)]

    async def test_nobody_else_is_dialled(self):
        brain = does(sales=("I'll put you through.", transfer))
        async with SplitBridge(brain) as w:
            await w.start_brains(TRANSFER_NUMBERS="sales:+15550100066")
            call = await w.talking()
            await w.says(call, "sales")
            await w.hears(call, "I'll put you through.")
            await w.settled()
            assert brain.done == [False]
            assert w.verbs(call) == ["Connect"]

    async def test_a_long_sound_is_played(self, tmp_path):
        (tmp_path / "long.ulaw").write_bytes(encode("Listen.") + b"\xff" * 8000 * 20)

        async def brain(turn):
            yield "Here."
            done.append(await turn.call.play(tmp_path / "long.ulaw"))

        done = []
        async with SplitBridge(brain) as w:
            await w.start_brains()
            call = await w.talking()
            await w.says(call, "play")
            await w.hears(call, "Here. Listen.")
            await w.tells(facts.SoundPlayed, seconds=60)
            await w.settled()
            assert done == [True]

    async def test_what_is_remembered_is_kept_by_the_bridge(self):
        async def brain(turn):
            known = await turn.call.recall("name")
            await turn.call.remember("name", turn.text)
            yield f"Was {known}."

        async with SplitBridge(brain) as w:
            await w.start_brains()
            call = await w.talking()
            await w.says(call, "Ada")
            await w.hears(call, "Was None.")
            await w.says(call, "Bob")
            await w.hears(call, "Was Ada.")
            assert await w.memory.recall_all(CALLER) == {"name": "Bob"}

    async def test_it_may_be_asked_before_the_words_are_final(self):
        async with SplitBridge(echo) as w:
            await w.start_brains(SPECULATE="on")
            call = await w.talking()
            await w.says(call, "Where is my parcel now?")
            await w.hears(call, "You said: Where is my parcel now?.")
            assert facts.Speculated("used") in w.told(facts.Speculated)

    async def test_a_brain_that_fails_has_the_call_given_up(self):
        async def brain(turn):
            raise ValueError(turn.text)
            yield ""

        async with SplitBridge(brain) as w:
            await w.start_brains()
            call = await w.talking()
            for word in ("one", "two", "three"):
                await w.says(call, word)
                await asyncio.sleep(4)
            await w.tells(facts.Faulted)
            assert SORRY in " ".join([*call.said, w.heard(call)])


class TestTheTalk:
    async def test_is_the_same_on_both_sides_whatever_happens(self):
        """So that another brain is told what this one would have known."""

        async def brain(turn):
            match turn.text:
                case "long":
                    yield LONG
                case "slow":
                    await asyncio.sleep(2)
                    yield "At last."
                case "fail":
                    raise ValueError
                case "say nothing":
                    return
                case "pin":
                    yield "Your number please."
                    await turn.call.collect_digits(4)
                case _:
                    yield f"You said: {turn.text}."

        async with SplitBridge(brain, engine={"turn_timeout_seconds": 7}) as w:
            board = await w.start_brains()
            call = await w.talking()

            async def is_same():
                await w.settled()
                (far,) = board._calls
                near = w.app[ROSTER].get(CallSid(call.sid))
                assert far.talk.kept() == near.talk.kept()
                return far.talk.kept()

            await w.says(call, "long")
            await w.hears(call, "three four")
            assert (await is_same()).replies
            await w.says(call, "slow")
            await w.hears(call, "At last.")
            assert (await is_same()).fillers == 0
            await w.says(call, "fail")
            await w.hears(call, ENGLISH.model_failed)
            assert (await is_same()).failures == 1
            await w.says(call, "say nothing")
            await w.hears(call, ENGLISH.ask_again[0])
            assert (await is_same()).wordless == 1
            await w.hears(call, ENGLISH.still_there[0])
            assert (await is_same()).silences == 1
            await w.says(call, "pin")
            await w.hears(call, "Your number please.")
            assert (await is_same()).gathering
            await call.press("1234")
            await w.hears(call, "You said: Caller pressed 1234.")
            last = await is_same()
            assert not last.gathering
            assert last.said_since
            assert last.answered is not None


class TestAnotherBrain:
    async def test_takes_over_with_all_that_was_said(self):
        first, second = Watched(), Watched()
        async with SplitBridge(first) as w:
            async with w.brains():
                call = await w.talking()
                await w.says(call, "hi")
                await w.hears(call, "You said: hi, 1.")
                await w.tells(facts.TurnAnswered)
                await w.start_brains(second)  # from now on ElevenLabs dials here
            await w.tells(facts.BrainAttached, 2)
            await w.says(call, "again")
            await w.hears(call, "You said: again, 1.")
            assert len(first.turns) == 1
            (turn,) = second.turns
            assert said(turn)[-3:] == [("user", "hi"), ("agent", "You said: hi, 1."), ("user", "again")]
            assert turn.heard == "You said: hi, 1."
            assert turn.utterance == first.turns[0].utterance + 1

    async def test_meanwhile_the_caller_hears_the_bridges_own_voice(self):
        async with SplitBridge(echo) as w:
            async with w.brains():
                call = await w.talking()
            await w.says(call, "hi")
            await w.hears(call, ENGLISH.one_moment)


class TestLeaving:
    async def test_the_calls_in_progress_may_end_by_themselves(self):
        async with SplitBridge(echo) as w:
            board = await w.start_brains()
            call = await w.talking()
            async with asyncio.TaskGroup() as tasks:
                drained = tasks.create_task(board.drain(60, hurry=asyncio.Event()))
                await w.settled()
                async with w._web.get(f"http://127.0.0.1:{w.brain_port}/readyz") as answer:
                    assert (answer.status, await answer.json()) == (503, {"ready": False, "calls": 1})
                await w.says(call, "hi")
                await w.hears(call, "You said: hi.")
                await call.hang_up()
            assert drained.result()

    async def test_those_that_are_left_are_for_other_brains(self):
        async with SplitBridge(echo) as w:
            board = await w.start_brains()
            await w.talking()
            assert not await board.drain(1, hurry=asyncio.Event())
            await w.settled()
            assert len(board) == 0
            (lost,) = [event for event in w.conversation.events if event.kind == "brain_lost"]
            assert lost.detail == "1001"

    async def test_without_calls_it_is_done_at_once(self):
        async with SplitBridge(echo) as w:
            board = await w.start_brains()
            since = w.now
            assert await board.drain(60, hurry=asyncio.Event())
            assert w.now == since


class TestTheWire:
    @pytest.mark.parametrize("seconds", [0.0, 3.0])
    async def test_a_lost_one_is_dialled_again_and_nothing_is_missed(self, seconds):
        """Also what was asked of the line: it is done once."""

        async def brain(turn):
            turns.append(turn)
            yield LONG
            done.append(await turn.call.send_digits("1w2"))

        turns, done = [], []
        async with SplitBridge(brain) as w:
            await w.start_brains()
            call = await w.talking()
            await w.says(call, "hi")
            await w.hears(call, "One two")
            w.wire.is_open = not seconds
            w.wire.cut()
            await asyncio.sleep(seconds)
            w.wire.is_open = True
            await w.tells(facts.DigitsSent)
            await w.settled()
            assert done == [True]
            assert len(w.told(facts.DigitsSent)) == 1
            assert w.wire.connections == 2
            assert (len(w.told(facts.BrainAttached)), len(w.told(facts.BrainDetached))) == (2, 1)
            await w.says(call, "again")
            await w.hears(call, "One two", seconds=30)
            await w.until(lambda: len(turns) == 2, "the next turn")
            assert turns[1].heard_out
            assert turns[1].utterance == turns[0].utterance + 1

    async def test_a_sound_waits_for_it(self, tmp_path):
        """In its file, rather than among what is to be said again."""
        (tmp_path / "long.ulaw").write_bytes(encode("Listen.") + b"\xff" * 8000 * 40)

        async def brain(turn):
            yield LONG
            done.append(await turn.call.play(tmp_path / "long.ulaw"))

        done = []
        async with SplitBridge(brain) as w:
            board = await w.start_brains()
            call = await w.talking()
            await w.says(call, "play")
            await w.hears(call, "One two")
            w.wire.is_open = False
            w.wire.cut()
            await asyncio.sleep(3)
            (far,) = board._calls
            assert sum(map(len, far._delivery.again())) < 100_000
            w.wire.is_open = True
            await w.hears(call, "Listen.", seconds=30)
            await w.tells(facts.SoundPlayed, seconds=90)
            await w.settled()
            assert done == [True]

    async def test_where_the_bridge_is_gone_the_brain_lets_go(self):
        async with SplitBridge(echo) as w:
            board = await w.start_brains()
            call = await w.talking()
            w.wire.is_open = False
            w.wire.cut()
            await w.settled()
            assert len(board) == 1
            await call.hang_up()  # ElevenLabs ends its socket, too
            await w.tells(facts.CallEnded)
            await asyncio.sleep(6)
            assert len(board) == 0


class TestAtTheDoor:
    async def test_a_wrong_secret_is_refused_and_the_caller_hears_so(self, caplog):
        async with SplitBridge(echo) as w:
            environ = {"SHARED_SECRET": "another-secret-0123456789", "BRAIN_AUTH": "secret"}
            await w.start_brains(**environ)
            w.engine.request_headers["x-api-key"] = environ["SHARED_SECRET"]
            call = await w.talking()
            await w.says(call, "hi")
            await w.tells(facts.Faulted)
            assert w.told(facts.BrainAttached) == []
        assert "SHARED_SECRET" in caplog.text
        assert environ["SHARED_SECRET"] not in caplog.text

    @pytest.mark.parametrize(
        ("headers", "status"),
        [
            ({}, 401),
            ({"x-api-key": "wrong"}, 401),
            ({"x-api-key": SECRETS["SHARED_SECRET"]}, 400),
            ({"x-api-key": SECRETS["SHARED_SECRET"], SEAT_HEADER: "s" * 20, TAKEN_HEADER: "0"}, 404),
        ],
    )
    async def test_who_is_let_in(self, headers, status):
        async with SplitBridge(echo) as w:
            with pytest.raises(WSServerHandshakeError) as refused:
                await w._web.ws_connect(f"http://127.0.0.1:{w.port}/internal/calls/conv_x", headers=headers)
            assert refused.value.status == status

    async def test_a_seat_that_nobody_knows_any_more_is_gone(self):
        async with SplitBridge(echo) as w:
            await w.talking()
            headers = {"x-api-key": SECRETS["SHARED_SECRET"], SEAT_HEADER: "s" * 20, TAKEN_HEADER: "7"}
            address = f"http://127.0.0.1:{w.port}/internal/calls/{w.conversation.id}"
            with pytest.raises(WSServerHandshakeError) as refused:
                await w._web.ws_connect(address, headers=headers)
            assert refused.value.status == 410

    async def test_where_brains_are_elsewhere_the_bridge_has_no_brain_socket(self):
        async with SplitBridge(echo) as w, w._web.get(f"http://127.0.0.1:{w.port}/ws") as answer:
            assert answer.status == 404

    async def test_where_they_are_not_nobody_is_given_a_call(self, world):
        async with world() as w:
            headers = {"x-api-key": SECRETS["SHARED_SECRET"], SEAT_HEADER: "s" * 20, TAKEN_HEADER: "0"}
            async with w._web.get(f"http://127.0.0.1:{w.port}/internal/calls/conv_x", headers=headers) as answer:
                assert answer.status == 404
