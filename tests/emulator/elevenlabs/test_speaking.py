import asyncio
from collections.abc import AsyncIterator

import pytest

from ringbridge.emulator.elevenlabs.speaking import LEAD_SECONDS, Clause, Speaker
from ringbridge.emulator.speech.exact import ExactVoice, encode


class Audience:
    def __init__(self):
        self.said = []

    def emit(self, message):
        self.said.append((asyncio.get_running_loop().time(), message["audio_event"]))

    def begins(self, reply, text):
        self.said.append(text)

    def made(self, reply):
        self.said.append("made")

    @property
    def texts(self):
        return [item for item in self.said if isinstance(item, str)]


class SlowVoice:
    """A second for each clause."""

    async def say(self, text: str) -> AsyncIterator[bytes]:
        await asyncio.sleep(1)
        yield encode(text)


@pytest.mark.parametrize(
    ("ms", "heard"),
    [(0, ""), (239, ""), (241, "four"), (539, "four"), (541, "four five"), (839, "four five"), (841, "four five six.")],
)
def test_a_word_is_heard_when_it_is_whole(ms, heard):
    clause = Clause("four five six.", begins=10, ms=len(encode("four five six.")) / 8)
    assert clause.ms == 300 + 300 + 300
    assert clause.heard(10 + ms / 1000) == heard


def test_a_clause_that_has_not_begun_is_not_heard():
    assert Clause("hello", begins=10, ms=360).heard(9) == ""


async def test_chunks_are_uneven_share_the_id_and_are_sometimes_empty():
    audience = Audience()
    async with asyncio.TaskGroup() as tasks:
        reply = Speaker(ExactVoice(), audience, tasks).begin(7)
        reply.add("One two three four five six seven. Eight nine ten.")
        reply.finish()
    chunks = [item[1] for item in audience.said if isinstance(item, tuple)]
    sizes = [len(chunk["audio_base_64"]) for chunk in chunks]
    assert {chunk["event_id"] for chunk in chunks} == {7}
    assert 0 in sizes[:-1]
    assert len(set(sizes)) > 4
    assert chunks[-1] == {"audio_base_64": "", "event_id": 7, "is_final": True}


async def test_the_first_chunk_of_a_clause_tells_its_letters_times():
    audience = Audience()
    async with asyncio.TaskGroup() as tasks:
        reply = Speaker(ExactVoice(), audience, tasks).begin(1)
        reply.add("Hello there.")
        reply.finish()
    aligned = [item[1]["alignment"] for item in audience.said if isinstance(item, tuple) and "alignment" in item[1]]
    assert ["".join(one["chars"]) for one in aligned] == ["Hello there."]
    assert aligned[0]["char_start_times_ms"][6] == 390
    assert len(aligned[0]["char_durations_ms"]) == len("Hello there.")


async def test_replies_follow_each_other():
    audience = Audience()
    async with asyncio.TaskGroup() as tasks:
        speaker = Speaker(SlowVoice(), audience, tasks)
        first, second = speaker.begin(1), speaker.begin(2)
        second.add("Second.")
        second.finish()
        await asyncio.sleep(5)
        assert audience.texts == []
        first.add("First.")
        first.finish()
    assert audience.texts == ["First.", "made", "Second.", "made"]


async def test_a_clause_is_spoken_while_the_rest_is_still_being_thought_of():
    audience = Audience()
    async with asyncio.TaskGroup() as tasks:
        reply = Speaker(ExactVoice(), audience, tasks).begin(1)
        reply.add("This is known. This is")
        await asyncio.sleep(1)
        assert audience.texts == ["This is known."]
        reply.finish()
    assert audience.texts == ["This is known.", "This is", "made"]


async def test_it_does_not_run_further_ahead_than_the_lead():
    audience = Audience()
    async with asyncio.TaskGroup() as tasks:
        speaker = Speaker(ExactVoice(), audience, tasks)
        reply = speaker.begin(1)
        reply.add("A sentence that takes a while. " * 20)
        reply.finish()
        await asyncio.sleep(0.1)
        assert LEAD_SECONDS < speaker.until < LEAD_SECONDS + 3
    assert " ".join(audience.texts) == "A sentence that takes a while. " * 20 + "made"


async def test_cut_stops_at_once_and_tells_what_was_heard():
    audience = Audience()
    loop = asyncio.get_running_loop()
    async with asyncio.TaskGroup() as tasks:
        speaker = Speaker(ExactVoice(), audience, tasks)
        reply = speaker.begin(1)
        reply.add("One two three. Four five six. And")
        await asyncio.sleep(1.5)
        assert speaker.playing
        assert speaker.cut() == [reply]
        assert not speaker.playing
        reply.add(" more to say. Lots.")
        reply.finish()
        assert reply.heard(loop.time()) == "One two three. Four five"
    assert audience.texts == ["One two three.", "Four five six."]


async def test_cut_stops_what_is_being_made():
    audience = Audience()
    async with asyncio.TaskGroup() as tasks:
        speaker = Speaker(SlowVoice(), audience, tasks)
        first, second = speaker.begin(1), speaker.begin(2)
        first.add("Too late. ")
        first.finish()
        await asyncio.sleep(0.5)
        assert speaker.cut() == [first, second]
    assert audience.said == []


async def test_a_reply_that_was_played_to_its_end_cannot_be_cut():
    async with asyncio.TaskGroup() as tasks:
        speaker = Speaker(ExactVoice(), Audience(), tasks)
        reply = speaker.begin(1)
        reply.add("Done.")
        reply.finish()
        await asyncio.sleep(2)
        following = speaker.begin(2)
        assert speaker.cut() == [following]


async def test_nothing_begins_while_the_caller_has_the_floor():
    audience = Audience()
    async with asyncio.TaskGroup() as tasks:
        speaker = Speaker(ExactVoice(), audience, tasks)
        speaker.listen()
        reply = speaker.begin(1)
        reply.add("Hello.")
        reply.finish()
        await asyncio.sleep(2)
        assert audience.said == []
        speaker.resume()
    assert audience.texts == ["Hello.", "made"]


async def test_a_text_without_sound_is_made_in_silence():
    class Mute:
        async def say(self, text: str) -> AsyncIterator[bytes]:
            return
            yield b""

    audience = Audience()
    async with asyncio.TaskGroup() as tasks:
        reply = Speaker(Mute(), audience, tasks).begin(1)
        reply.add("🙂")
        reply.finish()
    assert audience.said == ["made"]
