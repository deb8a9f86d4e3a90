"""What `ringbridge init` asks, each answer checked with whom it is for before the next question."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from http import HTTPStatus
from typing import Any, Final, TypeAlias, TypeVar

import click

from ringbridge.apis.elevenlabs_workspace import open_elevenlabs_workspace
from ringbridge.apis.twilio_account import open_twilio_account
from ringbridge.apis.twilio_numbers import open_twilio_numbers
from ringbridge.cli.choosing import choose_number
from ringbridge.config import Settings, load_settings
from ringbridge.doctor.models import first_word
from ringbridge.errors import RingbridgeError, SettingsError, VendorError
from ringbridge.llm.base import Failure, ModelFailed
from ringbridge.llm.names import ModelName
from ringbridge.provision.number import find_number

__all__ = ["ask_settings"]

_REFUSED: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND})

_Answer = TypeVar("_Answer")

_Check: TypeAlias = Callable[[_Answer], Coroutine[Any, Any, None]]
"""Raises `RingbridgeError` for an answer that is not to be had."""


def ask_settings(environ: Mapping[str, str], *, asks_model: bool) -> dict[str, str]:
    """Ask for what `environ` does not have; gives what was answered, by the settings' names.

    Whoever can't be reached is believed to agree, and an empty answer leaves a setting open.
    """
    given = {name: value for name, value in environ.items() if value.strip()}
    answers: dict[str, str] = {}
    if "ELEVENLABS_API_KEY" not in given:
        answers["ELEVENLABS_API_KEY"] = _asked(
            lambda: _prompt(
                "ELEVENLABS_API_KEY", "ElevenLabs API key (elevenlabs.io, Developers, API keys)", hidden=True
            ),
            lambda key: _elevenlabs(key, _base_url(given, "ELEVENLABS_BASE_URL")),
        )
    answers |= _twilio(given)
    if "PUBLIC_URL" not in given:
        question = "Host name by which the world reaches this machine, such as your-name.ngrok.app"
        answers["PUBLIC_URL"] = _prompt("PUBLIC_URL", question)
    if asks_model and "OPENAI_API_KEY" not in given and "LLMS" not in given:
        answers["OPENAI_API_KEY"] = _asked(
            lambda: _prompt("OPENAI_API_KEY", "OpenAI API key (platform.openai.com)", hidden=True),
            lambda key: _openai(key, given),
        )
    return {name: answer for name, answer in answers.items() if answer}


def _twilio(given: Mapping[str, str]) -> dict[str, str]:
    """SID and token, which are checked and asked for again together, and the number that is called."""
    base_url = _base_url(given, "TWILIO_BASE_URL")
    newest = given.get("TWILIO_AUTH_TOKEN", "").partition(",")[0].strip()  # two of them, while it is rotated
    pair = (given.get("TWILIO_ACCOUNT_SID", ""), newest)
    answers: dict[str, str] = {}
    if not all(pair):
        sid, token = pair

        def ask() -> tuple[str, str]:
            return (
                sid or _prompt("TWILIO_ACCOUNT_SID", "Twilio Account SID (console.twilio.com)"),
                token or _prompt("TWILIO_AUTH_TOKEN", "Twilio Auth Token", hidden=True),
            )

        pair = _asked(ask, lambda pair: _account(*pair, base_url))
        answers = {"TWILIO_ACCOUNT_SID": "" if sid else pair[0], "TWILIO_AUTH_TOKEN": "" if token else pair[1]}
    if all(pair) and "TWILIO_PHONE_NUMBER" not in given:
        answers["TWILIO_PHONE_NUMBER"] = _number(*pair, base_url)
    return answers


def _prompt(name: str, question: str, *, hidden: bool = False) -> str:
    """What is typed, once it is well-formed for that setting, or empty."""
    while True:
        answer = str(click.prompt(question, default="", show_default=False, hide_input=hidden)).strip()
        problem = _malformed(name, answer) if answer else None
        if problem is None:
            return answer
        click.echo(f"  {name}: {problem}")


def _malformed(name: str, answer: str) -> str | None:
    try:
        load_settings(None, {name: answer})
    except SettingsError as error:  # all that is not set, too
        parts = [problem.partition(": ") for problem in error.problems]
        problem = next((text for setting, _, text in parts if setting == name), None)
    else:
        problem = None
    if problem is None and not answer.isascii():  # no header could carry it
        return "has other characters than ASCII ones; copy it anew"
    return problem


def _asked(ask: Callable[[], _Answer], check: _Check[_Answer]) -> _Answer:
    """An answer that whoever should know does not refuse, or an empty one."""
    while True:
        answer = ask()
        if not (all(answer) if isinstance(answer, tuple) else answer):
            return answer
        try:
            asyncio.run(check(answer))
        except RingbridgeError as error:
            if _is_refusal(error):
                click.echo(f"  {error}")
                continue
            click.echo(f"  taken unchecked: {error}")
        else:
            click.echo("  accepted")
        return answer


def _is_refusal(error: RingbridgeError) -> bool:
    match error:
        case VendorError(status=status):
            return status in _REFUSED
        case ModelFailed(failure=failure):
            return failure is Failure.REFUSED_KEY
        case _:
            return False


async def _elevenlabs(key: str, base_url: str) -> None:
    async with open_elevenlabs_workspace(api_key=key, base_url=base_url) as workspace:
        try:
            await workspace.plan()
        except VendorError as error:
            if "user_read" not in str(error):  # a key that may not tell of its plan is one all the same
                raise


async def _account(sid: str, token: str, base_url: str) -> None:
    async with open_twilio_account(account_sid=sid, auth_token=token, base_url=base_url) as account:
        await account.whose()


def _number(sid: str, token: str, base_url: str) -> str:
    async def find() -> str:
        async with open_twilio_numbers(account_sid=sid, auth_token=token, base_url=base_url) as numbers:
            return (await find_number(numbers, None, choose_number)).phone_number

    try:
        number = asyncio.run(find())
    except RingbridgeError as error:
        click.echo(f"  the number stays open: {error}")
        return ""
    click.echo(f"  the number that is called: {number}")
    return number


async def _openai(key: str, given: Mapping[str, str]) -> None:
    model = ModelName("openai", None, given.get("OPENAI_MODEL", _default("OPENAI_MODEL")))
    await first_word(model, openai_url=_base_url(given, "OPENAI_BASE_URL"), openai_key=key, keys={})


def _base_url(given: Mapping[str, str], name: str) -> str:
    return given.get(name, _default(name)).rstrip("/")


def _default(name: str) -> str:
    return str(Settings.model_fields[name.lower()].default)
