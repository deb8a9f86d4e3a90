"""The contender on Pipecat, whose many packages have an environment of their own."""

import subprocess
import sys
from dataclasses import dataclass

from benchmarks.speed.contenders.contender import BUILT, PROGRAMS, Contender

__all__ = ["Pipecat"]

PACKAGES = (
    "pipecat-ai[websocket]==1.14.0",
    "python-multipart==0.0.34",
    "twilio==9.13.0",
    "uvicorn==0.54.0",
    "websockets==17.4",
)

FOLDER = BUILT / "pipecat"
PYTHON = FOLDER / "bin" / "python"
STAMP = FOLDER / "installed"


@dataclass(frozen=True, slots=True)
class Pipecat(Contender):
    """`programs/pipecat_passthrough.py`. `prepare` downloads half a gigabyte of packages."""

    def missing(self) -> str | None:
        return "it is set up for Unix alone" if sys.platform == "win32" else None

    def prepare(self) -> None:
        if self.prepared():
            return
        subprocess.run([sys.executable, "-m", "venv", "--clear", FOLDER], check=True)  # noqa: S603
        pip = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, *PACKAGES], check=True)  # noqa: S603
        STAMP.write_text("\n".join(PACKAGES), encoding="utf-8")

    def prepared(self) -> bool:
        return STAMP.exists() and STAMP.read_text(encoding="utf-8") == "\n".join(PACKAGES)

    def command(self, port: int) -> list[str]:
        return [str(PYTHON), str(PROGRAMS / "pipecat_passthrough.py"), str(port)]
