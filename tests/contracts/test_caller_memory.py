"""What is remembered of callers: the same for every place that it is kept in."""

import sys
from contextlib import asynccontextmanager

import pytest
from click.testing import CliRunner

from ringbridge.callers.memory import InMemory
from ringbridge.callers.sqlite import open_sqlite_memory
from ringbridge.cli.main import cli
from ringbridge.errors import NotAllowed, SettingsError

ANN, BOB = "+15550100001", "+15550100002"


@pytest.fixture(params=["memory", "sqlite"])
def opened(request, tmp_path):
    @asynccontextmanager
    async def in_memory():
        yield InMemory()

    return in_memory if request.param == "memory" else lambda: open_sqlite_memory(tmp_path / "callers.sqlite")


async def test_what_is_remembered_is_recalled_by_that_caller_alone(opened):
    async with opened() as memory:
        await memory.remember(ANN, "name", "Ann")
        await memory.remember(ANN, "name", "Anna")
        await memory.remember(ANN, "diet", "'; DROP TABLE remembered; --")
        assert await memory.recall(ANN, "name") == "Anna"
        assert await memory.recall_all(ANN) == {"diet": "'; DROP TABLE remembered; --", "name": "Anna"}
        assert await memory.recall(BOB, "name") is None
        assert await memory.recall_all(BOB) == {}


async def test_it_is_forgotten_on_request(opened):
    async with opened() as memory:
        await memory.remember(ANN, "name", "Ann")
        await memory.remember(BOB, "name", "Bob")
        assert await memory.forget(ANN) == 1
        assert await memory.forget(ANN) == 0
        assert await memory.recall_all(ANN) == {}
        assert await memory.recall(BOB, "name") == "Bob"


@pytest.mark.parametrize("caller", ["", "anonymous", "client:ann", "sip:ann@example.test", "+266696687", "unknown"])
async def test_who_has_no_number_has_no_memory(opened, caller):
    async with opened() as memory:
        await memory.remember(caller, "name", "Ann")
        assert await memory.recall(caller, "name") is None
        assert await memory.recall_all(caller) == {}
        assert await memory.forget(caller) == 0


@pytest.mark.parametrize(("key", "value"), [("", "x"), ("k" * 65, "x"), ("k", "v" * 2001)])
async def test_what_is_too_long_is_refused(opened, key, value):
    async with opened() as memory:
        with pytest.raises(NotAllowed):
            await memory.remember(ANN, key, value)


async def test_no_caller_takes_more_than_their_share(opened):
    async with opened() as memory:
        for number in range(64):
            await memory.remember(ANN, f"key {number}", "x")
        with pytest.raises(NotAllowed, match="at most 64"):
            await memory.remember(ANN, "one more", "x")
        await memory.remember(ANN, "key 7", "changed")
        assert await memory.recall(ANN, "key 7") == "changed"
        await memory.remember(BOB, "name", "Bob")


async def test_a_file_outlives_the_process(tmp_path):
    path = tmp_path / "callers.sqlite"
    async with open_sqlite_memory(path) as memory:
        await memory.remember(ANN, "name", "Ann")
    async with open_sqlite_memory(path) as memory, open_sqlite_memory(path) as other:
        assert await memory.recall(ANN, "name") == "Ann"
        await other.remember(ANN, "name", "Anna")
        assert await memory.recall(ANN, "name") == "Anna"


async def test_what_was_forgotten_is_in_no_file(tmp_path):
    async with open_sqlite_memory(tmp_path / "callers.sqlite") as memory:
        await memory.remember(ANN, "name", "Ann the Unforgettable")
        assert any(b"Unforgettable" in path.read_bytes() for path in tmp_path.iterdir())
        await memory.forget(ANN)
        assert not any(b"Unforgettable" in path.read_bytes() for path in tmp_path.iterdir())


@pytest.mark.skipif(sys.platform == "win32", reason="has other permissions")
async def test_nobody_else_reads_the_files(tmp_path):
    async with open_sqlite_memory(tmp_path / "callers.sqlite") as memory:
        await memory.remember(ANN, "name", "Ann")
        assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}


@pytest.mark.parametrize("content", [b"this is no database, however long it is" * 100, None])
async def test_a_file_that_can_not_be_used_is_told_with_its_mend(tmp_path, content):
    path = tmp_path / "callers.sqlite"
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    with pytest.raises(SettingsError, match="MEMORY_FILE"):
        async with open_sqlite_memory(path):
            pass


def test_forgetting_by_command(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MEMORY_FILE", "callers.sqlite")
    run = CliRunner().invoke
    assert "there is no callers.sqlite" in run(cli, ["forget", ANN]).output
    import asyncio

    async def remember():
        async with open_sqlite_memory(tmp_path / "callers.sqlite") as memory:
            await memory.remember(ANN, "name", "Ann")

    asyncio.run(remember())
    assert run(cli, ["forget", ANN]).output == f"1 entry of {ANN} forgotten.\n"
    assert run(cli, ["forget", ANN]).output == f"0 entries of {ANN} forgotten.\n"
    assert run(cli, ["forget", "anonymous"]).exit_code == 2
