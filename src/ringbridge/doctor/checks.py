"""Checks that don't wait for each other, each with a time of its own."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from ringbridge.doctor.verdict import Verdict, failure, of_error
from ringbridge.errors import RingbridgeError

__all__ = ["SECONDS", "Check", "carry_out"]

SECONDS: Final = 7.0
"""What a check may take: with the start of Python, all of them are to stay under ten."""


@dataclass(frozen=True, slots=True)
class Check:
    """One topic. `run` gives a verdict for each thing that it looked at; what it raises becomes a failure.

    `name` stands for it where it came to no verdict. `seconds` is what it may take.
    """

    name: str
    run: Callable[[], Awaitable[Sequence[Verdict]]]
    seconds: float = SECONDS


async def carry_out(checks: Sequence[Check]) -> list[Verdict]:
    """All of them at once; gives their verdicts in the order of the checks."""
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(_carried_out(check), name=check.name) for check in checks]
    return [verdict for task in running for verdict in task.result()]


async def _carried_out(check: Check) -> Sequence[Verdict]:
    try:
        async with asyncio.timeout(check.seconds):
            return await check.run()
    except TimeoutError:
        return [
            failure(check.name, f"there was no answer within {check.seconds:g} s", "try again, then see who is slow")
        ]
    except RingbridgeError as error:
        return [of_error(check.name, error)]
    except OSError as error:
        return [failure(check.name, f"the network failed: {type(error).__name__}", "try again")]
