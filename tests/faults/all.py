"""Every row of the table, in the order of the document."""

from . import test_brain, test_elevenlabs, test_ourselves, test_twilio  # noqa: F401 - they bring their rows
from .table import page

__all__ = ["page"]
