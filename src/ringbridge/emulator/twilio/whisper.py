"""What whoever takes a dialled call hears before the caller does: the document at the `url` of a `<Number>`.

https://www.twilio.com/docs/voice/twiml/number, "url"
"""

import asyncio
from dataclasses import replace
from urllib.parse import urljoin

from ringbridge.emulator.twilio.leg import Dialled, Leg, Source
from ringbridge.emulator.twilio.sounds import APOLOGY, MS_PER_CHARACTER
from ringbridge.emulator.twilio.twiml import Hangup, Pause, Play, Redirect, Say, TwimlError, read_document
from ringbridge.emulator.twilio.webhooks import NoAnswer

__all__ = ["whisper"]

SOUND_SECONDS = 1.0
"""How long a sound takes; it is not fetched."""


async def whisper(leg: Leg, dialled: Dialled, source: Source) -> bool:
    """Run a document for whoever answered a `<Dial>` of `leg`. Whether the two are to be joined then.

    `source` has all fields of the request. One that can't be had or carried out is apologized for, and ends the leg, as
    on any other; that it does so here is documented nowhere.
    """
    try:
        return await _run(leg, dialled, source)
    except (NoAnswer, TwimlError) as failure:
        leg.journal.error(failure.code, str(failure))
        await _hear(dialled, APOLOGY)
        return False


async def _run(leg: Leg, dialled: Dialled, source: Source) -> bool:
    reply = await leg.webhooks.ask(source.url, source.fields, method=source.method, faulty=True)
    for verb in read_document(reply.body, reply.content_type):
        match verb:
            case Say(text=text):
                await _hear(dialled, text)
            case Play(url=url):
                dialled.whispered.append(urljoin(source.url, url))
                await asyncio.sleep(SOUND_SECONDS)
            case Pause(seconds=seconds):
                await asyncio.sleep(seconds)
            case Redirect(url=url, method=method):
                return await _run(leg, dialled, replace(source, url=urljoin(source.url, url), method=method))
            case Hangup():
                return False
            case _:
                raise TwimlError(13201, f"<{type(verb).__name__}> is not for whoever is dialled")
    return True


async def _hear(dialled: Dialled, text: str) -> None:
    dialled.whispered.append(text)
    await asyncio.sleep(len(text) * MS_PER_CHARACTER / 1000)
