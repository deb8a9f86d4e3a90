import time
import tracemalloc

import pytest

from ringbridge.audio.mulaw import FRAME_BYTES, SILENCE, from_pcm, to_pcm
from ringbridge.emulator.speech.base import Hearing, SpeechStarted, Tentative, Utterance
from ringbridge.emulator.speech.exact import ExactEars, ExactVoice, decode, encode

SILENT = bytes([SILENCE]) * FRAME_BYTES


def silence(ms: int) -> bytes:
    return bytes([SILENCE]) * (8 * ms)


def hear(audio: bytes) -> list[Hearing]:
    hearings: list[Hearing] = []
    ExactEars().open(hearings.append).feed(audio)
    return hearings


def test_a_letter_takes_60_ms_and_a_word_ends_with_60_more():
    assert len(encode("hello")) == 8 * 360


@pytest.mark.parametrize(
    "text",
    [
        "Hello there.",
        "42",
        "aaaa bookkeeper 1111 00",
        "größer 日本語 🙂 naïve",
        "a",
        "don't — do: (it) [now] {x}",
        "\\ ~ ^ €",
    ],
)
def test_text_comes_back_to_the_letter(text):
    assert decode(encode(text)) == (text.split(), "")


def test_survives_pcm_and_back():
    pcm = to_pcm(encode("Straße 77!"))
    samples = (int.from_bytes(pcm[i : i + 2], "little", signed=True) for i in range(0, len(pcm), 2))
    assert decode(from_pcm(samples)) == (["Straße", "77!"], "")


def test_a_cut_word_is_told_apart():
    audio = encode("one three")
    assert decode(audio[: 8 * (4 * 60 + 2 * 60)]) == (["one"], "th")


def test_a_letter_counts_once_half_of_it_was_heard():
    assert decode(encode("ab")[: 8 * 85]) == ([], "a")
    assert decode(encode("ab")[: 8 * 95]) == ([], "ab")


def test_the_first_byte_of_a_cut_umlaut_is_no_letter():
    assert decode(encode("aü")[: 8 * 120]) == ([], "a")


@pytest.mark.parametrize("mend", [b"", SILENT], ids=["dropped", "silenced"])
def test_a_lost_frame_harms_no_letter(mend):
    text = "Hello, Mr. Miller: 1122 größe. I"
    audio = encode(text)
    for lost in range(0, len(audio) - FRAME_BYTES, 37):
        assert decode(audio[:lost] + mend + audio[lost + FRAME_BYTES :]) == (text.split(), "")


async def test_the_voice_speaks_sentence_by_sentence():
    pieces = [piece async for piece in ExactVoice().say("How are you? I am fine.")]
    assert [decode(piece) for piece in pieces] == [(["How", "are", "you?"], ""), (["I", "am", "fine."], "")]


async def test_the_voice_has_nothing_to_say_to_nothing():
    assert [piece async for piece in ExactVoice().say(" \n")] == []


def test_a_sentence_is_heard_with_its_times():
    told = hear(silence(500) + encode("I am") + silence(500))
    assert told == [SpeechStarted(500), Tentative("I"), Tentative("I am"), Utterance("I am", 740)]


def test_speech_is_told_after_60_ms():
    assert hear(silence(100) + encode("hello")[: 8 * 59]) == []
    assert hear(silence(100) + encode("hello")[: 8 * 60]) == [SpeechStarted(100)]


def test_the_utterance_is_told_after_500_ms_of_silence():
    spoken = encode("yes")  # its last 60 ms are silent
    assert Utterance("yes", 180) not in hear(spoken + silence(420))
    assert Utterance("yes", 180) in hear(spoken + silence(440))


def test_a_pause_parts_two_utterances():
    told = hear(encode("one two") + silence(1000) + encode("three") + silence(500))
    utterances = [hearing for hearing in told if not isinstance(hearing, Tentative)]
    assert utterances == [
        SpeechStarted(0),
        Utterance("one two", 420),
        SpeechStarted(1480),
        Utterance("three", 1780),
    ]


def test_a_breath_does_not():
    told = hear(encode("one.") + silence(420) + encode("two.") + silence(500))
    assert [hearing for hearing in told if isinstance(hearing, Utterance)] == [Utterance("one. two.", 960)]


def test_a_word_that_was_cut_off_is_part_of_the_utterance():
    told = hear(encode("stop talking")[: 8 * 480] + silence(500))
    assert told[-1] == Utterance("stop tal", 480)


def test_a_sound_without_words_ends_as_an_empty_utterance():
    beep = from_pcm([12_000 * (-1) ** (i // 8) for i in range(8000)])
    assert hear(silence(40) + beep + silence(500)) == [SpeechStarted(40), Utterance("", 1040)]


def test_a_click_is_not_heard():
    assert hear(silence(100) + encode("a")[:200] + silence(1000)) == []


def test_a_click_before_the_speech_is_no_part_of_it():
    told = hear(encode("b")[: 8 * 40] + silence(400) + encode("hi") + silence(500))
    assert told[-1] == Utterance("hi", 560)


async def test_nothing_is_told_after_close():
    hearings: list[Hearing] = []
    ear = ExactEars().open(hearings.append)
    ear.feed(encode("hello"))
    await ear.close()
    await ear.close()
    del hearings[:]
    ear.feed(encode("hello") + silence(1000))
    assert hearings == []


def test_ten_minutes_of_silence_are_cheap():
    hearings: list[Hearing] = []
    ear = ExactEars().open(hearings.append)
    tracemalloc.start()
    began = time.process_time()
    for _ in range(600):
        ear.feed(50 * SILENT)
    spent = time.process_time() - began
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert hearings == []
    assert peak < 50_000
    assert spent < 3  # half a percent of one processor, tracing included


def test_minutes_of_speech_keep_no_audio():
    ear = ExactEars().open(lambda _: None)
    minute = encode("word " * 200)
    ear.feed(minute)
    tracemalloc.start()
    for _ in range(5):
        ear.feed(minute)
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 200_000
