"""What the operator reads: a line when a call begins and when it ends, and one for each thing that needs a mend.

What is said, and who says it, is personal and stays out of the log.
"""

import logging

from ringbridge import facts
from ringbridge.facts import Fact
from ringbridge.ids import CallSid

__all__ = ["log_fact", "set_up"]

log = logging.getLogger("ringbridge.call")

NOISY = ("httpx", "httpx2", "twilio", "aiohttp.access", "openai")
"""Libraries that tell of each request."""


def set_up() -> None:
    """Log to standard error: ours from INFO on, the libraries' from WARNING on."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)-7s %(name)s: %(message)s")
    for name in NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)


def log_fact(sid: CallSid, fact: Fact) -> None:
    """An observer: what the operator wants to know of a call."""
    match fact:
        case facts.StreamAttached(stream_sid=stream_sid, again=again):
            log.info("%s: %s stream %s", sid, "next" if again else "first", stream_sid)
        case facts.ConversationOpened(conversation_id=conversation_id):
            log.info("%s: conversation %s", sid, conversation_id)
        case facts.ConversationGivenBack():
            log.warning("%s: no stream came, the conversation was given back", sid)
        case facts.StreamLost(code=code):
            log.warning("%s: the stream was lost (close code %s)", sid, code)
        case facts.EngineComplained(kind=kind, text=text):
            log.warning("%s: the speech engine complains: %s %s", sid, kind, text)
        case facts.Transferring(name=name, ended=ended):
            log.info("%s: %s %s", sid, "back from" if ended else "put through to", name)
        case facts.Broken(peer=peer, problem=problem):
            log.warning("%s: a broken message from %s: %s", sid, peer, problem)
        case facts.Unsent(peer=peer):
            log.warning("%s: %s is too slow, audio for it is dropped", sid, peer)
        case facts.Faulted(reason=reason):
            log.error("%s: %s; the caller hears the sorry", sid, reason)
        case facts.CallEnded(outcome=outcome):
            log.info("%s: ended (%s)", sid, outcome.value if outcome else "given back")
        case _:
            log.debug("%s: %s", sid, type(fact).__name__)
