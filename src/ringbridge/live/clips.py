"""The bridge's own voice, read once at the start: files of the operator's, and the English ones inside."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from importlib.resources import files
from pathlib import Path
from typing import Final

from ringbridge.audio.mulaw import RATE
from ringbridge.audio.sound import SoundError, cut, mulaw_of
from ringbridge.errors import SettingsError
from ringbridge.log import get_logger
from ringbridge.phrases import ENGLISH
from ringbridge.relay.clips import Clips

__all__ = ["CLIP_SECONDS", "NAMES", "ClipShelf", "read_clips"]

log = get_logger(__name__)

CLIP_SECONDS: Final = 15
"""The longest that a clip may be: a caller can't answer while it plays."""

NAMES: Final = tuple(field.name for field in fields(Clips))
"""The sentences that are recorded, as the fields of `phrases.Phrases` and the files are named."""

_MAX_BYTES: Final = 10_000_000
"""More than the longest clip has in any format that is understood."""

_OURS: Final = frozenset({".ulaw", ".wav"})

_Recorded = dict[str, dict[str, tuple[str, ...]]]
"""The clips by name, of each language."""


@dataclass(frozen=True, slots=True)
class ClipShelf:
    """The clips by language, as ISO 639 codes; English must be among them."""

    by_language: Mapping[str, Clips]

    def for_language(self, code: str) -> Clips:
        """The clips of a language, named by its code (`de`, also `de-AT`); the English ones where there are none."""
        return self.by_language.get(_short(code), self.by_language[ENGLISH.code])


def read_clips(folder: Path | None, *, languages: Iterable[str] = ()) -> ClipShelf:
    """Read `folder/LANGUAGE/NAME.wav` and `.ulaw`; what is missing is said in English, and that is inside the package.

    A `.wav` wins over the `.ulaw` beside it. Of `languages`, those of the engines, what is missing is logged, too,
    with the command that makes it. Reads files, so it is called before there are calls. Raises `SettingsError` with
    every file that can't be played, or would be passed over for its name.
    """
    recorded = {} if folder is None else _recorded(folder)
    if lacking := dict(_lacking(recorded, {*map(_short, languages)})):
        log.warning(
            "for want of clips, the bridge's own voice speaks English",
            lacking="; ".join(f"{language} lacks {', '.join(names)}" for language, names in lacking.items()),
            mend=f"ringbridge clips --language {','.join(lacking)} --into {folder or 'clips'}",
        )
    english = replace(_inside(), **recorded.get(ENGLISH.code, {}))
    others = {language: replace(english, **clips) for language, clips in recorded.items()}
    return ClipShelf({**others, ENGLISH.code: english})


def _short(code: str) -> str:
    return code.partition("-")[0].casefold()


def _lacking(recorded: _Recorded, wanted: set[str]) -> Iterator[tuple[str, list[str]]]:
    # Whole, the English voice inside is one; only mixed with another it is worth a word.
    for language in sorted((wanted - {ENGLISH.code}) | set(recorded)):
        if missing := [name for name in NAMES if name not in recorded.get(language, {})]:
            yield language, missing


def _inside() -> Clips:
    folder = files("ringbridge") / "clips" / ENGLISH.code
    return Clips(**{name: cut((folder / f"{name}.ulaw").read_bytes()) for name in NAMES})


def _recorded(folder: Path) -> _Recorded:
    recorded: _Recorded = {}
    problems: list[str] = []
    for path in _sounds(folder):
        try:
            _check_place(path.relative_to(folder))
            recorded.setdefault(path.parent.name, {})[path.stem] = _clip(path)
        except SoundError as error:
            problems.append(f"CLIPS: {path} {error}")
        except OSError as error:
            problems.append(f"CLIPS: {path} can't be read: {error.strerror}")
    if problems:
        raise SettingsError(problems)
    return recorded


def _sounds(folder: Path) -> list[Path]:
    """Whatever may be meant as a clip; a `.wav` comes after the `.ulaw` that it replaces."""
    try:
        here = list(folder.iterdir())
        below = [path for language in here if language.is_dir() for path in language.iterdir()]
    except FileNotFoundError:
        raise SettingsError(
            [f"CLIPS: there is no folder {folder}; make it with: ringbridge clips --into {folder}"]
        ) from None
    except OSError as error:
        raise SettingsError([f"CLIPS: {error.filename} can't be read: {error.strerror}"]) from None
    meant = (path for path in (*here, *below) if path.suffix.lower() in _OURS or path.stem in NAMES)
    return sorted(
        (path for path in meant if path.is_file() and not path.name.startswith(".")),
        key=lambda path: (path.with_suffix(""), path.suffix.lower()),
    )


def _check_place(path: Path) -> None:
    """Whether a path below the folder is LANGUAGE/NAME: one that is not would never be heard."""
    if len(path.parts) == 1:
        raise SoundError(f"is of no language; move it into a folder of its language, like {ENGLISH.code}")
    if not re.fullmatch("[a-z]{2,3}", path.parent.name):
        raise SoundError(f"is of no language; name its folder by the language's code, like {ENGLISH.code} or fr")
    if path.stem not in NAMES:
        raise SoundError(f"is none of the clips; they are named {', '.join(NAMES)}")


def _clip(path: Path) -> tuple[str, ...]:
    if path.stat().st_size > _MAX_BYTES:
        raise SoundError(f"has more than {_MAX_BYTES:,} bytes")
    audio = mulaw_of(path.read_bytes(), path.name)
    if not 0 < len(audio) <= CLIP_SECONDS * RATE:
        raise SoundError(f"is empty, or longer than {CLIP_SECONDS} s")
    return cut(audio)
