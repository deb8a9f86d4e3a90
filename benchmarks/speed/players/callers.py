"""Plays Twilio at full load: rings, signs, streams, hangs up.

    python -m benchmarks.speed.players.callers

How it signs: https://www.twilio.com/docs/usage/webhooks/webhooks-security.
"""

import asyncio
import base64
import hmac
import secrets
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha1
from typing import Any, Final
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

from aiohttp import ClientError, ClientSession, ClientTimeout, TCPConnector
from benchmarks.speed.players.audio import Tally
from benchmarks.speed.players.clock import Metronome
from benchmarks.speed.players.desk import pay_attention, percentiles, played, tallied
from benchmarks.speed.players.leg import FRAME_MS, Leg
from picows import WSError, ws_connect

ANSWER_SECONDS: Final = 10.0
HANG_UP_SECONDS: Final = 2.0
OWN_NUMBER: Final = "+15550100002"
ORDERS: Final = ("dial", "greet", "begin", "end", "quiet", "speak", "heard", "hang_up")


class NotTaken(Exception):
    """A call did not come about."""


@dataclass(frozen=True, slots=True)
class Line:
    """The number that is phoned: the bridge's port and public host, and the account that owns it."""

    port: int
    host: str
    account_sid: str
    auth_token: str


class Callers:
    """All callers of one bridge. Its public methods are what it can be ordered to do."""

    def __init__(self, session: ClientSession) -> None:
        self._session = session
        self._clock: Metronome[Leg] = Metronome(FRAME_MS)
        self._tally = Tally()
        self._legs: list[Leg] = []
        self._numbers = 0

    async def dial(self, *, calls: int, at_once: int, **line: Any) -> dict[str, Any]:
        """Place so many calls, some at once, and leave them talking."""

        async def place() -> None:
            leg = await self._call(Line(**line))
            self._legs.append(leg)
            self._clock.add(leg)

        problems = await _repeat(place, calls, at_once)
        return {"up": sum(leg.is_up for leg in self._legs), "problems": problems[:3]}

    async def greet(self, *, calls: int, at_once: int, pause: float, stay: float, **line: Any) -> dict[str, Any]:
        """Place short calls: each is over `stay` seconds after it was spoken to.

        Twilio takes `pause` seconds to open a stream. Gives the waits from `start` to the first sample.
        """
        waits: list[int] = []

        async def place() -> None:
            leg = await self._call(Line(**line), pause)
            async with asyncio.timeout(ANSWER_SECONDS):
                await leg.spoken_to.wait()
            waits.append(leg.first_audio_us - leg.started_us)
            await asyncio.sleep(stay)
            leg.hang_up()
            await _ended([leg])

        problems = await _repeat(place, calls, at_once)
        return {"calls": len(waits), "wait_ms": percentiles(waits), "problems": problems[:3]}

    async def begin(self) -> dict[str, Any]:
        """Count from now on."""
        self._tally = Tally()
        for leg in self._legs:
            leg.ear.count_in(self._tally)
        del self._clock.lateness[:]
        return {}

    async def end(self) -> dict[str, Any]:
        """Give what was counted."""
        return tallied(self._tally, self._clock.lateness) | {"up": sum(leg.is_up for leg in self._legs)}

    async def quiet(self) -> dict[str, Any]:
        """Speak no more; gives how many frames each call sent."""
        for leg in self._legs:
            self._clock.remove(leg)
        return {"sent": {leg.ear.call: leg.mouth.sent for leg in self._legs}}

    async def speak(self) -> dict[str, Any]:
        """Go on where they fell silent."""
        for leg in self._legs:
            self._clock.remove(leg)  # whoever speaks already does not speak twice
            self._clock.add(leg)
        return {}

    async def heard(self) -> dict[str, Any]:
        """Give the number of the last frame that each call heard; -1 for none."""
        return {"heard": {leg.ear.call: leg.ear.heard for leg in self._legs}}

    async def hang_up(self) -> dict[str, Any]:
        """End all calls."""
        legs, self._legs = self._legs, []
        for leg in legs:
            self._clock.remove(leg)
            leg.hang_up()
        await _ended(legs)
        return {}

    async def _call(self, line: Line, pause: float = 0.0) -> Leg:
        self._numbers = number = self._numbers + 1
        sid = f"CA{secrets.token_hex(16)}"
        url, parameters = await self._ring(line, sid, f"+1555{number % 10_000_000:07d}")
        await asyncio.sleep(pause)
        leg = Leg(number, sid, line.account_sid, parameters, self._tally)
        await ws_connect(
            lambda: leg,
            f"ws://127.0.0.1:{line.port}{urlsplit(url).path}",
            extra_headers={
                "Host": line.host,
                "User-Agent": "Twilio.TmeWs/1.0",
                "X-Forwarded-Proto": "https",
                "X-Twilio-Signature": signature(line.auth_token, url),
            },
        )
        if not leg.is_up:
            raise NotTaken("the stream was closed at once")
        return leg

    async def _ring(self, line: Line, sid: str, caller: str) -> tuple[str, dict[str, str]]:
        """Ask what to do with a call; gives the stream's URL and parameters."""
        form = {
            "AccountSid": line.account_sid,
            "ApiVersion": "2010-04-01",
            "CallSid": sid,
            "CallStatus": "ringing",
            "Called": OWN_NUMBER,
            "Caller": caller,
            "Direction": "inbound",
            "From": caller,
            "To": OWN_NUMBER,
        }
        signed = signature(line.auth_token, f"https://{line.host}/incoming-call", form)
        headers = {"Host": line.host, "X-Forwarded-Proto": "https", "X-Twilio-Signature": signed}
        url = f"http://127.0.0.1:{line.port}/incoming-call"
        async with self._session.post(url, data=form, headers=headers) as answer:
            document = await answer.text()
        if answer.status != 200:
            raise NotTaken(f"the webhook was answered with {answer.status}")
        stream = ET.fromstring(document).find("Connect/Stream")  # noqa: S314 - our own bridge's
        if stream is None:
            raise NotTaken(f"no stream: {document}")
        return stream.attrib["url"], {one.attrib["name"]: one.attrib["value"] for one in stream.iter("Parameter")}


async def _repeat(place: Callable[[], Awaitable[None]], times: int, at_once: int) -> list[str]:
    """Place calls, so many at once; gives what went wrong. Whoever fails does not try again."""
    left, problems = iter(range(times)), []

    async def caller() -> None:
        for _ in left:
            try:
                await place()
            except (NotTaken, ClientError, WSError, OSError, TimeoutError) as problem:
                problems.append(repr(problem))
                return

    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(caller())
    return problems


async def _ended(legs: Iterable[Leg]) -> None:
    """Wait until the bridge has closed their streams, but not for ever."""
    with suppress(TimeoutError):
        async with asyncio.timeout(HANG_UP_SECONDS):
            for leg in legs:
                await leg.over.wait()


def signature(auth_token: str, url: str, form: Mapping[str, str] | None = None) -> str:
    """Base64 of the HMAC-SHA1 of the URL and all names and values, sorted."""
    signed = url + "".join(name + value for name, value in sorted((form or {}).items()))
    return base64.b64encode(hmac.new(auth_token.encode(), signed.encode(), sha1).digest()).decode()


async def _play() -> None:
    connector = TCPConnector(limit=0, force_close=True)  # Twilio keeps no connection to a webhook
    async with ClientSession(connector=connector, timeout=ClientTimeout(total=ANSWER_SECONDS)) as session:
        await pay_attention(Callers(session), ORDERS)


if __name__ == "__main__":
    played(_play())
