"""Shared by all tests: a seed, one small trained run, and less work for TensorFlow."""

import contextlib
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")  # the tests themselves run side by side
os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")  # of scikit-learn's trees, which wait for each other

import keras
import pytest
import tensorflow as tf
from matplotlib.figure import Figure

import mtl_keras as mtl
from mtl_keras.balancers import GramianBalancer
from mtl_keras.drawing import figure
from mtl_keras.plans import presets
from tests import cases, without

# Tests trace many graphs and run each a few times: making a graph faster costs more than it wins.
tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})

# Two replicas for the tests of several devices; has to be said before TensorFlow is first used.
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
)


save_drawn = figure.save


def save_empty(drawn, file, **options):
    """Write an empty figure of the same size.

    What is drawn is drawn as ever, and its errors are raised; but setting letters and lines for a
    file takes two thirds of an export's time, and few tests look at them.
    """
    save_drawn(Figure(figsize=drawn.get_size_inches()), file, **options)


figure.save = save_empty


@contextlib.contextmanager
def rendering(form=None):
    """Within the block, files of figures show what was drawn: all of them, or those of a format."""

    def save(drawn, file, **options):
        shown = form in (None, options["format"])
        (save_drawn if shown else save_empty)(drawn, file, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(figure, "save", save)
        yield


@pytest.fixture(autouse=True)
def seed():
    keras.utils.set_random_seed(0)


@pytest.fixture()
def rendered():
    """For tests that look at the files of figures, or whose names may not be renderable."""
    with rendering():
        yield


@pytest.fixture()
def without_report():
    """For tests that export and look at neither pictures nor page."""
    with without.report():
        yield


@pytest.fixture()
def small_presets(monkeypatch):
    """What is not declared is small: for tests of commands, which train whatever it is."""
    small = {"architecture": {"members": 1, "bins": 4, "layers": (8,)}, "training": {"epochs": 1}}
    for name in ("fast", "default"):
        monkeypatch.setitem(presets.PRESETS, name, small)


@pytest.fixture(autouse=True)
def compiled_or_not(request, monkeypatch):
    """XLA needs two seconds for a balancer's decision; tests marked `xla` wait for it.

    That it can compile each one is in `conformance/test_balancers.py`.
    """
    if request.node.get_closest_marker("xla") is None:
        monkeypatch.setattr(GramianBalancer, "xla", False)


@pytest.fixture(scope="session")
def run():
    """One run over all kinds of tasks and features, with missing labels and values."""
    crossings = [["town", "member"], ["class"]]
    return cases.experiment(crossings=crossings).run(cases.table(), show=None)


@pytest.fixture(scope="session")
def artifact(run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "shop"
    with rendering("svg"):  # the report is looked at in `tests/report/`
        run.export(folder)
    return folder


@pytest.fixture(scope="session")
def predictor(artifact):
    return mtl.load(artifact)
