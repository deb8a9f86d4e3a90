from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from ringbridge.audio.mulaw import FRAME_BYTES, SILENCE, from_pcm, to_pcm
from ringbridge.emulator.speech.base import Hearing, SpeechStarted, Tentative, Utterance
from ringbridge.emulator.speech.exact import ExactEars, decode, encode
from ringbridge.emulator.speech.sentences import CLAUSE_MAX, clauses, sentences

PAUSE = bytes([SILENCE]) * (8 * 500 + FRAME_BYTES)

texts = st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=40)
spoken = texts.filter(lambda text: not text.isspace()).filter(len)


def words(text: str) -> str:
    return " ".join(text.split())


def portions(audio: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(cut % (len(audio) + 1) for cut in cuts), len(audio)]
    return [audio[start:end] for start, end in pairwise(edges)]


@given(texts)
def test_any_text_comes_back(text):
    assert decode(encode(text)) == (text.split(), "")


@given(spoken, st.integers(0, 2 * FRAME_BYTES), st.lists(st.integers(0), max_size=30))
def test_ears_hear_it_to_the_letter_wherever_it_begins_and_however_it_is_cut(text, lead, cuts):
    audio = bytes([SILENCE]) * lead + encode(text) + PAUSE
    hearings: list[Hearing] = []
    ear = ExactEars().open(hearings.append)
    for portion in portions(audio, cuts):
        ear.feed(portion)
    started, *tentatives, utterance = hearings
    assert isinstance(started, SpeechStarted)
    assert abs(started.at_ms - lead / 8) <= 20
    assert isinstance(utterance, Utterance)
    assert utterance.text == words(text)
    heard = text.split()
    assert tentatives == [Tentative(" ".join(heard[: n + 1])) for n in range(len(heard))]


@given(spoken, st.integers(0), st.booleans())
def test_a_lost_or_silenced_frame_costs_no_letter(text, place, dropped):
    audio = encode(text)
    lost = place % (len(audio) - FRAME_BYTES)
    mend = b"" if dropped else bytes([SILENCE]) * FRAME_BYTES
    assert decode(audio[:lost] + mend + audio[lost + FRAME_BYTES :]) == (text.split(), "")


@given(spoken, st.integers(0))
def test_what_was_heard_until_the_cut_is_right(text, place):
    audio = encode(text)
    heard, cut = decode(audio[: place % len(audio)])
    expected = text.split()
    assert heard == expected[: len(heard)]
    rest = expected[len(heard) :]
    assert cut == "" if not rest else rest[0].startswith(cut)


@given(st.binary(max_size=20_000))
def test_no_bytes_at_all_upset_the_ears(audio):
    hearings: list[Hearing] = []
    ear = ExactEars().open(hearings.append)
    ear.feed(audio)
    ear.feed(PAUSE)
    ended = [type(hearing) for hearing in hearings if not isinstance(hearing, Tentative)]
    assert ended == [SpeechStarted, Utterance] * (len(ended) // 2)


@given(st.binary(max_size=500))
def test_mulaw_round_trip(ulaw):
    pcm = to_pcm(ulaw)
    samples = [int.from_bytes(pcm[i : i + 2], "little", signed=True) for i in range(0, len(pcm), 2)]
    assert from_pcm(samples) == ulaw.replace(b"\x7f", b"\xff")


@given(texts)
def test_cutting_text_loses_nothing(text):
    assert words(" ".join(sentences(text))) == words(text)
    assert words(" ".join(clauses(text))) == words(text)


@given(st.lists(st.text("ab,;.", min_size=1, max_size=30), max_size=80))
def test_no_clause_is_too_long(parts):
    assert all(len(clause) <= CLAUSE_MAX for clause in clauses(" ".join(parts)))
