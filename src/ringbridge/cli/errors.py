"""What a command could not do, in a sentence and a next step."""

import errno
import sys
import traceback
from pathlib import Path

import click

from ringbridge.doctor.verdict import parted
from ringbridge.errors import RingbridgeError, SettingsError, VendorError

__all__ = ["complaint"]


def complaint(error: Exception, verb: str | None, *, debug: bool) -> Exception:
    """What is to be raised instead of `error`, which ended the command `verb`: click shows it as one sentence.

    With `debug`, its traceback is shown first. What click handles itself stays, and so does what nobody foresaw while
    a log is set up, which writes it down.
    """
    error = _only(error)
    if isinstance(error, click.exceptions.Exit | click.Abort | click.UsageError):
        return error
    if isinstance(error, OSError) and error.errno == errno.EPIPE:
        return error  # whoever read our output has gone
    if debug:
        traceback.print_exception(error)
    if isinstance(error, click.ClickException):
        return error
    if isinstance(error, SettingsError):
        return click.ClickException(_settings(error))
    if isinstance(error, VendorError):
        return click.ClickException(_vendors(str(error)))
    if isinstance(error, RingbridgeError):
        return click.ClickException(str(error))
    if sys.excepthook is not sys.__excepthook__:
        return error
    return click.ClickException(_unforeseen(error, verb))


def _only(error: Exception) -> Exception:
    """What a group of tasks has failed with, where it is one thing."""
    while isinstance(error, ExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


def _settings(error: SettingsError) -> str:
    lines = "\n".join(f"  {problem}" for problem in error.problems)
    return f"some settings need mending, in the environment or in .env:\n{lines}"


def _vendors(text: str) -> str:
    """Where nobody answered, and where a refusal is of no known kind, the error itself knows no mend."""
    return text if parted(text)[1] else f"{text}; `ringbridge doctor` may tell why"


def _unforeseen(error: Exception, verb: str | None) -> str:
    """Without the error's own text, which may quote anything."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return (
        f"this was not foreseen: {type(error).__name__}{where}.\n"
        f"See it whole with `ringbridge --debug {verb or ''}`, and the same options; then report what that shows."
    )
