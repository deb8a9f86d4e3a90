"""HTTP/1.1 by hand, as a stranger or a vendor puts it on the wire: no library decides what may be sent."""

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass

SECONDS = 60.0
"""What any answer may take, on whichever clock: so long that only what will never come takes longer."""


@dataclass(frozen=True)
class Message:
    """A request or a response: its first line, its headers by lower-case name, its body."""

    first: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def status(self) -> int:
        return int(self.first.split()[1])

    @property
    def method(self) -> str:
        return self.first.split()[0]

    @property
    def target(self) -> str:
        return self.first.split()[1]


def head(first: str, headers: Mapping[str, str] | Iterable[tuple[str, str]] = ()) -> bytes:
    """The bytes of everything before a body."""
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    return "\r\n".join([first, *(f"{name}: {value}" for name, value in pairs), "", ""]).encode()


async def read_message(reader: asyncio.StreamReader, *, has_body: bool = True) -> Message:
    """The next message of a connection. Without a length, a response's body goes to the connection's end."""
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").rstrip("\r\n").split("\r\n")
    pairs = (line.partition(":") for line in lines)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    return Message(first, headers, await _body(reader, first, headers) if has_body else b"")


async def _body(reader: asyncio.StreamReader, first: str, headers: Mapping[str, str]) -> bytes:
    if "content-length" in headers:
        return await reader.readexactly(int(headers["content-length"]))
    if headers.get("transfer-encoding") == "chunked":
        body = b""
        while size := int(await reader.readline(), 16):
            body += await reader.readexactly(size)
            await reader.readline()
        await reader.readline()
        return body
    if first.startswith("HTTP/") and first.split()[1] not in {"100", "101", "204", "304"}:
        return await reader.read()
    return b""


async def ask(port: int, *pieces: bytes) -> Message:
    """Send these bytes and give the answer, which may come before all of them are sent, as it may to curl."""
    async with asyncio.timeout(SECONDS):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            async with asyncio.TaskGroup() as group:
                sending = group.create_task(_send(writer, pieces))
                answer = await read_message(reader, has_body=not pieces[0].startswith(b"HEAD "))
                while answer.status == 100:
                    answer = await read_message(reader)
                sending.cancel()
            return answer
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()


async def _send(writer: asyncio.StreamWriter, pieces: Iterable[bytes]) -> None:
    with suppress(ConnectionError):
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
