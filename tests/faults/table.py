"""The table of faults: each row is declared beside the test that injects it, and the test fails where it is not true.

`docs/faults.md` is made of it, by `scripts/docs`.
"""

import functools
import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

__all__ = ["NOTHING", "ROWS", "Row", "Seen", "faults", "page"]

NOTHING = "nothing"
AT_ONCE = "all, within 1 s of the end"

ROWS: list["Row"] = []

PLACES = {
    "ElevenLabs": "ElevenLabs",
    "Twilio": "Twilio",
    "Brain": "Brain and model",
    "Ourselves": "Ourselves",
}

HEAD = """# What a caller hears when something fails

Made by `scripts/docs` from `tests/faults`, where each of these faults is injected into a call, and the row found true.

Words in *italics* are the bridge's own voice, or Twilio's where there is no stream any more; an "answer" is the agent's
own. After a *sorry* comes the rest of the ladder: the human of `FALLBACK_NUMBER`, a message if `VOICEMAIL` is on, and
*goodbye*. "The call goes on" means that the caller is answered afterwards. Unless the row says otherwise, a silence
that the talk does not explain is no longer than two seconds. "Twilio is told" leaves out `<Say>`.
"""


@dataclass(frozen=True)
class Row:
    """One fault, and what comes of it. `given` is for the test."""

    fault: str
    hears: str
    twilio: str = NOTHING
    log: str = NOTHING
    back: str = AT_ONCE
    given: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Seen:
    """What came of a fault: in the words of its row."""

    hears: str
    twilio: str = NOTHING
    back: str = AT_ONCE


def faults(place: str, *rows: Row) -> Callable[[Callable[..., Awaitable[Seen]]], Any]:
    """Run a test once for each row, and compare what it has seen with what the row says.

    The test takes `caplog`, whose text must hold what the row says of the log (nothing of ours from a warning on, if it
    says `NOTHING`), and `row`.
    """
    ROWS.extend([(place, row) for row in rows])

    def decorate(test: Callable[..., Awaitable[Seen]]) -> Any:
        @pytest.mark.parametrize("row", rows, ids=[row.fault for row in rows])
        @functools.wraps(test)
        async def run(*args: Any, **kwargs: Any) -> None:
            caplog, row = kwargs["caplog"], kwargs["row"]
            seen = await test(*args, **kwargs)
            if seen != Seen(row.hears, row.twilio, row.back):
                pytest.fail(f"{seen} is not what the row says: {row}")
            complaints = [
                record.getMessage()
                for record in caplog.records
                if record.levelname in {"WARNING", "ERROR"} and record.name.startswith("ringbridge")
            ]
            if row.log == NOTHING:
                assert not complaints, complaints
            else:
                assert any(row.log in complaint for complaint in complaints), complaints

        assert {"caplog", "row"} <= inspect.signature(test).parameters.keys()
        return run

    return decorate


def page() -> str:
    """The document."""
    parts = [HEAD]
    for place, title in PLACES.items():
        rows = [row for where, row in ROWS if where == place]
        parts.append(f"\n## {title}\n\n| The fault | The caller hears | Twilio is told | The log says | Given back |")
        parts.append("|---|---|---|---|---|")
        parts += [
            f"| {row.fault} | {row.hears} | {row.twilio} | {_shown(row.log)} | {row.back} |".replace("\n", " ")
            for row in rows
        ]
    return "\n".join(parts) + "\n"


def _shown(log: str) -> str:
    return log if log == NOTHING else f"`{log}`"
