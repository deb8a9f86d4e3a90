"""Secrets: compared in constant time, and in nothing that anybody sees."""

import ast
import io
import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from aiohttp import web

import ringbridge
from ringbridge.cli.main import cli
from ringbridge.config import load_settings
from ringbridge.errors import SettingsError
from ringbridge.log import get_logger
from ringbridge.telemetry.secrets import secret_values
from ringbridge.telemetry.writing import handler
from ringbridge.web.app import open_app
from ringbridge.web.guards import guard_errors
from ringbridge.web.server import serving
from ringbridge.wiring import open_parts

from ..integration.raw_house import environment, house, new_call_sid, reply, vendors
from ..integration.raw_http import ask
from .bridge import SECRETS
from .row import WEBHOOKS, request

SRC = Path(ringbridge.__file__).parent

WORDS = ("secret", "signature", "token", "api_key", "password", "digest", "hmac")
"""One of these is in the name of whatever is secret."""


# How they are compared


def comparisons(source: str) -> Iterator[str]:
    """Each comparison by value of something that is named as a secret is; what stands in the source is none.

    A constant (`SECRET_HEADER`) stands there, too.
    """
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Compare) or not isinstance(node.ops[0], ast.Eq | ast.NotEq | ast.In | ast.NotIn):
            continue
        sides = [node.left, *node.comparators]
        names = [name.lower() for side in sides for name in identifiers(side) if not name.isupper()]
        if not any(isinstance(side, ast.Constant) for side in sides) and any(
            word in name for name in names for word in WORDS
        ):
            yield ast.unparse(node)


def identifiers(side: ast.expr) -> Iterator[str]:
    for node in ast.walk(side):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name):
                yield name


def test_no_secret_is_compared_but_by_compare_digest():
    ours = (path for path in SRC.rglob("*.py") if "emulator" not in path.parts)
    found = {(path.name, text) for path in ours for text in comparisons(path.read_text(encoding="utf-8"))}
    assert found == set()


@pytest.mark.parametrize("text", ["given == token", "x if self.secret != y else z", "signature in expected"])
def test_such_a_comparison_is_found(text):
    assert list(comparisons(text))
    assert not list(comparisons(text.replace("token", "number").replace("secret", "x").replace("signature", "y")))


# Where they are shown


@pytest.fixture
async def settings():
    async with vendors() as (elevenlabs, rest):
        yield load_settings(None, environment(elevenlabs, rest, METRICS_TOKEN="a-token-for-metrics"))


def assert_shows_none(text: str) -> None:
    assert not [secret for secret in (*SECRETS, "a-token-for-metrics") if secret in text]


async def test_neither_settings_nor_whoever_holds_them_show_a_secret(settings):
    assert_shows_none(f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}")
    async with open_parts(settings, brain=reply) as parts, open_app(settings, parts) as app:
        assert_shows_none(repr(parts))
        desks = [route.handler.__self__ for route in app.router.routes()]
        assert len({type(desk) for desk in desks}) >= 5
        assert_shows_none(repr(desks))


def test_a_setting_that_is_refused_is_not_quoted():
    bad = {
        "SHARED_SECRET": "too-short-s3cr3t\n",
        "TWILIO_AUTH_TOKEN": "s3cr3t,,",
        "ELEVENLABS_BASE_URL": "ftp://s3cr3t@x",
    }
    with pytest.raises(SettingsError) as caught:
        load_settings(None, bad)
    assert "s3cr3t" not in f"{caught.value} {caught.value.problems} {caught.value.__context__}"


@pytest.mark.parametrize("style", ["json", "pretty"])
async def test_a_failing_handler_shows_none_to_anybody(settings, style):
    async def fails(_request: web.Request) -> web.Response:
        held = settings
        raise ValueError(f"{held.shared_secrets[0]} {held.twilio_auth_tokens[0]}") from KeyError(SECRETS[0])

    app = web.Application(middlewares=[guard_errors])
    app.router.add_get("/fails", fails)
    stream = io.StringIO()
    writing = handler(stream, style, personal=True, secrets=secret_values(settings))
    root = logging.getLogger()
    root.addHandler(writing)
    try:
        async with serving(app, host="127.0.0.1", port=0) as port:
            answer = await ask(port, request("GET", "/fails"))
        get_logger("ringbridge").error("told", token=SECRETS[1])
    finally:
        root.removeHandler(writing)
    assert (answer.status, answer.body) == (500, b"")
    assert "a handler failed" in stream.getvalue()
    assert "ValueError" in stream.getvalue()
    assert_shows_none(stream.getvalue())


async def test_neither_a_document_nor_the_state_shows_one():
    async with house(FALLBACK_NUMBER="+14155550124", VOICEMAIL="on", METRICS_TOKEN="a-token-for-metrics") as home:
        for path in WEBHOOKS:
            answer = await home.twilio.post(path, home.form(new_call_sid(), "in-progress"))
            assert_shows_none(f"{answer.headers} {answer.body!r}")
        for path in ("/healthz", "/readyz", "/metrics"):
            answer = await home.get(path)
            assert_shows_none(f"{answer.headers} {answer.body!r}")
        state = json.loads((await home.get("/readyz")).body)
        assert set(state) <= {"ready", "calls"}


def test_no_option_takes_one_so_the_process_list_has_none():
    context = click.Context(cli)
    options = {
        option
        for name in cli.list_commands(context)
        for parameter in (cli.get_command(context, name) or cli).params
        for option in parameter.opts
    }
    assert {"--brain", "--port"} <= options
    assert [option for option in options if re.search("key|secret|token|password", option)] == []
