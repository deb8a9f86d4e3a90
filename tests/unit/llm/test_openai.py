"""How a server's refusals are understood."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from ringbridge.llm.base import Failure
from ringbridge.llm.openai import LONGEST_REST_SECONDS, _failure, _retry_after


@pytest.mark.parametrize(
    ("status", "text", "failure"),
    [
        (400, "context_length_exceeded", Failure.TOO_LONG),
        (400, "This model's maximum context length is 4096 tokens. However, you requested 5000", Failure.TOO_LONG),
        (400, "The decoder prompt (length 5000) is longer than the maximum model length of 4096.", Failure.TOO_LONG),
        (400, "the request exceeds the available context size (4096 tokens), try increasing it", Failure.TOO_LONG),
        (500, "the input length exceeds the context length", Failure.TOO_LONG),
        (400, "prompt is too long: 200001 tokens > 200000 maximum", Failure.TOO_LONG),
        (413, "Please reduce the length of the messages or completion.", Failure.TOO_LONG),
        (400, "The response was filtered due to Azure's content management policy.", Failure.FILTERED),
        (429, "Too many tokens, please wait before trying again.", Failure.RATE_LIMITED),
        (402, "Insufficient credits", Failure.RATE_LIMITED),
        (401, "Incorrect API key provided", Failure.REFUSED_KEY),
        (403, "Country not supported", Failure.REFUSED_KEY),
        (404, "The model does not exist", Failure.REJECTED),
        (500, "Internal error", Failure.SERVER),
    ],
)
def test_a_refusal_is_known_by_its_status_and_its_words(status, text, failure):
    assert _failure(status, text) is failure


@pytest.mark.parametrize(
    ("header", "seconds"),
    [(None, None), ("7", 7), ("0.5", 0.5), ("-5", 0), ("soon", None), ("nan", None), ("inf", LONGEST_REST_SECONDS)],
)
def test_how_long_a_server_wants_to_be_left_alone(header, seconds):
    assert _retry_after(header) == seconds


def test_or_until_when():
    assert _retry_after(format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)) == pytest.approx(
        60, abs=5
    )
    assert _retry_after("Wed, 21 Oct 2015 07:28:00 GMT") == 0
