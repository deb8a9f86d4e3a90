"""How ElevenLabs' REST API says no, and reads what it is sent.

https://elevenlabs.io/docs/eleven-api/resources/errors
"""

import json
from collections.abc import Sequence
from typing import Final

from aiohttp import web

from ringbridge.emulator.elevenlabs.messages import Message

__all__ = ["Refused", "detail", "json_body", "paged", "unprocessable"]

_STATUSES: Final = {
    401: ("invalid_api_key", "Invalid API key"),
    404: ("not_found", "The requested resource was not found."),
    429: ("too_many_concurrent_requests", "Too many concurrent requests."),
    503: ("system_busy", "The system is busy."),
}


class Refused(Exception):
    """The request ends here, with this response."""

    def __init__(self, status: int, response: web.Response | None = None) -> None:
        self.response = response or detail(status)


def detail(status: int, name: str = "", text: str = "") -> web.Response:
    """An error that the vendor's own code found. Without `name` and `text` it has those usual for its status."""
    usual, message = _STATUSES.get(status, ("internal_error", "Something went wrong."))
    return web.json_response({"detail": {"status": name or usual, "message": text or message}}, status=status)


def unprocessable(path: tuple[str, ...], text: str) -> web.Response:
    """An error that the check of a request's form found at `path`."""
    problem = {"type": "missing" if text == "Field required" else "value_error", "loc": path, "msg": text}
    return web.json_response({"detail": [problem]}, status=422)


async def json_body(request: web.Request) -> Message:
    """The object that a request carries. Raises `Refused` for anything else."""
    try:
        body = json.loads(await request.text())
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise Refused(422, unprocessable(("body",), "Input should be a valid dictionary"))
    return body


def paged(request: web.Request, key: str, found: Sequence[Message]) -> web.Response:
    """A page of a list, by `cursor` and `page_size`. Raises `Refused` for what is no number."""
    try:
        size = min(100, int(request.query.get("page_size", "30")))
        start = int(request.query.get("cursor") or "0")
    except ValueError:
        raise Refused(422, unprocessable(("query", "page_size"), "Input should be a valid integer")) from None
    end = start + size
    more = end < len(found)
    return web.json_response({key: found[start:end], "has_more": more, "next_cursor": str(end) if more else None})
