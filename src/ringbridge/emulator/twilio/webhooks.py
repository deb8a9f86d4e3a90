"""Twilio's HTTP requests: signed, with its deadlines, its retries and its errors.

https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides for the deadlines and retries.
"""

import asyncio
import re
import uuid
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from aiohttp import ClientConnectorError, ClientError, ClientResponse, ClientTimeout, ConnectionTimeoutError
from yarl import URL

from ringbridge.emulator.twilio.account import Method
from ringbridge.emulator.twilio.exchange import Exchange
from ringbridge.emulator.twilio.overrides import Overrides, read
from ringbridge.emulator.twilio.records import Journal
from ringbridge.emulator.twilio.signing import Fields, pairs, signature

__all__ = ["NoAnswer", "Reply", "Webhooks", "valid_public_url", "valid_url"]

MAX_BODY_BYTES = 64 * 1024

_FORM = "application/x-www-form-urlencoded; charset=UTF-8"
_HOST = re.compile(r"[A-Za-z0-9.-]+|[0-9A-Fa-f:.]+")
_PUBLIC_HOST = re.compile(r"(?:(?!-)[A-Za-z0-9-]{1,63}(?<!-)\.)+(?!-)[A-Za-z0-9-]{1,63}(?<!-)")


class NoAnswer(Exception):
    """A request had no usable answer. `code` is Twilio's error."""

    def __init__(self, code: int, why: str) -> None:
        self.code = code
        super().__init__(why)


class _Lost(Exception):
    """A fault has swallowed the request."""


