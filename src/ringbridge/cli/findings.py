"""What is, and what should be, as text for people and as JSON for programs."""

import json
from collections.abc import Iterator, Sequence
from typing import Final, Literal, TypeAlias

from ringbridge.provision.finding import Finding
from ringbridge.wanted.differences import Difference, masked, shown

__all__ = ["Status", "as_json", "as_text"]

Status: TypeAlias = Literal["same", "differs", "written"]
"""Whether there was nothing to do, there is, or it was done."""

_WIDEST: Final = 46
"""A longer name of a setting pushes its line to the right."""


def as_text(findings: Sequence[Finding]) -> str:
    """A paragraph for each thing: its name, then a line for each setting with what is and what should be."""
    return "\n\n".join("\n".join(_lines(finding)) for finding in findings)


def as_json(findings: Sequence[Finding], status: Status) -> str:
    """The same as an object, with `null` where nothing is."""
    return json.dumps({"status": status, "things": [_object(finding) for finding in findings]}, indent=2)


def _lines(finding: Finding) -> Iterator[str]:
    yield " ".join(filter(None, (finding.subject, finding.id, f"({finding.name})" if finding.name else "")))
    if finding.id is None:
        yield "  is not there yet; one is to be made, with"
    elif not finding.differences:
        yield "  as it should be"
    width = min(_WIDEST, max((len(one.name) for one in finding.differences), default=0))
    for difference in finding.differences:
        current, wanted = shown(difference)
        yield f"  {difference.name:<{width}}  {current} → {wanted}"
    for remark in finding.remarks:
        yield f"  ! {remark.text}; {remark.mend}"


def _object(finding: Finding) -> dict[str, object]:
    return {
        "subject": finding.subject,
        "id": finding.id,
        "name": finding.name,
        "differences": [_sides(difference) for difference in finding.differences],
        "remarks": [{"text": remark.text, "mend": remark.mend} for remark in finding.remarks],
    }


def _sides(difference: Difference) -> dict[str, object]:
    current, wanted = masked(difference)
    return {"path": difference.name, "is": current, "should_be": wanted}
