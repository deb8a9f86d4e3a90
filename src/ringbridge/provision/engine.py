"""The speech engine: looked at, made as wanted, put back."""

from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

from ringbridge.apis.elevenlabs_engines import ElevenLabsEngines
from ringbridge.errors import VendorError
from ringbridge.provision.failures import NotProvided
from ringbridge.provision.finding import Finding
from ringbridge.provision.journal import Journal, Written
from ringbridge.provision.steps import Tell
from ringbridge.provision.writing import to_its_end
from ringbridge.wanted.differences import take_back
from ringbridge.wanted.engine import WantedEngine, compare, creation, remarks, update_for

__all__ = ["NAME", "EngineStep", "put_back_engine"]

NAME: Final = "Ringbridge"
"""What an engine of our making is called."""


@dataclass(slots=True)
class EngineStep:
    """Makes an engine as wanted, or makes one where `engine_id` is `None`; gives its id.

    `remember` is told the id of one that was made, which stays. What is changed of another is put back if there is a
    `journal`; without one it stays, too.
    """

    api: ElevenLabsEngines
    wanted: WantedEngine
    engine_id: str | None
    remember: Callable[[str], None]
    journal: Journal | None = None
    _found: dict[str, Any] = field(default_factory=dict, init=False, repr=False)
    _entry: Written | None = field(default=None, init=False, repr=False)
    _is_unanswered: bool = field(default=False, init=False, repr=False)

    @property
    def title(self) -> str:
        """What it is about."""
        language = f" for {self.wanted.language}" if self.wanted.language else ""
        return f"Speech engine{language}"

    async def look(self) -> Finding:
        """How the engine differs from what is wanted. Raises `VendorError`."""
        if self.engine_id is None:
            made = creation(self.wanted, name=NAME)
            return Finding("speech engine", None, NAME, compare({}, self.wanted), remarks(made, self.wanted))
        self._found = await self.api.read(self.engine_id)
        return Finding(
            "speech engine",
            self.engine_id,
            str(self._found.get("name") or ""),
            compare(self._found, self.wanted),
            remarks(self._found, self.wanted),
        )

    async def do(self, tell: Tell) -> str:
        """Raises `VendorError`, and `NotProvided` for what the vendor takes but does not do."""
        finding = await self.look()
        for remark in finding.remarks:
            tell(f"{remark.text}; {remark.mend}")
        if finding.id is None:
            return await to_its_end(self._make(tell))
        if finding.differences:
            await to_its_end(self._change(finding, finding.id))
            tell(f"changed {finding.id}: {', '.join(one.name for one in finding.differences)}")
        else:
            tell(f"{finding.id} is as it should be")
        return finding.id

    async def undo(self, tell: Tell) -> None:
        """Raises `VendorError`."""
        entry, self._entry = self._entry, None
        if self.journal is None or entry is None:
            return
        is_there = await put_back_engine(self.api, entry, tell)
        if self._is_unanswered and not is_there:
            tell(f"{entry.id}: nobody knows whether it is changed yet, so the next start looks again")
        else:
            self.journal.drop(entry)

    async def _make(self, tell: Tell) -> str:
        self.engine_id, made = await self.api.create(creation(self.wanted, name=NAME))
        tell(f"made {self.engine_id}")
        self.remember(self.engine_id)
        self._check(made)
        return self.engine_id

    async def _change(self, finding: Finding, engine_id: str) -> None:
        if self.journal is not None:
            entry = Written("engine", engine_id, finding.name, finding.differences)
            self.journal.add(entry)
            self._entry = entry
        try:
            changed = await self.api.update(engine_id, update_for(finding.differences, self._found))
        except VendorError as error:
            self._is_unanswered = error.status is None  # it may be done all the same, and as late as it likes
            raise
        self._check(changed)

    def _check(self, engine: dict[str, Any]) -> None:
        if left := compare(engine, self.wanted):
            names = ", ".join(difference.name for difference in left)
            raise NotProvided(
                f"ElevenLabs took the settings of {self.engine_id}, but {names} did not become as asked",
                "set that in ElevenLabs' dashboard",
            )


async def put_back_engine(api: ElevenLabsEngines, entry: Written, tell: Tell) -> bool:
    """Undo what the journal says was written to an engine, as far as it is still so; gives whether any of it was.

    Raises `VendorError`.
    """
    try:
        engine = await api.read(entry.id)
    except VendorError as error:
        if error.status != HTTPStatus.NOT_FOUND:
            raise
        tell(f"{entry.id} is gone, with all that was to be put back")
        return True
    back = take_back(entry.differences, engine)
    for change in back.left:
        tell(f"{entry.id}: {change.name} was changed by somebody else meanwhile, and stays")
    if body := update_for(back.differences, engine):
        await api.update(entry.id, body)
        tell(f"{entry.id} is as it was before")
    return bool(back.differences or back.left)
