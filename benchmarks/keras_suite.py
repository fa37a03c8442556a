"""Keras's own tests, with `MultiTaskModel` in the place of `keras.Model`.

Each file of tests is run twice in a process of its own, with plain Keras and with ours; counted are
the tests that plain Keras passes. Nothing of Keras is copied: the tests are read from a checkout or
an unpacked source archive of the installed version, or from the installed package. The models of
`trainer_test.py` and the `Sequential` ones of the callbacks' tests are made functional, with the
same layers, so that they can be ours.

    python benchmarks/keras_suite.py [path/to/keras] [--suite trainer] [--failures]
"""

import argparse
import collections
import importlib.util
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

os.environ["KERAS_BACKEND"] = "tensorflow"

CALLBACKS = (
    "backup_and_restore callback csv_logger early_stopping lambda_callback learning_rate_scheduler "
    "model_checkpoint monitor_callback reduce_lr_on_plateau remote_monitor swap_ema_weights "
    "tensorboard terminate_on_nan"
)
SUITES = {
    "functional": ["models/functional_test.py"],
    "model": ["models/model_test.py"],
    "cloning": ["models/cloning_test.py"],
    "trainer": ["trainers/trainer_test.py"],
    "saving": ["saving/saving_lib_test.py", "saving/saving_api_test.py"],
    "callbacks": [f"callbacks/{name}_test.py" for name in CALLBACKS.split()],
}
# Columns of the inputs of the tests of `trainer_test.py`, where they are not always 4.
COLUMNS = {
    "test_evaluate_return_list": [2], "test_recompile": [2], "test_stop_loop": [2],
    "test_validation_data_infinite": [2], "test_multiple_compiles": [4, 3],
    "test_nested_inputs": [2, 3],
}  # fmt: skip
SECONDS = 300  # that a test may take
OURS = "MTL_KERAS_SUITE"  # environment variable: whether a run substitutes the class


# In the process of the tests, where this file is a plugin of pytest


def pytest_configure(config: Any) -> None:
    """Put our class into Keras's public modules, before the tests import it from there."""
    if os.environ.get(OURS) != "1":
        return
    import keras

    import mtl_keras

    for module in (keras, keras.models, keras.src.models):
        for name in ("Model", "Functional"):
            if hasattr(module, name):
                setattr(module, name, mtl_keras.MultiTaskModel)


def pytest_collectstart(collector: Any) -> None:
    """Put our class into a test module that has imported it from where it is defined."""
    import pytest

    if os.environ.get(OURS) != "1" or not isinstance(collector, pytest.Module):
        return
    import mtl_keras

    module, folder = collector.obj, Path(collector.path).parent.name
    for name in ("Model", "Functional"):
        if hasattr(module, name):
            setattr(module, name, mtl_keras.MultiTaskModel)
    if hasattr(module, "ExampleModel") and folder == "trainers":
        for name, cls in trainer_models().items():
            setattr(module, name, cls)
    if folder == "callbacks":
        width = getattr(module, "INPUT_DIM", None)
        cls = mtl_keras.MultiTaskModel if "backup" not in module.__name__ else without_inputs()
        make = functional_sequential(None if width is None else (width,), cls)
        if hasattr(module, "Sequential"):
            module.Sequential = make
        if hasattr(module, "models"):
            module.models.Sequential = make


def pytest_runtest_setup(item: Any) -> None:
    """Let a test that hangs fail, and the others be counted; each sets the alarm anew."""
    import signal

    def stop(*_: Any) -> None:
        raise TimeoutError(f"The test did not end within {SECONDS} s.")

    signal.signal(signal.SIGALRM, stop)
    signal.alarm(SECONDS)


def trainer_models() -> dict[str, Any]:
    """The models that `trainer_test.py` defines, as functional models with the same layers."""
    import keras

    import mtl_keras

    made: collections.Counter[str] = collections.Counter()  # inputs, by test

    def rows() -> keras.KerasTensor:
        """An input, which in a graph must be told what the rows of the test are."""
        test = os.environ["PYTEST_CURRENT_TEST"].split("::")[-1]
        columns = next((c for name, c in COLUMNS.items() if test.startswith(name)), [4])
        made[test] += 1
        width = columns[(made[test] - 1) % len(columns)]
        return keras.Input((width,), sparse="_sparse_" in test)

    def dense(units: int) -> keras.layers.Layer:
        return keras.layers.Dense(units, use_bias=False, kernel_initializer="ones")

    class ExampleModel(mtl_keras.MultiTaskModel):
        def __init__(self, units: int) -> None:
            x = rows()
            super().__init__(x, dense(units)(x))

    class CustomTrainTestStepModel(ExampleModel):
        def train_step(self, data: Any) -> Any:
            return {**super().train_step(data), "my_custom_metric": 10.0}

        def test_step(self, data: Any) -> Any:
            return {**super().test_step(data), "my_custom_metric": 5.0}

    class StructModel(mtl_keras.MultiTaskModel):
        def __init__(self, units: int) -> None:
            x = {name: keras.Input((4,), name=name) for name in ("x_one", "x_two")}
            outputs = {"y_one": dense(units)(x["x_one"]), "y_two": dense(units)(x["x_two"])}
            super().__init__(x, outputs)

    class ListInputModel(mtl_keras.MultiTaskModel):
        def __init__(self, units: int) -> None:
            x = [rows(), rows()]
            super().__init__(x, dense(units)(x[0]) + dense(units)(x[1]))

    class ListOutputModel(mtl_keras.MultiTaskModel):
        def __init__(self, units: int) -> None:
            x = rows()
            super().__init__(x, [dense(units)(x), dense(units)(x)])

    return {cls.__name__: cls for cls in locals().values() if isinstance(cls, type)}


