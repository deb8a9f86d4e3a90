"""Signed URLs that lead elsewhere: whoever answers in ElevenLabs' place must not be sent a caller's voice."""

import asyncio

import pytest

from ..integration.raw_house import House, new_call_sid
from ..integration.raw_http import Message, head
from ..integration.raw_vendors import Vendor, json_answer
from .bridge import unharmed

SIGNED_URL = "/v1/convai/conversation/get-signed-url"


class Lure(Vendor):
    """A server of a stranger's. Whatever it is asked, it has won."""

    def answer(self, request: Message, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(head("HTTP/1.1 200 OK", {"Content-Length": "0"}))


LURES = {
    "another host": "ws://localhost:{port}/talk?signature=1",
    "another host, encrypted": "wss://localhost:{port}/talk?signature=1",
    "our host as a user's name": "ws://127.0.0.1@localhost:{port}/talk",
    "our host as a password": "ws://x:127.0.0.1@localhost:{port}/talk",
    "our host in the path": "ws://localhost:{port}/127.0.0.1",
    "our host in the fragment": "ws://localhost:{port}#@127.0.0.1",
    "our host as a label": "ws://127.0.0.1.localhost:{port}/talk",
    "a backslash": "ws://localhost:{port}\\@127.0.0.1/talk",
    "the host in decimal": "ws://2130706433:{port}/talk",
    "the host in hexadecimal": "ws://0x7f000001:{port}/talk",
    "the short host": "ws://127.1:{port}/talk",
    "every address": "ws://0.0.0.0:{port}/talk",
    "IPv6": "ws://[::1]:{port}/talk",
    "IPv4 in IPv6": "ws://[::ffff:127.0.0.1]:{port}/talk",
    "http": "http://127.0.0.1:{port}/talk",
    "a file": "file:///etc/passwd",
    "no scheme": "//127.0.0.1:{port}/talk",
    "a line break": "ws://localhost:{port}/talk\r\nHost: 127.0.0.1",
    "metadata of a cloud": "ws://169.254.169.254/latest/meta-data/",
}


@pytest.mark.parametrize("lure", LURES)
async def test_no_voice_goes_where_a_signed_url_lures_it(lure, caplog):
    async with unharmed(caplog) as home, Lure() as stranger:
        own, home.elevenlabs.signed_url = home.elevenlabs.signed_url, LURES[lure].format(port=stranger.port)
        await fails(home)
        home.elevenlabs.signed_url = own
        assert stranger.connections == 0


async def test_no_voice_goes_where_a_conversation_is_redirected(caplog):
    async with unharmed(caplog) as home, Lure() as stranger:
        there = {"Location": f"ws://127.0.0.1:{stranger.port}/talk", "Content-Length": "0"}
        home.elevenlabs.instead["/talk"] = head("HTTP/1.1 302 Found", there)
        await fails(home)
        del home.elevenlabs.instead["/talk"]
        assert stranger.connections == 0


async def test_no_key_goes_where_a_request_for_a_signed_url_is_redirected(caplog):
    async with unharmed(caplog) as home, Lure() as stranger:
        there = {"Location": f"http://127.0.0.1:{stranger.port}/", "Content-Length": "0"}
        home.elevenlabs.instead[SIGNED_URL] = head("HTTP/1.1 302 Found", there)
        await fails(home)
        del home.elevenlabs.instead[SIGNED_URL]
        assert stranger.connections == 0


async def test_an_endless_signed_url_is_not_waited_for(caplog):
    async with unharmed(caplog) as home:
        home.elevenlabs.instead[SIGNED_URL] = json_answer({"signed_url": "ws://127.0.0.1/" + "x" * 1_000_000})
        await fails(home)
        del home.elevenlabs.instead[SIGNED_URL]


async def fails(home: House) -> None:
    """A call for which there is no conversation: its caller is told so, and Twilio's next question ends it."""
    sid = new_call_sid()
    token = await home.announce(sid)
    stream = await home.stream(sid)
    stream.begin(token)
    await stream.socket.ended()
    answer = await home.twilio.post("/call-ended", home.form(sid, "in-progress"))
    assert b"<Stream" not in answer.body
    await home.twilio.post("/stream-status", home.form(sid, "completed"))
