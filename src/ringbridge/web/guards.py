"""What stands before every handler: Twilio's signature, bounds on what is read, and errors without their insides."""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from multidict import MultiDict, MultiDictProxy
from yarl import query_to_pairs

from ringbridge.errors import BrokenMessage
from ringbridge.log import get_logger
from ringbridge.wire.signatures import Signed, check, diagnose

__all__ = [
    "MAX_BODY_BYTES",
    "MAX_FIELDS",
    "TwilioGuard",
    "guard_errors",
    "hide_server",
    "malformed_is_no_incident",
    "signature_of",
]

log = get_logger(__name__)

BODY_SECONDS = 5.0
"""How long a body may take. Twilio sends its few kilobytes at once."""

MAX_BODY_BYTES = 64 * 1024
"""A larger body is answered with 413."""

MAX_FIELDS = 1000
"""A form with more fields is answered with 400."""

_SIGNATURE = "X-Twilio-Signature"
_CALL_SID = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""Twilio's have CA and 32 hexadecimal digits."""


@dataclass(frozen=True, slots=True)
class TwilioGuard:
    """Lets through what Twilio signed, and refuses the rest with 403 and one line in the log that helps to mend it.

    `origin` is our public origin (`https://host` or `https://host:port`), `tokens` our auth tokens. With
    `check_upgrade` off, opening a media socket needs no signature: the call token stands behind it.
    """

    origin: str
    tokens: tuple[str, ...] = field(repr=False)
    check_upgrade: bool = True

    async def form(self, request: web.Request) -> MultiDictProxy[str]:
        """The fields of a POST that Twilio signed; empty if it is no form. The first thing that a handler awaits.

        Raises `HTTPForbidden` when Twilio has not signed it, `HTTPRequestEntityTooLarge` over 64 KiB,
        `HTTPRequestTimeout` when the body is not there after 5 s, `HTTPBadRequest` when it can't be read at all, or
        names a call as Twilio never would.
        """
        signature = self._signature(request)
        body = await _body(request)
        form: MultiDict[str] = MultiDict()
        signed: MultiDict[str] | str = form
        if request.content_type == "application/x-www-form-urlencoded":
            form.extend(_fields(request, body))
        elif request.content_type == "application/json":
            signed = body.decode(errors="replace")
        self._check(request, Signed(self.origin, request.raw_path, signature, signed))
        call_sids = form.getall("CallSid", [])
        if len(call_sids) > 1 or not all(map(_CALL_SID.fullmatch, call_sids)):
            log.warning("refused", route=_route(request), diagnosis="CallSid is none of Twilio's")
            raise web.HTTPBadRequest(text="")
        return MultiDictProxy(form)

    def upgrade(self, request: web.Request) -> None:
        """Let a media socket be opened. Raises `HTTPForbidden` when Twilio has not signed the opening request."""
        if self.check_upgrade:
            signature = self._signature(request)
            self._check(request, Signed(self.origin, request.raw_path, signature, upgrade=True))

    def _signature(self, request: web.Request) -> str:
        values = request.headers.getall(_SIGNATURE, [])
        if len(values) == 1:
            return values[0]
        diagnosis = f"{len(values)} signatures, not from Twilio or lost in a proxy"
        log.warning("refused", route=_route(request), diagnosis=diagnosis)
        raise web.HTTPForbidden(text="")

    def _check(self, request: web.Request, signed: Signed) -> None:
        if check(signed, self.tokens):
            return
        diagnosis = diagnose(
            signed,
            self.tokens,
            host=request.headers.get("Host"),
            forwarded_host=request.headers.get("X-Forwarded-Host"),
        )
        log.warning("refused", route=_route(request), diagnosis=str(diagnosis))
        raise web.HTTPForbidden(text="")


@web.middleware
async def guard_errors(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Turn what a handler raises into an answer without its insides: 400 for a broken message, otherwise 500."""
    try:
        return await handler(request)
    except web.HTTPException:
        raise
    except BrokenMessage as error:
        log.warning("refused a broken request", route=_route(request), problem=str(error))
        return web.Response(status=400)
    except Exception:
        log.exception("a handler failed", route=_route(request))
        transport = request.transport
        if transport is not None and (request.writer.output_size or transport.get_protocol() is not request.protocol):
            transport.abort()  # a WebSocket by now: an answer would be rubbish among its frames
        return web.Response(status=500)


def signature_of(request: web.Request) -> str:
    """The signature of a request that `TwilioGuard` has let through."""
    return request.headers[_SIGNATURE]


def malformed_is_no_incident(record: logging.LogRecord) -> bool:
    """A filter for the logger `aiohttp.server`: a request that can't be parsed is one line, not a traceback."""
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, HttpProcessingError):
        log.warning("refused a malformed request", kind=type(error).__name__)
    # A broken body surfaces once more when the rest of it is read past; whoever wanted it has told that already.
    return not isinstance(error, HttpProcessingError | web.RequestPayloadError)


async def hide_server(request: web.Request, response: web.StreamResponse) -> None:
    """Take the name and version of our server software off an answer: for `app.on_response_prepare`."""
    response.headers.pop("Server", None)


async def _body(request: web.Request) -> bytes:
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while chunk := await request.content.readany():
                body += chunk
                if len(body) > MAX_BODY_BYTES:
                    raise _refused(request, web.HTTPRequestEntityTooLarge(MAX_BODY_BYTES, text=""))
    except TimeoutError:
        raise _refused(request, web.HTTPRequestTimeout(text="")) from None
    except (web.RequestPayloadError, HttpProcessingError, ConnectionError):
        raise _refused(request, web.HTTPBadRequest(text="")) from None
    return bytes(body)


def _refused(request: web.Request, answer: web.HTTPException) -> web.HTTPException:
    """The same answer, after which the connection is closed: what is left of the body is not worth reading."""
    log.warning("refused", route=_route(request), diagnosis=f"body {answer.reason}")
    answer.force_close()
    return answer


def _fields(request: web.Request, body: bytes) -> list[tuple[str, str]]:
    """The fields of a form in UTF-8, which is what Twilio sends whatever else a client may claim.

    Escapes of other bytes are read as U+FFFD, and have to fit the signature as that.
    """
    try:
        return query_to_pairs(body.decode(), max_fields=MAX_FIELDS)
    except ValueError:
        raise _refused(request, web.HTTPBadRequest(text="")) from None


def _route(request: web.Request) -> str:
    """Method and path as our own table has them: what a stranger asked for may be anything."""
    resource = request.match_info.route.resource
    return f"{request.method} {resource.canonical if resource else '(no route)'}"