def without_inputs() -> type:
    """Our class with the `layers` of a `Sequential`, among which its input is not."""
    import keras

    import mtl_keras

    class WithoutInputs(mtl_keras.MultiTaskModel):
        @property
        def layers(self) -> list[Any]:
            layers = super().layers
            return [layer for layer in layers if not isinstance(layer, keras.layers.InputLayer)]

    return WithoutInputs


def functional_sequential(shape: tuple[int, ...] | None, cls: type) -> Any:
    """A replacement of `keras.Sequential` that makes a functional model.

    Args:
        shape: Shape of a row, for models that do not say it.
        cls: The class of the model.
    """
    import keras

    def functional(layers: list[Any], name: str | None) -> Any:
        first = layers[0] if layers else None
        if isinstance(first, keras.layers.InputLayer):
            x, layers = first.output, layers[1:]
        elif isinstance(first, keras.KerasTensor):
            x, layers = first, layers[1:]
        else:
            given = getattr(first, "_input_shape_arg", None)
            x = keras.Input(given or shape)
        y = x
        for layer in layers:
            y = layer(y)
        return cls(x, y, name=name)

    class Growing:
        """A model under construction: any use other than `add` makes it a functional one."""

        def __init__(self) -> None:
            self.__dict__["parts"] = []

        def add(self, layer: Any) -> None:
            self.parts.append(layer)

        def made(self) -> Any:
            if "model" not in self.__dict__:
                self.__dict__["model"] = functional(self.parts, None)
            return self.__dict__["model"]

        def __getattr__(self, name: str) -> Any:
            return getattr(self.made(), name)

        def __setattr__(self, name: str, value: Any) -> None:
            setattr(self.made(), name, value)

    plain = keras.src.models.sequential.Sequential

    def sequential(layers: Any = None, name: str | None = None, **options: Any) -> Any:
        if layers is None:
            return Growing() if shape else plain(name=name, **options)
        layers = list(layers)
        known = getattr(layers[0], "_input_shape_arg", None) or shape
        if not isinstance(layers[0], (keras.layers.InputLayer, keras.KerasTensor)) and not known:
            return plain(layers, name=name, **options)
        return functional(layers, name)

    return sequential


# The runs and their table


def results(path: Path, ours: bool, scratch: Path) -> dict[str, str]:
    """How each test of a file ended: `passed`, `failed` or `skipped`, by its name."""
    report = scratch / "report.xml"
    report.unlink(missing_ok=True)
    here = Path(__file__).resolve()
    paths = [str(here.parent), str(here.parent.parent), os.environ.get("PYTHONPATH", "")]
    environment = {
        **os.environ,
        OURS: "1" if ours else "0",
        "PYTHONPATH": os.pathsep.join(paths),
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    command = [sys.executable, "-m", "pytest", "-p", here.stem, "-p", "no:cacheprovider", "-q"]
    command += ["-n", "0", "-c", os.devnull, "--rootdir", str(scratch), f"--junitxml={report}"]
    # By the file's own name: a checkout's `keras` must not hide the installed one.
    command += ["--import-mode=importlib", "--confcutdir", str(path.parent), str(path)]
    done = subprocess.run(
        command, cwd=scratch, env=environment, capture_output=True, text=True, check=False
    )
    if not report.exists():
        raise SystemExit(f"No test of {path} was run:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return read_report(report)


def read_report(report: Path) -> dict[str, str]:
    """The outcomes in a JUnit report; the message of a failed test follows its outcome."""
    import xml.etree.ElementTree as xml

    outcomes = {}
    for case in xml.parse(report).iter("testcase"):
        bad = [part for part in case if part.tag in ("failure", "error")]
        skipped = any(part.tag == "skipped" for part in case)
        outcome = "skipped" if skipped else "passed"
        if bad:
            outcome = "failed: " + (bad[0].get("message") or "")
        outcomes[f"{case.get('classname', '').split('.')[-1]}.{case.get('name')}"] = outcome
    return outcomes


def main() -> None:
    """Run the suites and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("checkout", nargs="?", type=Path, help="of Keras; default: as installed")
    parser.add_argument("--suite", choices=SUITES, action="append", help="default: all")
    parser.add_argument("--failures", action="store_true", help="name the tests that fail")
    arguments = parser.parse_args()
    spec = importlib.util.find_spec("keras")
    assert spec is not None and spec.submodule_search_locations
    installed = Path(spec.submodule_search_locations[0]) / "src"
    source = installed if arguments.checkout is None else arguments.checkout / "keras" / "src"
    print("| suite | plain Keras passes | of these, ours passes |\n|---|---:|---:|")
    total: collections.Counter[str] = collections.Counter()
    failures = []
    for suite in arguments.suite or SUITES:
        counts: collections.Counter[str] = collections.Counter()
        for name in SUITES[suite]:
            with tempfile.TemporaryDirectory() as scratch:
                plain = results(source / name, False, Path(scratch))
                mine = results(source / name, True, Path(scratch))
            for test, outcome in plain.items():
                if outcome == "passed":
                    other = mine.get(test, "failed: not run")
                    counts["plain"] += 1
                    counts["ours"] += other == "passed"
                    if other != "passed":
                        failures.append(f"{suite} {test}: {other[:300]}")
        total.update(counts)
        print(f"| {suite} | {counts['plain']} | {counts['ours']} |", flush=True)
    print(f"| all | {total['plain']} | {total['ours']} |")
    if arguments.failures:
        print("", *failures, sep="\n")


if __name__ == "__main__":
    main()
