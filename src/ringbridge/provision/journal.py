"""A file of what is to be put back: written before anything is changed, so that a killed process loses nothing."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, Literal, TypeAlias

import msgspec
from filelock import FileLock, Timeout

from ringbridge.provision.failures import NotProvided
from ringbridge.wanted.differences import Difference

__all__ = ["FILE", "Entry", "Journal", "Program", "Written", "open_journal", "unfinished"]

FILE: Final = ".ringbridge-undo.json"
_LOCK: Final = ".ringbridge-undo.lock"

_OWNER_ONLY: Final = 0o600
"""It holds the engine's headers, and so its secret."""


class Written(msgspec.Struct, frozen=True, tag="written"):
    """What was written to one thing at a vendor: `id` is the vendor's name for it, `name` is people's."""

    kind: Literal["engine", "number"]
    id: str
    name: str
    differences: tuple[Difference, ...]


class Program(msgspec.Struct, frozen=True, tag="program"):
    """A program that was started; `started` is in seconds since 1970, as numbers of processes are given anew."""

    name: str
    pid: int
    started: float


Entry: TypeAlias = Written | Program


class _File(msgspec.Struct, frozen=True):
    entries: tuple[Entry, ...]


class Journal:
    """What this process, or one before it, has changed and not put back yet; the oldest first."""

    def __init__(self, folder: Path) -> None:
        """Raises `NotProvided` for a journal that can't be read."""
        self._path = folder / FILE
        self._entries = unfinished(folder)

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The oldest first."""
        return self._entries

    def add(self, entry: Entry) -> None:
        """To be called before a change is written. When it returns, the entry outlasts the process.

        Raises `NotProvided` where it can't be written.
        """
        self._write((*self._entries, entry))

    def drop(self, entry: Entry) -> None:
        """It is put back, or over. Raises `NotProvided` where that can't be written."""
        self._write(tuple(other for other in self._entries if other != entry))

    def _write(self, entries: tuple[Entry, ...]) -> None:
        try:
            if entries:
                _replace(self._path, msgspec.json.encode(_File(entries)))
            else:
                self._path.unlink(missing_ok=True)
                _settle(self._path.parent)
        except OSError as error:
            raise NotProvided(
                f"{self._path} can't be written: {error.strerror}", "make its folder one that you may write to"
            ) from error
        self._entries = entries


@contextmanager
def open_journal(folder: Path) -> Iterator[Journal]:
    """The journal of a folder (that of `.env`), which nobody else has meanwhile.

    Raises `NotProvided` while another process has it, and for a journal or folder that does not do.
    """
    if not folder.is_dir():  # the lock would make it
        raise NotProvided(f"{folder} is no folder", "name an --env-file in one that is there")
    lock = FileLock(folder / _LOCK, timeout=0, mode=_OWNER_ONLY)
    try:
        lock.acquire()
    except Timeout:
        raise _in_use(folder / _LOCK) from None
    except OSError as error:
        raise NotProvided(
            f"{folder / _LOCK} can't be written: {error.strerror}", "make its folder one that you may write to"
        ) from error
    try:
        (folder / _LOCK).write_text(f"{os.getpid()}\n", encoding="ascii")
        yield Journal(folder)
    finally:
        with suppress(OSError):  # where an open file can't be removed, it stays
            (folder / _LOCK).unlink()
        lock.release()


def unfinished(folder: Path) -> tuple[Entry, ...]:
    """What the journal of a folder says, whoever has it. Raises `NotProvided` when it can't be read."""
    path = folder / FILE
    try:
        return msgspec.json.decode(path.read_bytes(), type=_File).entries
    except FileNotFoundError:
        return ()
    except (OSError, msgspec.DecodeError):
        raise NotProvided(
            f"{path} can't be read, which says what is to be put back at Twilio and ElevenLabs",
            "look at the number and the engine yourself, then remove the file",
        ) from None


def _in_use(lock: Path) -> NotProvided:
    try:
        owner = lock.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        owner = ""
    who = f"process {owner}" if owner.isdigit() else "another process"
    return NotProvided(f"{who} is at work with the number and the engine of this folder", "stop it first")


def _replace(path: Path, content: bytes) -> None:
    """Put a file in its place, whole, for good."""
    beside = path.with_name(f"{path.name}.new")
    beside.unlink(missing_ok=True)
    with open(os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, _OWNER_ONLY), "wb") as file:  # noqa: PTH123
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    _settle(path.parent)


def _settle(folder: Path) -> None:
    """Have the system write down which files a folder has; Windows knows no such thing."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
