"""A certificate for made-up names, for who would see TLS at a far end of its own and asks nobody for a real one."""

import datetime as dt
import ipaddress
import ssl
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

__all__ = ["Certificate", "made_up"]

_VALID: Final = dt.timedelta(days=1)
"""Before and after it was made: clocks differ."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate that is its own authority, as PEM, and its private key."""

    pem: str
    key_pem: str = field(repr=False)

    @property
    def server(self) -> ssl.SSLContext:
        """The context of a server that shows it."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        with tempfile.TemporaryDirectory() as folder:
            context.load_cert_chain(self.write(Path(folder) / "both.pem"))
        return context

    def client(self) -> ssl.SSLContext:
        """The context of a client that trusts it, and nothing else."""
        return ssl.create_default_context(cadata=self.pem)

    def write(self, file: Path) -> Path:
        """Write certificate and key to this file: what a server loads, and clients may take for their authority."""
        file.write_text(self.pem + self.key_pem)
        return file


def made_up(*names: str) -> Certificate:
    """A new one for these hosts, names or IP addresses; it is good for a day."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _VALID)
        .not_valid_after(now + _VALID)
        .add_extension(x509.SubjectAlternativeName(map(_host, names)), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)
    return Certificate(certificate.public_bytes(pem).decode(), secret.decode())


def _host(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
