"""The certificate with which the engine's player speaks TLS: its own authority."""

from pathlib import Path

from ringbridge.emulator.tunnels.certificate import made_up

__all__ = ["write_certificate"]


def write_certificate(file: Path) -> None:
    """Write certificate and key of 127.0.0.1, good for a day, as PEM."""
    made_up("127.0.0.1").write(file)
