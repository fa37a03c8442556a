"""What every process of a test run does; those that run tests load `tests/fixtures.py`."""

import gc

import pytest

SHARED = {
    "shop": {"run", "artifact", "predictor"},
    "small": {"small_run", "small_artifact", "planted"},  # of `export/conftest.py`
}
"""Fixtures that train a model for several files. No fixture of a file may have such a name."""


@pytest.hookimpl(trylast=True)  # once it is known which process this is
def pytest_configure(config):
    """The process that hands the tests out to others starts without TensorFlow, 5 s sooner."""
    if not config.pluginmanager.hasplugin("dsession"):
        config.pluginmanager.import_plugin("tests.fixtures")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """All tests of a shared model go to one process, which trains it once.

    So do those of a file whose fixtures take long, which says so itself with an `xdist_group`.
    """
    for item in items:
        for group, fixtures in SHARED.items():
            if fixtures & set(getattr(item, "fixturenames", ())):
                item.add_marker(pytest.mark.xdist_group(group))


def pytest_collection_finish():
    """Looking for garbage among all that was imported, again and again, is a tenth of the time.

    What outlived two searches is not searched again: with all graphs of a process, that takes half
    a minute, and happens once, shortly before its end.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 1_000_000)
