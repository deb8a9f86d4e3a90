"""`GET /internal/calls/{conversation_id}`: where a brain in another service finds its call. Not for the world."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from aiohttp import web

from ringbridge.callers.base import CallerMemory
from ringbridge.ids import ConversationId
from ringbridge.live.call import Call
from ringbridge.live.roster import Roster
from ringbridge.live.socket import POLICY_VIOLATION, Bounds
from ringbridge.live.sockets import accept
from ringbridge.log import get_logger
from ringbridge.split.messages import SEAT_HEADER, TAKEN_HEADER
from ringbridge.split.seat import Seat
from ringbridge.web.secret import SECRET_HEADER, has_secret, only

__all__ = ["InternalDesk"]

log = get_logger(__name__)

BOUNDS = Bounds(message_bytes=1024 * 1024)
"""What a brain of ours sends: a transcript's news, or sixteen seconds of sound in some 170 KB."""

_Name: TypeAlias = tuple[ConversationId, str]
"""A seat's: what a brain calls it is for one conversation."""

_SEAT = re.compile(r"[A-Za-z0-9_-]{16,64}")
_TAKEN = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True, slots=True, kw_only=True)
class InternalDesk:
    """Lets brains in that show one of `shared_secrets`, and gives each its seat at its call.

    `memory` is what they remember of callers, `transfer_numbers` whom they may put callers through to.
    """

    shared_secrets: tuple[str, ...] = field(repr=False)
    roster: Roster
    memory: CallerMemory
    transfer_numbers: Mapping[str, str] = field(repr=False)
    _seats: dict[_Name, Seat] = field(default_factory=dict, repr=False)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve one socket of a brain's to its end.

        401 without the secret, 400 without the name of a seat, 404 where no call has the conversation (which is waited
        for, a few seconds), 410 where the brain has missed what is not known any more. All before the upgrade.
        """
        if not has_secret(request.headers, self.shared_secrets):
            mend = f"a brain shows SHARED_SECRET in {SECRET_HEADER}; nobody else should get here through a proxy"
            log.warning("GET /internal/calls was refused", problem=f"{SECRET_HEADER} is not the secret", mend=mend)
            return web.Response(status=401)
        own, taken = only(request.headers, SEAT_HEADER), only(request.headers, TAKEN_HEADER)
        if not _SEAT.fullmatch(own) or not _TAKEN.fullmatch(taken):
            return web.Response(status=400)
        conversation_id = ConversationId(request.match_info["conversation_id"])
        name = (conversation_id, own)
        call = None
        if name not in self._seats:
            call = await self.roster.find(conversation_id)
            if call is None:
                return web.Response(status=404)
        if not self._may_sit(name, int(taken)):
            return web.Response(status=410)
        socket = await accept(request, BOUNDS)
        seat = self._seats.get(name) or self._take_seat(name, call)
        if seat is None:
            await socket.close(POLICY_VIOLATION, "the seat is gone")
        else:
            await seat.serve(socket)
        return socket.response

    def _may_sit(self, name: _Name, taken: int) -> bool:
        seat = self._seats.get(name)
        return taken == 0 if seat is None else seat.comes_back(taken)

    def _take_seat(self, name: _Name, call: Call | None) -> Seat | None:
        if call is None:  # the seat was there, and was vacated during the upgrade
            return None
        seat = self._seats[name] = Seat(
            call,
            tasks=self.roster.tasks,
            memory=self.memory,
            transfer_numbers=self.transfer_numbers,
            vacated=lambda: self._seats.pop(name, None),
        )
        return seat
