"""Every row: what it is answered with, that it cost nothing, and that the next call is carried all the same."""

import asyncio
from collections.abc import Callable, Iterator

import pytest

from ..integration.raw_house import House
from ..integration.raw_http import Message
from . import brains, http, streams, webhooks
from .bridge import FORGOTTEN_SECONDS, SECRETS, unharmed
from .row import Row, status_of

GROUPS: dict[str, Callable[[], Iterator[Row]]] = {
    "webhook signatures": webhooks.signatures,
    "webhook fields": webhooks.fields,
    "webhook bodies": webhooks.bodies,
    "webhook markup": webhooks.markup,
    "webhook replays": webhooks.replays,
    "methods": http.methods,
    "targets": http.targets,
    "headers": http.headers,
    "chunks": http.chunks,
    "sizes": http.sizes,
    "slowness": http.slowness,
    "operator routes": http.operators,
    "upgrades": streams.upgrades,
    "call tokens": streams.tokens,
    "first messages": streams.knocks,
    "frames": streams.frames,
    "brain proofs": brains.proofs,
    "brain floods": brains.floods,
}

SHORT_BYTES = 200
"""The body of a refusal tells no more than what was wrong."""


def test_there_are_at_least_sixty_rows_and_each_has_a_name_of_its_own() -> None:
    rows = [(group, row.name) for group, make in GROUPS.items() for row in make()]
    assert len(rows) >= 60
    assert len(rows) == len(set(rows))


@pytest.mark.parametrize("group", GROUPS)
async def test_a_stranger_costs_nothing(group, caplog, subtests):
    async with unharmed(caplog) as home:
        for row in GROUPS[group]():
            with subtests.test(msg=row.name):
                answer = await row.send(home)
                assert status_of(answer) in row.expected, answer
                if isinstance(answer, Message):
                    assert_tells_nothing(answer, row)
                assert upstream(home) == (0, 0)
            home.elevenlabs.connections = home.rest.connections = 0
        await asyncio.sleep(FORGOTTEN_SECONDS)
        assert upstream(home) == (0, 0)


def upstream(home: House) -> tuple[int, int]:
    """Connections to ElevenLabs (signed URLs and conversations), and to Twilio's REST."""
    return home.elevenlabs.connections, home.rest.connections


def assert_tells_nothing(answer: Message, row: Row) -> None:
    if row.check is not None:
        row.check(answer)
    elif answer.status >= 400:
        assert len(answer.body) < SHORT_BYTES
    assert b"Traceback" not in answer.body
    assert not answer.headers.get("server")
    assert not any(secret in f"{answer.headers} {answer.body!r}" for secret in SECRETS)
