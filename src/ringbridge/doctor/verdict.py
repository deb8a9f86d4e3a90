"""What a check comes to. Values only."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from ringbridge.errors import RingbridgeError

__all__ = ["Outcome", "Verdict", "failure", "has_failure", "of_error", "ok", "parted", "warning"]

Outcome: TypeAlias = Literal["ok", "warning", "failure"]
"""With a warning calls work, but not all of them, not for long, or not as well as they could."""

_UNREACHED: Final = "check this machine's way to the internet, then the vendor's status page"


@dataclass(frozen=True, slots=True)
class Verdict:
    """One line of the table: what was looked at, how it stands, what was found and, unless it is well, the mend.

    Neither `found` nor `mend` ever holds a secret.
    """

    name: str
    outcome: Outcome
    found: str
    mend: str = ""


def ok(name: str, found: str) -> Verdict:
    """It is as it should be."""
    return Verdict(name, "ok", found)


def warning(name: str, found: str, mend: str) -> Verdict:
    """Calls work all the same."""
    return Verdict(name, "warning", found, mend)


def failure(name: str, found: str, mend: str) -> Verdict:
    """Calls don't work, or what was asked for doesn't."""
    return Verdict(name, "failure", found, mend)


def of_error(name: str, error: RingbridgeError) -> Verdict:
    """A failure in an error's own words."""
    found, mend = parted(str(error))
    return failure(name, found, mend or _UNREACHED)


def parted(text: str) -> tuple[str, str]:
    """What an error's text says, and its mend: they are parted by the first semicolon, else by the first colon."""
    mark = "; " if "; " in text else ": "
    found, _, mend = text.partition(mark)
    return (found, mend) if " " in mend else (text, "")


def has_failure(verdicts: Iterable[Verdict]) -> bool:
    """Whether any of them is one."""
    return any(verdict.outcome == "failure" for verdict in verdicts)
