"""Calls between vendors written by hand, for faults that no twin would make."""

import base64
from contextlib import suppress
from importlib.resources import files

from ..integration.raw_house import noise, verbs
from ..integration.raw_websocket import Ended

CLIPS = {
    (files("ringbridge") / f"clips/en/{name}.ulaw").read_bytes(): f"*{name.replace('_', ' ')}*"
    for name in ("one_moment", "still_here", "sorry", "farewell", "time_nearly_up")
}

WORDS = noise(1600)
"""What the agent says, and the caller, too."""


async def hears(stream, *, echoes=True):
    """What the caller hears until the stream ends, by names; marks come back unless `echoes` is off."""
    names, audio = [], b""
    with suppress(Ended):
        while True:
            message = await stream.socket.receive()
            if message["event"] == "mark" and echoes:
                stream.socket.send(event="mark", streamSid=stream.sid, mark=message["mark"])
            if message["event"] != "media":
                continue
            audio += base64.b64decode(message["media"]["payload"])
            for known, name in {**CLIPS, WORDS: "answer"}.items():
                if audio.startswith(known):
                    names, audio = [*names, name], audio[len(known) :]
    assert audio == b""
    return ", ".join(names)


async def after_stream(home, call_sid):
    """The verbs that follow the stream."""
    return ", ".join(f"`<{verb}>`" for verb in await home.after_stream(call_sid) if verb != "Say")


async def goes_on(home, call):
    """The call carries audio and words as before, and nothing is left of it."""
    await call.carries(WORDS)
    brain = await home.brain(call.conversation.id)
    brain.send(type="user_transcript", user_transcript=[{"role": "user", "content": "hello"}], event_id=7)
    assert (await brain.until("type", "agent_response"))["event_id"] == 7
    await call.hang_up()
    await home.has_given_back()


async def twiml(home, path, form):
    """The verbs that a webhook is answered with."""
    return verbs(await home.twilio.post(path, form))
