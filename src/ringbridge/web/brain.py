"""`GET /ws`: where ElevenLabs dials for words."""

import hmac
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from aiohttp import web

from ringbridge.brain.turns import Patience
from ringbridge.errors import BrainTokenRefused
from ringbridge.live.line import Facilities
from ringbridge.live.replies import BrainSession, FindCall
from ringbridge.live.sockets import accept
from ringbridge.turn import Brain
from ringbridge.wire import brain_token

__all__ = ["BrainDesk"]

log = logging.getLogger(__name__)

_SECRET_HEADER = "x-api-key"  # noqa: S105


@dataclass(frozen=True, slots=True, kw_only=True)
class BrainDesk:
    """Lets brain sockets in, and gives each a session.

    One of `shared_secrets` must come in `x-api-key`. With `check_token`, the token that ElevenLabs signs must be valid
    for `api_key`, too, at `clock()` (seconds since the epoch). Both are checked before the upgrade and without asking
    anybody, and what is secret is compared in constant time.
    """

    shared_secrets: tuple[str, ...] = field(repr=False)
    api_key: str = field(repr=False)
    check_token: bool
    clock: Callable[[], float]
    brain: Brain
    find_call: FindCall
    patience: Patience
    facilities: Facilities

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve one brain socket to its end, or answer 401 and log which proof failed, with its mend."""
        problems = [*self._secret_problems(request.headers), *self._token_problems(request.headers)]
        if problems:
            log.warning("GET %s was refused: %s", request.path, "; ".join(problems))
            return web.Response(status=401)
        socket = await accept(request)
        session = BrainSession(
            socket,
            brain=self.brain,
            find_call=self.find_call,
            patience=self.patience,
            facilities=self.facilities,
        )
        await session.run()
        return socket.response

    def _secret_problems(self, headers: Mapping[str, str]) -> list[str]:
        given = headers.get(_SECRET_HEADER, "")
        equal = [hmac.compare_digest(_bytes(given), _bytes(secret)) for secret in self.shared_secrets]
        if any(equal):
            return []
        how = "does not equal SHARED_SECRET" if given else "is missing"
        mend = "in the speech engine, set request_headers (together with ws_url) to send the value of SHARED_SECRET"
        return [f"{_SECRET_HEADER} {how}: {mend}"]

    def _token_problems(self, headers: Mapping[str, str]) -> list[str]:
        if not self.check_token:
            return []
        try:
            brain_token.verify(headers.get(brain_token.HEADER), self.api_key, self.clock())
        except BrainTokenRefused as refused:
            return [str(refused)]
        return []


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogateescape")
