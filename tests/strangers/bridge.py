"""The bridge that strangers come to."""

import asyncio
import logging
from contextlib import asynccontextmanager

import pytest

from ..integration.raw_house import house
from ..integration.raw_proofs import API_KEY, AUTH_TOKEN, SHARED_SECRET

FORGOTTEN_SECONDS = 100
"""After so long nothing that could still happen will."""

SECRETS = (API_KEY, AUTH_TOKEN, SHARED_SECRET)


@asynccontextmanager
async def unharmed(caplog: pytest.LogCaptureFixture):
    """A bridge that is none the worse for whatever is done to it."""
    caplog.set_level(logging.INFO)
    async with house() as home:
        yield home
        await asyncio.sleep(FORGOTTEN_SECONDS)
        await home.is_healthy()
        await home.has_given_back()
        await home.carries_a_call()
    told = [(record, record.getMessage()) for record in caplog.get_records("call")]
    assert [text for record, text in told if record.exc_info or "Traceback" in text] == []
    assert not any(secret in text for _, text in told for secret in SECRETS)
