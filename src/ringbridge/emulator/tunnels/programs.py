"""The stand-ins as programs: files of the true ones' names, for whoever looks for them on PATH and starts them."""

import json
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final, Literal, TypeAlias

__all__ = ["Program", "Setup", "install"]

Program: TypeAlias = Literal["ngrok", "cloudflared"]

_SCRIPT: Final = """#!{python}
import sys
{paths}
from ringbridge.emulator.tunnels.{program}_program import main
main({setup!r})
"""


@dataclass(frozen=True, slots=True)
class Setup:
    """How a program behaves. Its names lead to `edge_port` of 127.0.0.1, which 0 leaves open.

    To see its requests a twin's address book must lead `host` there, so both are best chosen beforehand. With
    `certificate` (a file: the chain and its key) it speaks TLS at `tls_port`, too. `fails` makes it give up at once,
    with these words.
    """

    host: str = ""
    edge_port: int = 0
    certificate: str = ""
    tls_port: int = 0
    reserved: list[str] = field(default_factory=list)
    """An ngrok agent's domains."""
    api_port: int = 0
    """Where an ngrok agent's API is; 4040, or the next that is free, at a true one."""
    fails: str = ""


def install(folder: Path, program: Program, setup: Setup) -> Path:
    """Write the program `program` into `folder`, to be run by this Python. Returns its path; POSIX only."""
    paths = f"sys.path[:0] = {[path for path in sys.path if path]!r}"
    file = folder / program
    text = _SCRIPT.format(python=sys.executable, paths=paths, program=program, setup=json.dumps(asdict(setup)))
    file.write_text(text)
    file.chmod(0o755)
    return file