class _Failed(Exception):
    """One attempt had no usable answer: `kind` as connection overrides name it, `code` Twilio's error."""

    def __init__(self, kind: str, code: int, why: str) -> None:
        self.kind = kind
        self.code = code
        super().__init__(why)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer with a status of 200 to 299."""

    content_type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class _Letter:
    """One request, ready to be sent; a retry sends the same."""

    method: Method
    url: str
    headers: dict[str, str]
    body: bytes | None
    facts: dict[str, object]
    overrides: Overrides


class Webhooks:
    """Sends the requests of one call, and writes each of them down."""

    def __init__(self, exchange: Exchange, journal: Journal) -> None:
        self._exchange = exchange
        self._journal = journal
        self._belated: list[tuple[float, _Letter]] = []

    async def ask(self, url: str, fields: Fields, *, method: Method = "POST", faulty: bool = False) -> Reply:
        """Send one request and return its answer, within 15 s or what the fragment of `url` says instead.

        `url` is absolute. `faulty` says that a fault of the place "webhook" may strike it. Raises `NoAnswer`.
        """
        letter = self._letter(url, fields, method)
        seconds = letter.overrides.total_seconds
        try:
            async with asyncio.timeout(seconds):
                lost = await self._strike(letter) if faulty else False
                self._journal.note("request", **letter.facts)
                return await self._attempts(letter, lost=lost)
        except TimeoutError:
            self._journal.note("no_response", **letter.facts, error="timeout")
            raise NoAnswer(11200, f"{url} did not answer within {seconds:g} s") from None

    def _letter(self, url: str, fields: Fields, method: Method) -> _Letter:
        overrides = read(url)
        url = url.partition("#")[0]  # it never travels
        if not valid_url(url, {"http", "https"}):
            raise NoAnswer(11100, f"{url!r} is no http or https URL of a valid host")
        form = pairs(fields)
        facts: dict[str, object] = {"method": method, "url": url, "fields": dict(fields)}
        body = urlencode(form).encode() if method == "POST" else None
        if body is None and form:
            url += ("&" if "?" in url else "?") + urlencode(form)
        headers = {
            "User-Agent": "TwilioProxy/1.1",
            "Accept": "*/*",
            "X-Twilio-Signature": signature(self._exchange.auth_token, url, form if body is not None else ()),
            "I-Twilio-Idempotency-Token": str(uuid.uuid4()),
        }
        if body is not None:
            headers["Content-Type"] = _FORM
        return _Letter(method, url, headers, body, facts, overrides)

    async def deliver_belated(self) -> None:
        """Let arrive what a fault held back until now; nobody reads the answers. To be called at the call's end."""
        for seconds, letter in self._belated:
            await asyncio.sleep(seconds)
            self._journal.note("request", **letter.facts)
            with suppress(NoAnswer):  # it is in the journal
                await self._attempts(letter, lost=False)

    async def _strike(self, letter: _Letter) -> bool:
        """Carry out the faults that strike this request. True when it never arrives."""
        lost = False
        for fault in self._exchange.faults.take("webhook"):
            self._journal.note("fault", where=fault.where, fault=fault.kind)
            await asyncio.sleep(fault.after_ms / 1000)
            match fault.kind:
                case "delay":
                    await asyncio.sleep(fault.ms / 1000)
                case "refuse":
                    lost = True
                case "twice":
                    self._journal.note("request", **letter.facts)
                    await self._attempts(letter, lost=lost)
                    await asyncio.sleep(fault.ms / 1000)
                case "after_end":
                    self._belated.append((fault.ms / 1000, letter))
                    await asyncio.Event().wait()  # until it is given up
        return lost

    async def _attempts(self, letter: _Letter, *, lost: bool) -> Reply:
        attempt = 0
        while True:
            attempt += 1
            try:
                return await self._attempt(letter, attempt, lost=lost)
            except _Failed as failed:
                if failed.kind not in letter.overrides.retried or attempt > letter.overrides.retries:
                    raise NoAnswer(failed.code, f"{letter.facts['url']} {failed}") from failed

    async def _attempt(self, letter: _Letter, attempt: int, *, lost: bool) -> Reply:
        """One request. Raises `_Failed`."""
        try:
            response, body = await self._send(letter, lost=lost)
        except (_Lost, ClientConnectorError, ConnectionTimeoutError) as error:
            self._journal.note("no_response", **letter.facts, attempt=attempt, error=str(error))
            raise _Failed("ct", 11205, "could not be reached") from error
        except (ClientError, OSError) as error:
            self._journal.note("no_response", **letter.facts, attempt=attempt, error=str(error))
            raise _Failed("rt", 11200, f"broke off: {error}") from error
        text = body.decode(errors="replace")
        self._journal.note("response", **letter.facts, status=response.status, body=text)
        if not 200 <= response.status < 300:
            raise _Failed(f"{response.status // 100}xx", 11200, f"answered {response.status}")
        if len(body) > MAX_BODY_BYTES:
            raise _Failed("", 11750, f"answered more than {MAX_BODY_BYTES} bytes")
        return Reply(response.headers.get("Content-Type", ""), body)

    async def _send(self, letter: _Letter, *, lost: bool) -> tuple[ClientResponse, bytes]:
        if lost:
            raise _Lost("it never arrived")
        route = self._exchange.addresses.route(letter.url)
        given = letter.overrides
        async with self._exchange.session.request(
            letter.method,
            URL(route.url, encoded=True),
            headers={**route.headers, **letter.headers},
            data=letter.body,
            allow_redirects=False,
            timeout=ClientTimeout(total=None, sock_connect=given.connect_seconds, sock_read=given.read_seconds),
        ) as response:
            return response, await _read(response)


def valid_url(url: str, schemes: set[str]) -> bool:
    """Whether Twilio would try `url` at all: of one of the schemes, with a host, which has no underscore."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError:
        return False
    return parts.scheme in schemes and _HOST.fullmatch(host) is not None and not re.search(r"\s", url)


def valid_public_url(url: str) -> bool:
    """Whether Twilio takes `url` as a number's webhook: `valid_url`, and of a host that the world could know.

    https://www.twilio.com/docs/api/errors/21402
    """
    return valid_url(url, {"http", "https"}) and _PUBLIC_HOST.fullmatch(urlsplit(url).hostname or "") is not None


async def _read(response: ClientResponse) -> bytes:
    """The body, up to just beyond what Twilio takes."""
    body = bytearray()
    async for piece in response.content.iter_chunked(MAX_BODY_BYTES):
        body += piece
        if len(body) > MAX_BODY_BYTES:
            break
    return bytes(body)
