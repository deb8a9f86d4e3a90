"""What the repository says about itself is what the code says."""

import re
import shutil
import stat
import tomllib
from pathlib import Path

import pytest
from dotenv import dotenv_values
from packaging.requirements import Requirement
from packaging.version import Version

from ringbridge.cli.settings_text import dotenv, table
from ringbridge.config import describe, load_settings
from ringbridge.errors import SettingsError

ROOT = Path(__file__).parents[1]
LOCKS = sorted((ROOT / "requirements").glob("*.lock"))


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_the_example_has_every_setting():
    assert read(".env.example") == dotenv(), "run scripts/docs"
    named = re.findall(r"^(?:# )?([A-Z_]+)=", read(".env.example"), re.MULTILINE)
    assert named == [row.name for row in describe()]


def test_the_example_sets_what_is_needed_and_nothing_else():
    assert list(dotenv_values(ROOT / ".env.example")) == [row.name for row in describe() if row.needed]


def test_the_example_as_it_is_does_not_serve(tmp_path: Path):
    copy = shutil.copy(ROOT / ".env.example", tmp_path / ".env")

    with pytest.raises(SettingsError) as caught:
        load_settings(copy, {"BRAIN": "brain.py:reply"})

    needed = [row.name for row in describe() if row.needed]
    assert [problem.partition(" ")[0] for problem in caught.value.problems] == [f"{name}:" for name in needed]
    assert all("is still the example's" in problem for problem in caught.value.problems)


def test_each_default_in_the_example_is_the_real_one(tmp_path: Path):
    text = re.sub(r"^# ([A-Z_]+=)", r"\1", read(".env.example"), flags=re.MULTILINE)
    (tmp_path / "all").write_text(text, encoding="utf-8")
    uncommented = dotenv_values(tmp_path / "all")

    assert {row.name: uncommented[row.name] for row in describe() if row.default} == {
        row.name: row.default for row in describe() if row.default
    }


def test_the_readme_has_every_setting():
    tables = re.findall(r"<!-- settings -->\n(.*?)<!-- /settings -->", read("README.md"), re.DOTALL)

    assert tables in ([], [table()]), "run scripts/docs"


def test_every_setting_has_a_row():
    assert re.findall(r"^\| `([A-Z_]+)` \|", table(), re.MULTILINE) == [row.name for row in describe()]


def test_the_changelog_knows_this_version():
    version = tomllib.loads(read("pyproject.toml"))["tool"]["hatch"]["version"]["path"]
    number = re.search(r'__version__ = "(.+)"', read(version))

    assert number
    assert f"\n## [{number[1]}]" in read("CHANGELOG.md")


@pytest.mark.parametrize("script", ["run", "test", "install", "pythons", "lock", "docs", "audit"])
def test_scripts_can_be_run(script: str):
    mode = (ROOT / "scripts" / script).stat().st_mode

    assert mode & stat.S_IXUSR
    assert "set -euo pipefail" in read(f"scripts/{script}")


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_locks_pin_and_hash_everything_and_name_no_address(lock: Path):
    entries = re.split(r"\n(?=\S)", lock.read_text(encoding="utf-8"))
    pins = [entry for entry in entries if not entry.startswith("#")]

    assert "://" not in lock.read_text(encoding="utf-8")
    assert pins
    for pin in pins:
        assert re.match(r"[a-z0-9-]+==\S+", pin)
        assert "--hash=sha256:" in pin


@pytest.mark.parametrize("lock", ["run", "voice", "dev", "build"])
def test_locks_hold_what_pyproject_asks_for(lock: str):
    project = tomllib.loads(read("pyproject.toml"))
    groups = project["dependency-groups"]
    asked = {
        "run": project["project"]["dependencies"],
        "voice": project["project"]["dependencies"] + project["project"]["optional-dependencies"]["voice"],
        "dev": project["project"]["dependencies"] + groups["build"] + [d for d in groups["dev"] if isinstance(d, str)],
        "build": groups["build"],
    }[lock]
    pinned = re.findall(r"^([a-z0-9-]+)==([^\s;]+)", read(f"requirements/{lock}.lock"), re.MULTILINE)

    for requirement in map(Requirement, asked):
        versions = [Version(version) for name, version in pinned if name == requirement.name]
        assert versions, f"{requirement.name} is not locked: run scripts/lock"
        assert all(version in requirement.specifier for version in versions), "run scripts/lock"


def test_the_build_uses_a_locked_backend():
    backends = tomllib.loads(read("pyproject.toml"))["build-system"]["requires"]

    assert [Requirement(backend).name for backend in backends] == ["hatchling"]
    assert "\nhatchling==" in read("requirements/build.lock")
