"""Ringbridge puts your own LLM on a phone number."""

from importlib import import_module
from typing import TYPE_CHECKING

from ringbridge.errors import NotAllowed
from ringbridge.turn import Brain, Call, Message, Turn

if TYPE_CHECKING:
    from ringbridge.brains.agent import Agent
    from ringbridge.redaction import redact
    from ringbridge.tools.budget import Budget
    from ringbridge.tools.builtin import play_tool
    from ringbridge.tools.tool import tool

__all__ = [
    "Agent",
    "Brain",
    "Budget",
    "Call",
    "Message",
    "NotAllowed",
    "Turn",
    "__version__",
    "play_tool",
    "redact",
    "tool",
]

__version__ = "0.1.0"

_HOMES = {
    "Agent": "ringbridge.brains.agent",
    "Budget": "ringbridge.tools.budget",
    "play_tool": "ringbridge.tools.builtin",
    "redact": "ringbridge.redaction",
    "tool": "ringbridge.tools.tool",
}
"""Heavy ones are imported when they are asked for: `ringbridge --help` does not wait for them."""


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
