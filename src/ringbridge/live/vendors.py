"""What a call asks of the vendors while it runs. What came of it is an event of the call's, never an exception."""

from collections.abc import Mapping

from ringbridge.apis.base import NOT_IN_PROGRESS, EngineAPI, PhoneAPI
from ringbridge.apis.dialling import Dialler
from ringbridge.errors import VendorError
from ringbridge.ids import CallSid
from ringbridge.live.socket import Socket, UpgradeFailed
from ringbridge.live.sockets import connect
from ringbridge.log import get_logger
from ringbridge.relay import events
from ringbridge.relay.events import Event

__all__ = ["hang_up", "open_conversation", "redirect"]

log = get_logger(__name__)

CONNECT_SECONDS = 5.0
"""What opening a conversation socket may take, DNS and TLS included."""

HEARTBEAT_SECONDS = 4.0
"""An engine that sends nothing for so long is pinged: one that hears nobody any more says nothing either."""


async def open_conversation(
    engine: EngineAPI, dialler: Dialler, engine_id: str, ids: Mapping[str, str]
) -> Socket | events.EngineUnreached:
    """The socket of a new conversation, or why there is none; `ids` stand on the lines of the log."""
    try:
        url = await engine.signed_url(engine_id)
        return await connect(dialler, url, seconds=CONNECT_SECONDS, heartbeat=HEARTBEAT_SECONDS)
    except VendorError as error:
        return events.EngineUnreached(str(error))
    except OSError as error:  # its text may hold the signed URL
        status = error.status if isinstance(error, UpgradeFailed) else None
        how = f"answered the upgrade with {status}" if status else f"can't be reached: {type(error).__name__}"
        return events.EngineUnreached(f"the conversation socket {how}")
    except Exception as error:  # an SDK's; its text may hold anything
        log.error("opening a conversation failed", kind=type(error).__name__, **ids)  # noqa: TRY400
        return events.EngineUnreached(f"opening a conversation failed: {type(error).__name__}")


async def redirect(phone: PhoneAPI, sid: CallSid, document: str, ids: Mapping[str, str]) -> Event:
    """Have Twilio go on with this TwiML."""
    try:
        await phone.redirect(sid, document)
    except VendorError as error:
        if error.code == NOT_IN_PROGRESS:
            return events.CallOver()
        log.warning("redirecting the call failed", problem=str(error), **ids)
        return events.RedirectFailed()
    except Exception:
        log.exception("redirecting the call failed", **ids)
        return events.RedirectFailed()
    return events.Redirected()


async def hang_up(phone: PhoneAPI, sid: CallSid, ids: Mapping[str, str]) -> Event:
    """Have Twilio end the call."""
    try:
        await phone.hang_up(sid)
    except VendorError as error:
        log.warning("hanging up failed; the stream is closed instead", problem=str(error), **ids)
        return events.HangUpFailed()
    except Exception:  # whatever an SDK does wrong, the call must not wait for it
        log.exception("hanging up failed; the stream is closed instead", **ids)
        return events.HangUpFailed()
    return events.HungUp()
