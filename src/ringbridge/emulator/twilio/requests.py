"""What every handler of the REST API needs: the form of a request, and a way to refuse it.

https://www.twilio.com/docs/usage/twilios-response, "Exceptions"
"""

from typing import Any, TypeAlias

from aiohttp import web
from multidict import MultiDict

from ringbridge.emulator.twilio.account import Method

__all__ = ["Form", "Refused", "error_json", "method_of", "missing", "read_form"]

Form: TypeAlias = MultiDict[str]


class Refused(Exception):
    """Answered with an error of Twilio's."""

    def __init__(self, status: int, code: int, message: str) -> None:
        self.status = status
        self.code = code
        super().__init__(message)


def error_json(status: int, code: int, message: str) -> dict[str, Any]:
    """What went wrong."""
    return {
        "code": code,
        "message": message,
        "more_info": f"https://www.twilio.com/docs/errors/{code}",
        "status": status,
    }


def missing(request: web.Request) -> Refused:
    """Nothing is at the path of `request`."""
    return Refused(404, 20404, f"The requested resource {request.path} was not found")


async def read_form(request: web.Request) -> Form:
    """The fields of a form, repeated ones too."""
    return MultiDict((name, value) for name, value in (await request.post()).items() if isinstance(value, str))


def method_of(form: Form, name: str) -> Method:
    """The method that a field names; any other word is POST."""
    return "GET" if form.get(name, "POST").upper() == "GET" else "POST"
