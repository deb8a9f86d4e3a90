"""Sounds that a brain plays into a call: from a file or a URL to pieces that a stream takes."""

import asyncio
from collections.abc import AsyncIterator
from http import HTTPStatus
from pathlib import Path
from stat import S_ISREG
from urllib.parse import urlsplit

from aiohttp import ClientError, ClientSession, ClientTimeout
from cachetools import LRUCache

from ringbridge.audio.mulaw import RATE
from ringbridge.audio.sound import SoundError, cut, mulaw_of
from ringbridge.errors import NotAllowed

__all__ = ["Sounds"]

SECONDS = 5.0
"""What fetching a sound may take."""

MAX_BYTES = 10_000_000
"""A larger file is refused: ten minutes have half as much."""

MAX_SOUND_SECONDS = 600
"""Twilio queues ten minutes at most (Twilio, error 31931)."""

CACHED_PIECES = 3_600
"""An hour of sound in all."""


class Sounds:
    """Loads sounds; files are kept until they change."""

    def __init__(self, session: ClientSession) -> None:
        """`session` fetches what is named by a URL."""
        self._session = session
        self._files: LRUCache[tuple[str, int, int], tuple[str, ...]] = LRUCache(CACHED_PIECES, len)

    async def load(self, sound: str | Path) -> tuple[str, ...]:
        """Base64 of mu-law at 8 kHz, in pieces of a second.

        A WAV is known by its header; anything else must be named like headerless mu-law (`.ulaw`, `.raw`). Raises
        `NotAllowed` for what can't be had or read, or is longer than ten minutes.
        """
        if isinstance(sound, str) and _is_url(sound):
            return await asyncio.to_thread(_pieces, *await self._fetch(sound))
        path = Path(sound)
        try:
            return await self._load(path)
        except OSError as error:
            raise NotAllowed(f"the sound {path.name} can't be read: {error.strerror}") from None
        except ValueError:
            raise NotAllowed("a sound can't be read: no file can have its name") from None

    async def _load(self, path: Path) -> tuple[str, ...]:
        known = await asyncio.to_thread(path.stat)
        key = (str(path), known.st_mtime_ns, known.st_size)
        if key in self._files:
            return self._files[key]
        if not S_ISREG(known.st_mode):
            raise NotAllowed(f"the sound {path.name or path} is no file")
        if known.st_size > MAX_BYTES:
            raise NotAllowed(f"the sound {path.name} has more than {MAX_BYTES:,} bytes")
        data = await asyncio.to_thread(path.read_bytes)
        pieces = self._files[key] = await asyncio.to_thread(_pieces, data, path.name)
        return pieces

    async def _fetch(self, url: str) -> tuple[bytes, str]:
        """What is at an address, and its name there."""
        host = "an address that is none"
        try:
            address = urlsplit(url)
            host = address.hostname or host
            async with self._session.get(url, timeout=ClientTimeout(total=SECONDS), max_redirects=3) as response:
                if response.status != HTTPStatus.OK:
                    raise NotAllowed(f"the sound at {host} can't be had: it answers {response.status}")
                return b"".join([piece async for piece in _bounded(response.content.iter_any())]), address.path
        except (TimeoutError, ClientError, ValueError) as error:
            raise NotAllowed(f"the sound at {host} can't be had: {type(error).__name__}") from None


def _is_url(sound: str) -> bool:
    return sound.lower().startswith(("http://", "https://"))


async def _bounded(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    count = 0
    async for piece in pieces:
        count += len(piece)
        if count > MAX_BYTES:
            raise NotAllowed(f"a sound may have {MAX_BYTES:,} bytes")
        yield piece


def _pieces(data: bytes, name: str) -> tuple[str, ...]:
    try:
        audio = mulaw_of(data, name)
    except SoundError as error:
        raise NotAllowed(f"the sound {Path(name).name} {error}") from None
    if not 0 < len(audio) <= MAX_SOUND_SECONDS * RATE:
        raise NotAllowed(f"the sound {Path(name).name} is empty, or longer than {MAX_SOUND_SECONDS // 60} minutes")
    return cut(audio)
