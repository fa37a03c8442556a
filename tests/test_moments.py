"""The moments at which `benchmarks/kills.py` kills a process can be struck."""

import importlib
import operator

import pytest

from benchmarks import moments

ALL = moments.TRAINING | moments.COMPARISON | moments.ANSWERS


@pytest.mark.parametrize("name", ALL)
def test_the_function_of_a_moment_is_there(name):
    module, path = ALL[name].target.split(":")
    assert callable(operator.attrgetter(path)(importlib.import_module(module)))


def test_each_file_of_a_version_has_its_moment(artifact):
    written = {path.name for path in (artifact / "1" / "assets.extra").iterdir()}
    assert len(written - {"model.keras"}) == moments.FILES


def work(number):
    return number


@pytest.mark.parametrize(("when", "left"), [("before", [1]), ("after", [1, 2])])
def test_a_process_dies_at_the_call_that_was_named(monkeypatch, when, left):
    def die():
        raise KeyboardInterrupt

    done = []
    monkeypatch.setattr(f"{__name__}.work", done.append)
    monkeypatch.setattr(moments, "die", die)
    moments.plant(moments.Moment(f"{__name__}:work", when, call=2))
    with pytest.raises(KeyboardInterrupt):
        for number in (1, 2, 3):
            work(number)
    assert done == left
