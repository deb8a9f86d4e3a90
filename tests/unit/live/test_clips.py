"""The bridge's own voice, from real files."""

import base64
import logging
import os
import wave
from pathlib import Path

import pytest

from ringbridge.audio.mulaw import RATE, from_pcm
from ringbridge.errors import SettingsError
from ringbridge.live.clips import CLIP_SECONDS, NAMES, ClipShelf, read_clips
from ringbridge.phrases import LANGUAGES
from ringbridge.relay.clips import Clips

INSIDE = read_clips(None).for_language("en")


def put(folder: Path, name: str, data: bytes = b"\x12\x92") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def put_all(folder: Path, language: str) -> None:
    for name in NAMES:
        put(folder, f"{language}/{name}.ulaw", f"{language} {name}".encode())


def played(pieces: tuple[str, ...]) -> bytes:
    return b"".join(map(base64.b64decode, pieces))


def problems(folder: Path) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        read_clips(folder)
    return caught.value.problems


class TestInside:
    def test_every_clip_is_there_in_english(self):
        for name in NAMES:
            assert RATE / 2 < len(played(getattr(INSIDE, name))) < 4 * RATE

    @pytest.mark.parametrize("code", ["en", "en-GB", "EN", "fr", "tlh", ""])
    def test_it_stands_in_for_every_language(self, code):
        assert read_clips(None).for_language(code) == INSIDE

    def test_pieces_are_of_a_second_at_most(self):
        for name in NAMES:
            assert all(0 < len(base64.b64decode(piece)) <= RATE for piece in getattr(INSIDE, name))


