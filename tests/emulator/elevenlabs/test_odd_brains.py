"""Faults of the brain socket, beside those of any socket."""

import asyncio

from ringbridge.emulator.faults import Fault


async def test_never_is_never(stage):
    async with stage(Fault("brain_socket", "never")) as s:
        client = await s.dial()
        s.talk.hear("Go")
        await asyncio.sleep(60)
        assert s.brain.headers == []
        assert not client.closed.is_set()


async def test_twice_dials_a_second_socket_while_the_first_lives_and_speaks_over_it(stage):
    async with stage(Fault("brain_socket", "twice", after_ms=1000)) as s:
        client = await s.dial()
        await asyncio.sleep(1.1)
        assert [m["conversation_id"] for m in s.brain.of("init")] == [s.talk.id, s.talk.id]
        assert s.brain.closed == []
        s.talk.hear("Go")
        await client.until("agent_response_complete")
        assert {ws for ws, _ in s.brain.answered} == {s.brain.sockets[1]}
        await client.ws.close()
        await s.talk.gone.wait()
        assert s.brain.closed == [1000, 1000]


async def test_whoever_closes_the_first_of_two_is_not_dialled_again(stage):
    async with stage(Fault("brain_socket", "twice")) as s:
        client = await s.dial()
        await asyncio.sleep(0.1)
        await s.brain.sockets[0].close()
        await asyncio.sleep(10)
        assert len(s.brain.of("init")) == 2
        s.talk.hear("Go")
        await client.until("agent_response_complete")


async def test_a_turn_that_is_open_is_asked_on_the_second_socket_too(stage):
    async with stage(Fault("brain_socket", "twice", after_ms=1000), cascade_timeout_seconds=15) as s:
        s.brain.reply = lambda history: None
        await s.dial()
        s.talk.hear("Go")
        await asyncio.sleep(2)
        assert [m["event_id"] for m in s.brain.of("user_transcript")] == [1, 1]


async def test_unknown_names_a_conversation_that_nobody_knows(stage):
    async with stage(Fault("brain_socket", "unknown")) as s:
        client = await s.dial()
        await asyncio.sleep(0.1)
        assert s.brain.of("init")[0]["conversation_id"] != s.talk.id
        await s.brain.sockets[0].close(code=1008)
        await asyncio.sleep(1)
        assert s.brain.of("init")[1]["conversation_id"] == s.talk.id
        s.talk.hear("Go")
        await client.until("agent_response_complete")


async def test_drop_may_take_its_time_to_dial_again(stage):
    async with stage(Fault("brain_socket", "drop", after_ms=1000, ms=4000)) as s:
        await s.dial()
        await asyncio.sleep(4.9)
        assert len(s.brain.of("init")) == 1
        await asyncio.sleep(0.2)
        assert len(s.brain.of("init")) == 2
