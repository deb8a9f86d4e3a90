"""The twin as a whole."""

import asyncio

import pytest

from ringbridge.emulator.addresses import AddressBook
from ringbridge.emulator.elevenlabs.diary import Ended
from ringbridge.emulator.elevenlabs.twin import ElevenLabsTwin
from ringbridge.emulator.faults import Faults
from ringbridge.emulator.speech.exact import ExactEars, ExactVoice


def make(**where):
    return ElevenLabsTwin(
        api_key="sk_1",
        voice=ExactVoice(),
        ears=ExactEars(),
        addresses=AddressBook(),
        clock=asyncio.get_running_loop().wall,
        faults=Faults(),
        **where,
    )


async def test_leaving_it_closes_every_conversation_and_the_brains(stage):
    async with stage(first_message="A greeting that is still being played when all ends.") as s:
        clients = [await s.dial() for _ in range(3)]
        await asyncio.sleep(0.5)
        await s.twin.__aexit__(None, None, None)
        assert [talk.closed for talk in s.twin.conversations] == [Ended(1001, "twin", "going away")] * 3
        assert s.brain.closed == [1000] * 3
        for client in clients:
            await client.closed.wait()
            assert client.code == 1001


async def test_leaving_it_does_not_wait_for_those_who_do_not_answer(stage, now):
    async with stage() as s:
        ws = await s.session.ws_connect(await s.signed_url())
        await ws.send_str('{"type": "conversation_initiation_client_data"}')
        await asyncio.sleep(1)
        began = now()
        await s.twin.__aexit__(None, None, None)
        assert now() - began < 5
        await ws.close()


async def test_it_takes_the_port_it_is_given_and_gives_it_back():
    async with make() as first:
        port = int(first.base_url.rpartition(":")[2])
        with pytest.raises(OSError, match="in use"):
            await make(port=port).__aenter__()
    async with make(port=port, host="127.0.0.1") as second:
        assert second.base_url == f"http://127.0.0.1:{port}"


async def test_conversations_do_not_mix(stage):
    async with stage() as s:
        clients = [await s.dial() for _ in range(5)]
        texts = [f"Caller number {number}" for number in range(5)]
        async with asyncio.TaskGroup() as tasks:
            for client, text in zip(clients, texts, strict=True):
                tasks.create_task(client.speak(text))
        for client, text in zip(clients, texts, strict=True):
            await client.until("agent_response_complete")
            assert client.words() == f"You said {text}."
        assert [talk.history[0]["content"] for talk in s.twin.conversations] == texts


async def test_nothing_is_left_of_a_conversation_that_is_over(stage):
    async with stage() as s:
        tasks = None
        for _ in range(4):
            client = await s.dial()
            s.talk.hear("Go")
            await client.until("agent_response_complete")
            await client.ws.close()
            await s.talk.gone.wait()
            await asyncio.sleep(1)
            tasks = tasks or asyncio.all_tasks()
            assert len(asyncio.all_tasks()) == len(tasks)


async def test_only_so_many_conversations_are_remembered(stage, monkeypatch):
    monkeypatch.setattr("ringbridge.emulator.elevenlabs.twin._REMEMBERED", 3)
    async with stage() as s:
        names = []
        for number in range(6):
            client = await s.dial()
            names.append(s.talk.id)
            if number != 3:
                await client.ws.close()
                await s.talk.gone.wait()
        assert [talk.id for talk in s.twin.conversations] == names[3:]
        await s.dial()
        assert [talk.id for talk in s.twin.conversations][:3] == names[3:]


async def test_nothing_comes_of_what_is_staged_after_the_end(stage):
    async with stage() as s:
        client = await s.dial()
        await client.ws.close()
        await s.talk.gone.wait()
        events = list(s.talk.events)
        s.talk.say("Too late.")
        s.talk.hear("Too late.")
        s.talk.interrupt()
        s.talk.drop_brain()
        s.talk.send({"type": "late"})
        s.talk.abort()
        await asyncio.sleep(1)
        assert s.talk.events == events


async def test_a_client_that_never_reads_is_cut_off(stage):
    async with stage() as s:
        ws = await s.session.ws_connect(await s.signed_url())
        await ws.send_str('{"type": "conversation_initiation_client_data"}')
        await asyncio.sleep(1)
        ws._conn.protocol.pause_reading()
        for number in range(3000):
            s.talk.send({"type": "filler", "number": number, "text": "x" * 5000})
            if number % 100 == 0:
                await asyncio.sleep(0.01)
        await asyncio.wait_for(s.talk.gone.wait(), 40)
        ws._conn.transport.abort()
