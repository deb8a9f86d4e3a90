"""What a step has found before it changes anything."""

from dataclasses import dataclass

from ringbridge.wanted.differences import Difference, Remark

__all__ = ["Finding"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing at a vendor: where it is not as it should be, and what is to be said about it beside that.

    `id` is the vendor's name for it, `None` for one that is yet to be made; `name` is people's.
    """

    subject: str
    id: str | None
    name: str
    differences: tuple[Difference, ...]
    remarks: tuple[Remark, ...] = ()

    @property
    def differs(self) -> bool:
        """Whether there is anything to do."""
        return self.id is None or bool(self.differences)