class TestFiles:
    @pytest.mark.parametrize("language", LANGUAGES)
    def test_a_language_has_its_own(self, tmp_path, language):
        put_all(tmp_path, language)
        shelf = read_clips(tmp_path)
        for code in (language, f"{language}-XX", language.upper()):
            assert played(shelf.for_language(code).sorry) == f"{language} sorry".encode()
        assert (shelf.for_language("tlh") == INSIDE) == (language != "en")

    def test_a_language_that_has_no_sentences_of_ours_may_be_recorded(self, tmp_path):
        put_all(tmp_path, "it")
        assert played(read_clips(tmp_path).for_language("it").farewell) == b"it farewell"

    def test_what_is_missing_is_said_in_english(self, tmp_path):
        put(tmp_path, "fr/sorry.ulaw", b"pardon")
        clips = read_clips(tmp_path).for_language("fr")
        assert played(clips.sorry) == b"pardon"
        assert clips.farewell == INSIDE.farewell

    def test_the_english_of_the_folder_comes_before_that_inside(self, tmp_path):
        put(tmp_path, "fr/sorry.ulaw", b"pardon")
        put(tmp_path, "en/farewell.ulaw", b"bye")
        shelf = read_clips(tmp_path)
        for language in ("fr", "en", "de"):
            assert played(shelf.for_language(language).farewell) == b"bye"

    def test_a_wav_is_converted(self, tmp_path):
        pcm = [(n * 37) % 9000 - 4500 for n in range(400)]
        with wave.open(str(put(tmp_path, "en/sorry.wav")), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(RATE)
            file.writeframes(b"".join(sample.to_bytes(2, "little", signed=True) for sample in pcm))
        assert played(read_clips(tmp_path).for_language("en").sorry) == from_pcm(pcm)

    @pytest.mark.parametrize("suffix", ["wav", "WAV"])
    def test_a_wav_wins_over_the_ulaw_beside_it(self, tmp_path, suffix):
        put(tmp_path, "en/sorry.ulaw", b"made")
        with wave.open(str(put(tmp_path, f"en/sorry.{suffix}")), "wb") as file:
            file.setparams((1, 1, RATE, 0, "NONE", ""))
            file.writeframes(bytes([128] * 3))
        assert len(played(read_clips(tmp_path).for_language("en").sorry)) == 3

    def test_the_longest_is_not_too_long(self, tmp_path):
        put(tmp_path, "en/sorry.ulaw", bytes(CLIP_SECONDS * RATE))
        assert len(read_clips(tmp_path).for_language("en").sorry) == CLIP_SECONDS

    def test_other_files_are_left_alone(self, tmp_path):
        for name in ("README.md", ".DS_Store", "en/._sorry.wav", "en/notes.txt", "en/.sorry.ulaw", "old/deep/a.wav"):
            put(tmp_path, name)
        (tmp_path / "en/farewell.wav").mkdir()
        assert read_clips(tmp_path).for_language("en") == INSIDE


class TestProblems:
    @pytest.mark.parametrize(
        ("name", "data", "why"),
        [
            ("en/sorry.ulaw", b"", "is empty, or longer than 15 s"),
            ("en/sorry.ulaw", bytes(CLIP_SECONDS * RATE + 1), "is empty, or longer than 15 s"),
            ("en/sorry.wav", bytes(10_000_001), "has more than 10,000,000 bytes"),
            ("en/sorry.wav", b"RIFF0000WAVEfmt ", "can't be played: it is no PCM WAV file"),
            ("en/sorry.wav", b"\x12\x92", "is no WAV; raw mu-law at 8 kHz is named .ulaw"),
            ("en/sorry.mp3", b"ID3\x04", "is no WAV; raw mu-law at 8 kHz is named .ulaw"),
            ("en/sory.ulaw", b"\x12", "is none of the clips; they are named one_moment, still_here, time_nearly_up"),
            ("sorry.wav", b"\x12", "is of no language; move it into a folder of its language, like en"),
            ("fr-FR/sorry.wav", b"\x12", "is of no language; name its folder by the language's code, like en or fr"),
        ],
    )
    def test_what_would_not_be_heard_is_told_at_the_start(self, tmp_path, name, data, why):
        path = put(tmp_path, name, data)
        (problem,) = problems(tmp_path)
        assert problem.startswith(f"CLIPS: {path} {why}")

    def test_all_are_told_at_once(self, tmp_path):
        put(tmp_path, "en/sorry.ulaw", b"")
        put(tmp_path, "sorry.wav")
        assert len(problems(tmp_path)) == 2

    def test_a_folder_that_is_not_there(self, tmp_path):
        folder = tmp_path / "clips"
        assert problems(folder) == [
            f"CLIPS: there is no folder {folder}; make it with: ringbridge clips --into {folder}"
        ]

    def test_a_file_for_a_folder(self, tmp_path):
        path = put(tmp_path, "clips")
        assert problems(path) == [f"CLIPS: {path} can't be read: Not a directory"]

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
    @pytest.mark.parametrize("name", ["en", "en/sorry.ulaw"])
    def test_what_may_not_be_read(self, tmp_path, name):
        put(tmp_path, "en/sorry.ulaw")
        path = tmp_path / name
        path.chmod(0)
        try:
            assert problems(tmp_path) == [f"CLIPS: {path} can't be read: Permission denied"]
        finally:
            path.chmod(0o700)


class TestLog:
    def lines(self, caplog, folder: Path | None, *languages: str) -> list[str]:
        with caplog.at_level(logging.INFO):
            read_clips(folder, languages=languages)
        return caplog.messages

    def test_english_inside_is_enough_for_english(self, caplog):
        assert self.lines(caplog, None, "en", "en-GB") == []

    def test_a_language_without_clips_is_named_with_the_command(self, caplog, tmp_path):
        put_all(tmp_path, "fr")
        put(tmp_path, "de/sorry.ulaw")
        (line,) = self.lines(caplog, tmp_path, "en", "fr", "hi-IN")
        assert "English lacking='de lacks one_moment, still_here, time_nearly_up, farewell; hi lacks one_moment" in line
        assert line.endswith(f"mend='ringbridge clips --language de,hi --into {tmp_path}'")

    def test_without_a_folder_the_usual_one_is_named(self, caplog):
        (line,) = self.lines(caplog, None, "fr")
        assert line.endswith("mend='ringbridge clips --language fr --into clips'")

    def test_english_of_two_voices_is_worth_a_word(self, caplog, tmp_path):
        put(tmp_path, "en/sorry.ulaw")
        (line,) = self.lines(caplog, tmp_path)
        assert "en lacks one_moment, still_here, time_nearly_up, farewell" in line


def test_a_shelf_can_be_made_of_anything():
    english, french = (Clips(*[(word,)] * len(NAMES)) for word in ("en", "fr"))
    shelf = ClipShelf({"en": english, "fr": french})
    assert shelf.for_language("fr-CA") is french
    assert shelf.for_language("de") is english
