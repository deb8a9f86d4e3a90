"""What a process that carries calls asks of its system, and of Python."""

import gc
import sys

__all__ = ["keep_what_is_there", "take_descriptors"]

DESCRIPTORS = 65_536
"""What we take of the file descriptors that the system would give us. A call has three sockets."""


def keep_what_is_there() -> None:
    """What was made by now lasts: a full collection need not look at it, for 50 ms in which no call's audio passes."""
    gc.collect()
    gc.freeze()


def take_descriptors() -> None:
    """Many systems give a process 1024 unless it asks for more."""
    if sys.platform == "win32":
        return
    import resource  # noqa: PLC0415 - Unix alone has it

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = DESCRIPTORS if hard == resource.RLIM_INFINITY else min(DESCRIPTORS, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
