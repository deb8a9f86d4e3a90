"""Text to speech: a sentence in, mu-law out.

https://elevenlabs.io/docs/api-reference/text-to-speech/convert
"""

import re
from typing import Final

from aiohttp import web

from ringbridge.emulator.elevenlabs.answers import Refused, detail, json_body, unprocessable
from ringbridge.emulator.elevenlabs.models import MODELS
from ringbridge.emulator.speech.base import Voice

__all__ = ["TextToSpeech"]

_USUAL_MODEL: Final = "eleven_multilingual_v2"
_USUAL_FORMAT: Final = "mp3_44100_128"
_SPOKEN_FORMAT: Final = "ulaw_8000"


class TextToSpeech:
    """The two endpoints, whole and streamed. Any id of a likely form is a voice, and all of them are this one."""

    def __init__(self, voice: Voice) -> None:
        self._voice = voice

    async def convert(self, request: web.Request) -> web.Response:
        """The whole sound."""
        text = await _checked(request)
        audio = b"".join([piece async for piece in self._voice.say(text)])
        return web.Response(body=audio, content_type="audio/basic")

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """The same, each sentence as soon as it is made."""
        text = await _checked(request)
        response = web.StreamResponse(headers={"Content-Type": "audio/basic"})
        await response.prepare(request)
        async for piece in self._voice.say(text):
            await response.write(piece)
        await response.write_eof()
        return response


async def _checked(request: web.Request) -> str:
    """The text that shall be spoken. Raises `Refused`."""
    given = request.query.get("output_format", _USUAL_FORMAT)
    if given != _SPOKEN_FORMAT:
        problem = f"Input should be '{_SPOKEN_FORMAT}', the only one that this twin of ElevenLabs speaks"
        raise Refused(422, unprocessable(("query", "output_format"), problem))
    body = await json_body(request)
    if "text" not in body:
        raise Refused(422, unprocessable(("body", "text"), "Field required"))
    for name in ("text", "model_id", "language_code"):
        if not isinstance(body.get(name, ""), str):
            raise Refused(422, unprocessable(("body", name), "Input should be a valid string"))
    voice_id = request.match_info["voice_id"]
    if not re.fullmatch(r"[A-Za-z0-9]{20}", voice_id):
        raise Refused(404, detail(404, "voice_not_found", f"A voice with the voice_id {voice_id} was not found."))
    model = MODELS.get(body.get("model_id", _USUAL_MODEL))
    if model is None:
        raise Refused(400, detail(400, "model_not_found", "A model with requested ID does not exist."))
    text: str = body["text"]
    limit = model.most_characters
    if len(text) > limit:
        problem = f"This request's text has {len(text)} characters and exceeds the character limit of {limit}."
        raise Refused(400, detail(400, "max_character_limit_exceeded", problem))
    return text
