"""REST requests about the workspace: its user and subscription, its telephone numbers, and the models there are."""

from typing import Any

from aiohttp import web

from ringbridge.emulator.elevenlabs.answers import Refused, paged
from ringbridge.emulator.elevenlabs.models import MODELS, model_json
from ringbridge.emulator.elevenlabs.workspace import (
    ImportedNumber,
    Workspace,
    number_json,
    subscription_json,
    user_json,
)

__all__ = ["WorkspaceRequests"]


class WorkspaceRequests:
    """The handlers."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    async def user(self, _: web.Request) -> web.Response:
        """Answer GET /v1/user."""
        return web.json_response(user_json(self._workspace))

    async def subscription(self, _: web.Request) -> web.Response:
        """Answer GET /v1/user/subscription."""
        return web.json_response(subscription_json(self._workspace))

    async def models(self, _: web.Request) -> web.Response:
        """Answer GET /v1/models."""
        return web.json_response([model_json(model) for model in MODELS.values()])

    async def numbers(self, _: web.Request) -> web.Response:
        """Answer GET /v1/convai/phone-numbers: all of them."""
        return web.json_response([number_json(number) for number in self._workspace.numbers])

    async def numbers_page(self, request: web.Request) -> web.Response:
        """Answer GET /v1/convai/v2/phone-numbers: page by page."""
        return paged(request, "phone_numbers", [number_json(number) for number in self._workspace.numbers])

    async def number(self, request: web.Request) -> web.Response:
        """Answer GET /v1/convai/phone-numbers/phnum_…."""
        return web.json_response(number_json(self._number(request)))

    async def delete_number(self, request: web.Request) -> web.Response:
        """Answer DELETE of the same: it is no agent's any more."""
        self._workspace.numbers.remove(self._number(request))
        done: dict[str, Any] = {}
        return web.json_response(done)

    def _number(self, request: web.Request) -> ImportedNumber:
        for number in self._workspace.numbers:
            if number.id == request.match_info["number_id"]:
                return number
        raise Refused(404)
