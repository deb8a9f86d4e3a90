"""The contender in Node: its packages are those of the lock file, in a folder that git does not see."""

import filecmp
import shutil
import subprocess
from dataclasses import dataclass

from benchmarks.speed.contenders.contender import BUILT, PROGRAMS, Contender

__all__ = ["NodeProgram"]

SOURCE = PROGRAMS / "node"
FOLDER = BUILT / "node"
FILES = ("package.json", "package-lock.json", "bridge.js")
OLDEST_NODE = 20


@dataclass(frozen=True, slots=True)
class NodeProgram(Contender):
    """`programs/node`, with fastify and ws."""

    def missing(self) -> str | None:
        node, npm = shutil.which("node"), shutil.which("npm")
        if node is None or npm is None:
            return "node and npm not found"
        # A node that is a version manager's stub may print nothing and fail.
        version = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout  # noqa: S603
        major = version.strip().lstrip("v").partition(".")[0]
        if not major.isdigit() or int(major) < OLDEST_NODE:
            return f"node {version.strip() or 'of an unknown version'} is older than {OLDEST_NODE}"
        return None

    def prepare(self) -> None:
        if self.prepared():
            return
        FOLDER.mkdir(parents=True, exist_ok=True)
        for file in FILES:
            shutil.copyfile(SOURCE / file, FOLDER / file)
        npm = shutil.which("npm") or "npm"
        options = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        subprocess.run([npm, "ci", *options], cwd=FOLDER, check=True)  # noqa: S603 - our own lock file

    def prepared(self) -> bool:
        # npm writes that one last.
        installed = (FOLDER / "node_modules" / ".package-lock.json").exists()
        return installed and not any(filecmp.cmpfiles(SOURCE, FOLDER, FILES, shallow=False)[1:])

    def command(self, port: int) -> list[str]:
        return [shutil.which("node") or "node", str(FOLDER / "bridge.js"), str(port)]
