"""`GET /ws`: where ElevenLabs dials for words."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from aiohttp import web
from multidict import CIMultiDictProxy

from ringbridge.brain.turns import Patience
from ringbridge.config import Settings
from ringbridge.errors import BrainTokenRefused
from ringbridge.ids import ConversationId
from ringbridge.live.line import Facilities
from ringbridge.live.replies import BrainSession, CallView, FindCall
from ringbridge.live.socket import POLICY_VIOLATION, Bounds, Socket
from ringbridge.live.sockets import accept
from ringbridge.log import get_logger
from ringbridge.turn import Brain
from ringbridge.web.lobby import Lobby
from ringbridge.web.secret import SECRET_HEADER, has_secret, only
from ringbridge.wire import brain_token

__all__ = ["BRAIN", "MAX_WAITING_BRAINS", "BrainDesk", "brain_route"]

log = get_logger(__name__)

BRAIN = "/ws"

MAX_WAITING_BRAINS = 100
"""Brain sockets that may wait until their call is found; the one that has waited longest makes room."""

BOUNDS = Bounds(message_bytes=1024 * 1024, texts_per_second=500)
"""A transcript holds the whole conversation, some 100 KB for an hour; a conversation has few messages in a second."""


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
        if has_secret(headers, self.shared_secrets):
            return []
        how = "does not equal SHARED_SECRET" if only(headers, SECRET_HEADER) else "is missing"
        mend = "in the speech engine, set request_headers (together with ws_url) to send the value of SHARED_SECRET"
        return [f"{SECRET_HEADER} {how}: {mend}"]

    def _token_problems(self, headers: CIMultiDictProxy[str]) -> list[str]:
        if not self.check_token:
            return []
        given = only(headers, brain_token.HEADER)
        problems = [_token_problem(given, key, self.clock()) for key in self.api_keys]
        return [] if None in problems else [problem for problem in problems[:1] if problem is not None]


def brain_route(
    settings: Settings,
    *,
    brain: Brain,
    find_call: FindCall,
    facilities: Facilities,
    lobby: Lobby,
    clock: Callable[[], float],
) -> web.RouteDef:
    """The route, with a desk as the settings have it."""
    desk = BrainDesk(
        shared_secrets=settings.shared_secrets,
        api_keys=settings.elevenlabs_api_keys,
        check_token=settings.brain_auth == "both",
        clock=clock,
        brain=brain,
        find_call=find_call,
        lobby=lobby,
        patience=settings.patience,
        facilities=facilities,
        speculates=settings.speculate,
    )
    return web.get(BRAIN, desk.handle, allow_head=False)


def _token_problem(token: str, key: str, now: float) -> str | None:
    try:
        brain_token.verify(token, key, now)
    except BrainTokenRefused as refused:
        return str(refused)
    return None
