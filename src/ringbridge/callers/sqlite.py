"""What is remembered of callers, in one SQLite file, which several processes of one machine may share."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path

from ringbridge.callers.base import MAX_ENTRIES, check, is_known
from ringbridge.errors import NotAllowed, SettingsError

__all__ = ["SQLiteMemory", "open_sqlite_memory"]

SECONDS = 2.0
"""What one request may take: the caller is waiting."""

VERSION = 1

_SCHEMA = """
CREATE TABLE IF NOT EXISTS remembered (
    caller TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (caller, key)
) WITHOUT ROWID, STRICT
"""


class SQLiteMemory:
    """A `CallerMemory` in a file. All of it runs in one thread, one request after the other."""

    def __init__(self, database: sqlite3.Connection, thread: ThreadPoolExecutor) -> None:
        """Made by `open_sqlite_memory`."""
        self._database = database
        self._thread = thread

    async def remember(self, caller: str, key: str, value: str) -> None:
        """Keep an entry."""
        check(key, value)
        if not is_known(caller):
            return
        kept = await self._change(
            "INSERT INTO remembered (caller, key, value) SELECT ?, ?, ?"
            " WHERE (SELECT count(*) FROM remembered WHERE caller = ? AND key <> ?) < ?"
            " ON CONFLICT (caller, key) DO UPDATE SET value = excluded.value",
            (caller, key, value, caller, key, MAX_ENTRIES),
        )
        if not kept:
            raise NotAllowed(f"at most {MAX_ENTRIES} things can be remembered of one caller")

    async def recall(self, caller: str, key: str) -> str | None:
        """The entry of that key."""
        rows = await self._read("SELECT value FROM remembered WHERE caller = ? AND key = ?", (caller, key))
        return rows[0][0] if rows else None

    async def recall_all(self, caller: str) -> dict[str, str]:
        """Every entry of this caller."""
        rows = await self._read("SELECT key, value FROM remembered WHERE caller = ? ORDER BY key", (caller,))
        return {row[0]: row[1] for row in rows}

    async def forget(self, caller: str) -> int:
        """Delete every entry of this caller, from the file and from its log."""
        count = await self._change("DELETE FROM remembered WHERE caller = ?", (caller,))
        await self._read("PRAGMA wal_checkpoint(TRUNCATE)", ())
        return count

    async def _read(self, statement: str, values: tuple[str, ...]) -> list[tuple[str, ...]]:
        def read() -> list[tuple[str, ...]]:
            return self._database.execute(statement, values).fetchall()

        async with asyncio.timeout(SECONDS):
            return await asyncio.get_running_loop().run_in_executor(self._thread, read)

    async def _change(self, statement: str, values: tuple[str | int, ...]) -> int:
        def change() -> int:
            return self._database.execute(statement, values).rowcount

        async with asyncio.timeout(SECONDS):
            return await asyncio.get_running_loop().run_in_executor(self._thread, change)


@asynccontextmanager
async def open_sqlite_memory(path: Path) -> AsyncIterator[SQLiteMemory]:
    """Open the file, and make it if it is not there. Raises `SettingsError` when that can't be done."""
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(1, "caller memory") as thread:
        database = await loop.run_in_executor(thread, _open, path)
        try:
            yield SQLiteMemory(database, thread)
        finally:
            await loop.run_in_executor(thread, database.close)


def _open(path: Path) -> sqlite3.Connection:
    try:
        # Each statement stands alone: no transaction is left open by one that was given up on.
        path.touch(mode=0o600)
        database = sqlite3.connect(path, timeout=SECONDS, isolation_level=None)
    except (OSError, sqlite3.Error):
        raise _unusable(path) from None
    try:
        _prepare(database, path)
    except sqlite3.Error:
        database.close()
        raise _unusable(path) from None
    except SettingsError:
        database.close()
        raise
    return database


def _prepare(database: sqlite3.Connection, path: Path) -> None:
    ((version,),) = database.execute("PRAGMA user_version").fetchall()
    if version not in (0, VERSION):
        raise SettingsError([f"MEMORY_FILE: {path} is of a newer Ringbridge; use that, or name another file"])
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA secure_delete = ON")  # what is forgotten is overwritten
    database.execute(_SCHEMA)
    database.execute(f"PRAGMA user_version = {VERSION}")


def _unusable(path: Path) -> SettingsError:
    return SettingsError([f"MEMORY_FILE: {path} can't be opened as an SQLite file; name one in a folder that is ours"])
