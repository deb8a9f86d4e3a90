"""What every model can do with its call, within the call's own rules. The docstrings are what it is told of them."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from ringbridge.errors import NoLine
from ringbridge.redaction import redact
from ringbridge.tools.tool import AnyTool, tool
from ringbridge.turn import Call

__all__ = [
    "builtin_tools",
    "collect_digits",
    "hang_up",
    "play_tool",
    "recall",
    "remember",
    "send_digits",
    "transfer_tool",
]


_Keys = Annotated[
    str, Field(pattern=r"^[0-9*#A-Dw]{1,32}$", description="0-9, *, #, A-D, and w for a pause of half a second.")
]
_Count = Annotated[int, Field(ge=1, le=32, description="How many digits at most. The caller can end earlier with #.")]
_Secret = Annotated[bool, Field(description="Whether you must not learn them, as with a PIN or a card.")]
_Key = Annotated[str, Field(min_length=1, max_length=40)]
_Value = Annotated[str, Field(min_length=1, max_length=400)]


@tool(ends_turn=True)
async def hang_up(call: Call) -> bool:
    """End the call. Say goodbye in the same answer; it is heard first."""
    return await call.hang_up()


@tool(ends_turn=True)
async def send_digits(call: Call, digits: _Keys) -> bool:
    """Press keys towards the other end of the line."""
    return await call.send_digits(digits)


@tool(ends_turn=True)
async def collect_digits(call: Call, n: _Count, *, secret: _Secret = False) -> None:
    """Have the caller key a number on the phone. Say in the same answer what to key; it comes in the next turn."""
    await call.collect_digits(n, secret=secret)


@tool
async def remember(call: Call, key: _Key, value: _Value) -> None:
    """Keep something about this caller for later calls, such as the name or a preference."""
    await call.remember(key, redact(value))


@tool
async def recall(call: Call) -> dict[str, str]:
    """Look up what was kept about this caller in earlier calls."""
    return await call.line.recall_all()


def play_tool(sounds: Mapping[str, str | Path]) -> AnyTool:
    """Make a tool that plays one of these sounds, by name: paths or URLs as `Call.play` takes them. No others.

    Raises `TypeError` when there are none.
    """
    if not sounds:
        raise TypeError("play_tool needs at least one sound")

    async def play_sound(call: Call, name: str) -> bool:
        """Play a sound to the caller, after the words of the same answer."""
        return await call.play(sounds[name])

    return _choosing(play_sound, tuple(sounds))


@cache
def transfer_tool(names: tuple[str, ...]) -> AnyTool:
    """Make the tool that puts callers through to one of these names."""

    async def transfer_call(call: Call, name: str) -> bool:
        """Put the caller through to a human. Say so in the same answer; it is heard first."""
        return await call.transfer_call(name)

    return _choosing(transfer_call, names)


def builtin_tools(call: Call) -> tuple[AnyTool, ...]:
    """Those that make sense on this call: nobody is transferred where there is no one to transfer to."""
    try:
        names = call.line.transfer_names
    except NoLine:  # a call that was made up, to try a brain on its own
        names = ()
    transfer = (transfer_tool(names),) if names else ()
    return (hang_up, *transfer, send_digits, collect_digits, remember, recall)


def _choosing(function: Any, names: tuple[str, ...]) -> AnyTool:
    function.__annotations__ = {**function.__annotations__, "name": Literal[names]}
    made: AnyTool = tool(ends_turn=True)(function)
    return made
