"""What must hold of a run with a table: it succeeds with equal answers, or is refused clearly."""

import contextlib
import json
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

import mtl_keras as mtl
from mtl_keras import features, tasks
from mtl_keras.datasets import write
from mtl_keras.errors import MTLError
from mtl_keras.export.artifact import as_json
from mtl_keras.export.description import describe
from mtl_keras.features.encoder import raw_columns
from mtl_keras.plans.readable import check_readable
from mtl_keras.runs.prepare import prepare
from tests import without
from tests.property.tables import Case


class Refused(Exception):
    """The case was refused as it should be; the text is the message."""


@contextlib.contextmanager
def refusals_of(case: Case):
    """Turns an error of the library's own, which names what is wrong, into `Refused`."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except MTLError as error:
        message = str(error)
        names = {*map(str, case.table.columns), *case.declared["tasks"]}
        says = [f"`{name}" for name in ("split", "training", "weight", "tasks")]
        named = any(name in message or repr(name)[1:-1] in message for name in names)
        assert named or "`" in message or any(s in message for s in (*says, "split", "table")), (
            f"names neither a column nor a task: {message}"
        )
        assert len(message) < 2500, f"a message of {len(message)} characters: {message[:300]}"
        raise Refused(message) from error


def prepared(case: Case) -> None:
    """Rows are prepared, and features and tasks are the same once written down and read again."""
    with refusals_of(case):
        plan = mtl.Experiment(**case.declared)
        check_readable(plan)
        rows = prepare(plan, case.table)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        again = json.loads(as_json([f.get_config() for f in rows.encoder.features]))
        read = [features.get(config) for config in again]
        for name, raw in raw_columns(rows.encoder.features, rows.rows["test"]).items():
            reread = raw_columns(read, rows.rows["test"])[name]
            assert raw.dtype == reread.dtype, name
            np.testing.assert_array_equal(raw, reread, err_msg=str(name))
        for part in rows.data.x:
            for group, encoded in rows.data.x[part].items():
                assert np.isfinite(encoded).all(), f"{group} of {part} is not finite"
        again = json.loads(as_json([task.get_config() for task in rows.tasks]))
        for task, config in zip(rows.tasks, again):
            np.testing.assert_array_equal(
                task.truth(rows.rows["test"]), tasks.get(config).truth(rows.rows["test"])
            )


def untrained(case: Case) -> None:
    """All of a run but the training: the served model gives the answers of the network."""
    with refusals_of(case), without.training():
        run = mtl.Experiment(**case.declared).run(case.table, show=None)
    with warnings.catch_warnings():  # nothing is refused once the network is there
        warnings.simplefilter("ignore")
        serving = run.serving_model()
        schema = json.loads(as_json(run.schema(serving)))
        as_json(run.metrics())
        slugs = schema["inputs"]
        raw = raw_columns(run.encoder.features, run.test)
        served = serving({slugs[name]: tf.constant(values) for name, values in raw.items()})
        answers = {name: np.asarray(served[slug]) for name, slug in schema["outputs"].items()}
        outputs = run.model.predict(run.encoder.encode(run.test), verbose=0)
        for task in run.tasks:
            for name, answer in task.answers(outputs[task.name]).items():
                same(name, np.asarray(answer), answers[name])
        read = [tasks.get(config) for config in schema["tasks"]]
        for task in read:
            same(task.name, run.predictions[task.name], task.prediction_from(answers))


def same(name: str, expected: np.ndarray, received: np.ndarray) -> None:
    """Raise an AssertionError if answers differ, or are no answers."""
    assert expected.shape == received.shape, f"{name}: {expected.shape}, {received.shape}"
    if expected.dtype.kind == "f":
        assert np.isfinite(expected).all(), f"answers {name!r} are not finite"
        scale = max(float(np.abs(expected).max(initial=0)), 1e-30)
        np.testing.assert_allclose(
            received, expected, rtol=1e-3, atol=1e-4 * scale, err_msg=str(name)
        )
    else:  # a number on the edge between two labels may fall to either side
        assert np.mean(expected == received) > 0.9, f"answers {name!r} differ"


def whole(case: Case, as_file: bool = False) -> None:
    """A run from its table to the artifact and back, the table from a CSV file if that is asked."""
    with tempfile.TemporaryDirectory() as temporary:
        data: Any = case.table
        if as_file:
            data = Path(temporary) / "table.csv"
            try:
                write(case.table, data)
            except (UnicodeEncodeError, ValueError, TypeError):
                return  # a table that no CSV file can hold
        with refusals_of(case):
            run = mtl.Experiment(**case.declared).run(data, show=None)
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            _exported_and_read(run, Path(temporary) / "models")
        lost = [str(w.message) for w in warned if "could not be made" in str(w.message)]
        assert not lost, lost


def _exported_and_read(run: Any, folder: Path) -> None:
    run.export(folder)
    loaded = mtl.load(folder)
    served = loaded.predictions(run.test)
    for task in run.tasks:
        same(task.name, run.predictions[task.name], served[task.name])
    assert len(loaded.predict(run.test)) == len(run.test)
    assert str(loaded.evaluate(run.test))
    assert describe(folder)
    mtl.Experiment.from_file(folder / "experiment.toml")


LEVELS = {"prepared": prepared, "untrained": untrained, "whole": whole}
