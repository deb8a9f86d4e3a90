"""What all tests share: the clock they run on, their order, how long hypothesis searches, and what costs time."""

import asyncio
import gc
import os

import pytest
from hypothesis import HealthCheck, settings

from ringbridge.emulator.clock import VirtualTimeLoop

settings.register_profile("quick", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("deep", settings.get_profile("quick"), max_examples=5000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "true_time: run on the wall's clock instead of a virtual one")
    gc.disable()  # until all is imported


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores, for there is always one that waits in true time."""
    return (os.cpu_count() or 1) + 1


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes true time comes first: while one process waits, the others have enough to do until the end."""
    items.sort(key=lambda item: item.get_closest_marker("true_time") is None)


def pytest_collection_finish() -> None:
    """What all tests share is never garbage: to look it through again and again took a fifth of the suite's time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_asyncio_loop_factories(config, item):
    """Sockets are real, time is not: it jumps to the next timer when there is nothing to do."""
    if item.get_closest_marker("true_time"):
        return {"true": asyncio.SelectorEventLoop}
    return {"virtual": VirtualTimeLoop}
