"""`GET /ws`: where ElevenLabs dials for words."""

import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from aiohttp import web
from multidict import CIMultiDictProxy

from ringbridge.brain.turns import Patience
from ringbridge.errors import BrainTokenRefused
from ringbridge.ids import ConversationId
from ringbridge.live.line import Facilities
from ringbridge.live.replies import BrainSession, CallView, FindCall
from ringbridge.live.socket import POLICY_VIOLATION, Bounds, Socket
from ringbridge.live.sockets import accept
from ringbridge.log import get_logger
from ringbridge.turn import Brain
from ringbridge.web.lobby import Lobby
from ringbridge.wire import brain_token

__all__ = ["MAX_WAITING_BRAINS", "BrainDesk"]

log = get_logger(__name__)

MAX_WAITING_BRAINS = 100
"""Brain sockets that may wait until their call is found; the one that has waited longest makes room."""

BOUNDS = Bounds(message_bytes=1024 * 1024, texts_per_second=500)
"""A transcript holds the whole conversation, some 100 KB for an hour; a conversation has few messages in a second."""

_SECRET_HEADER = "x-api-key"  # noqa: S105


@dataclass(frozen=True, slots=True, kw_only=True)
class BrainDesk:
    """Lets brain sockets in, and gives each a session.

    One of `shared_secrets` must come in `x-api-key`. With `check_token`, the token that ElevenLabs signs must be valid
    for one of `api_keys`, too, at `clock()` (seconds since the epoch). Both proofs are checked before the upgrade and
    without asking anybody, and what is secret is compared in constant time.
    """

    shared_secrets: tuple[str, ...] = field(repr=False)
    api_keys: tuple[str, ...] = field(repr=False)
    check_token: bool
    clock: Callable[[], float]
    brain: Brain
    find_call: FindCall
    patience: Patience
    facilities: Facilities
    speculates: bool = False
    lobby: Lobby

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve one brain socket to its end, or answer 401 and log which proof failed, with its mend."""
        problems = [*self._secret_problems(request.headers), *self._token_problems(request.headers)]
        if problems:
            log.warning("GET /ws was refused", problem="; ".join(problems))
            return web.Response(status=401)
        socket = await accept(request, BOUNDS)
        leave = self.lobby.enter(partial(self._turn_away, socket), socket.abort)

        async def find_call(conversation_id: ConversationId) -> CallView | None:
            call = await self.find_call(conversation_id)
            leave()
            return call

        session = BrainSession(
            socket,
            brain=self.brain,
            find_call=find_call,
            patience=self.patience,
            facilities=self.facilities,
            speculates=self.speculates,
        )
        try:
            await session.run()
        finally:
            leave()
        return socket.response

    def _turn_away(self, socket: Socket) -> None:
        log.warning("refused a brain socket: too many wait for their call")
        self.facilities.tasks.start(socket.close(POLICY_VIOLATION, "refused"), name="close a refused brain socket")

    def _secret_problems(self, headers: CIMultiDictProxy[str]) -> list[str]:
        given = _only(headers, _SECRET_HEADER)
        equal = [hmac.compare_digest(_bytes(given), _bytes(secret)) for secret in self.shared_secrets]
        if any(equal):
            return []
        how = "does not equal SHARED_SECRET" if given else "is missing"
        mend = "in the speech engine, set request_headers (together with ws_url) to send the value of SHARED_SECRET"
        return [f"{_SECRET_HEADER} {how}: {mend}"]

    def _token_problems(self, headers: CIMultiDictProxy[str]) -> list[str]:
        if not self.check_token:
            return []
        given = _only(headers, brain_token.HEADER)
        problems = [_token_problem(given, key, self.clock()) for key in self.api_keys]
        return [] if None in problems else [problem for problem in problems[:1] if problem is not None]


def _token_problem(token: str, key: str, now: float) -> str | None:
    try:
        brain_token.verify(token, key, now)
    except BrainTokenRefused as refused:
        return str(refused)
    return None


def _only(headers: CIMultiDictProxy[str], name: str) -> str:
    """The value of a header. One that comes twice may mean another value to the proxy before us: it counts as none."""
    values = headers.getall(name, [])
    return values[0] if len(values) == 1 else ""


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogateescape")
