"""Files that somebody planted in an artifact: arrays, graphs, links, names, networks."""

import io
import json
import pickle
import shutil
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

import mtl_keras as mtl
from mtl_keras.jobs import replaced
from mtl_keras.runs.identity import identity
from tests.export.hostile import LAYERS, RUN, USING, Pickled, said

pytestmark = pytest.mark.xdist_group("small")

RESUME = ("train", "small.csv", "--target", "left:binary", "--preset", "fast", "--epochs", "1")
RESUME += ("--models", ".", "--resume")


def npz(**arrays) -> bytes:
    file = io.BytesIO()
    np.savez(file, allow_pickle=True, **arrays)
    return file.getvalue()


def of_absurd_shape() -> bytes:
    """Arrays that say that they have 10^15 rows."""
    content, file = io.BytesIO(), io.BytesIO()
    header = {"descr": "<u8", "fortran_order": False, "shape": (10**15,)}
    np.lib.format.write_array_header_1_0(content, header)
    with zipfile.ZipFile(file, "w") as archive:
        for name in ("hashes", "share", "truth_0", "state"):
            archive.writestr(f"{name}.npy", content.getvalue())
    return file.getvalue()


OBJECTS = np.array([Pickled()], object)
ARRAYS = {
    "objects": npz(hashes=OBJECTS, share=OBJECTS, truth_0=OBJECTS, state=OBJECTS),
    "a pickle": pickle.dumps(Pickled()),
    "an absurd shape": of_absurd_shape(),
    "texts": npz(hashes=["a"], share="b", chance=1.0, truth_0=["a"], predicted_0=["a"], state="a"),
    "no rows": npz(hashes=[1], share=0.0, chance=0.0, state="[1]"),
}


@pytest.mark.parametrize("content", ARRAYS.values(), ids=ARRAYS)
def test_arrays_of_theirs_are_numbers_or_refused(planted, capsys, content):
    for name in ("trained_rows.npz", "predictions.npz"):
        (planted / "1" / "assets.extra" / name).write_bytes(content)
    assert "predictions.npz" in said(capsys, *USING["report"])
    assert "trained_rows.npz" in said(capsys, *USING["evaluate"])
    (planted / ".training").mkdir()
    (planted / ".training" / "training.npz").write_bytes(content)
    (planted / ".training" / "identity").write_bytes(b"\xff" + content)
    assert "training.npz" in said(capsys, *RESUME)


def writes(age):
    with tf.control_dependencies([tf.io.write_file(str(RUN), "x")]):
        return tf.identity(age)


def in_a_branch(age):
    def write():
        with tf.control_dependencies([tf.io.write_file(str(RUN), "x")]):
            return age + 1

    return tf.cond(tf.reduce_any(age > 0), write, lambda: age)


def printed():
    tf.print("x", output_stream=f"file://{RUN}")
    return 0.0


GRAPHS = {
    "writes a file": writes,
    "writes a file in a branch": in_a_branch,
    "prints to a file": lambda age: tf.raw_ops.Identity(input=age + printed()),
    "reads a file": lambda age: age + tf.strings.to_number(tf.io.read_file("table.csv")),
    "calls Python": lambda age: age + tf.numpy_function(RUN.touch, [], tf.float32),
    "reads lines": lambda age: (
        age + tf.data.TextLineDataset("table.csv").reduce(0.0, lambda n, _: n + 1)
    ),
}


@pytest.mark.parametrize("serve", GRAPHS.values(), ids=GRAPHS)
def test_a_graph_that_reaches_files_is_refused_before_it_is_loaded(planted, capsys, serve):
    module = tf.Module()
    inputs = tf.TensorSpec([None], tf.float32, name="age")
    module.serve = tf.function(lambda age: {"left": serve(age)}, [inputs])
    version = planted / "1"
    shutil.move(version / "assets.extra", "kept")
    shutil.rmtree(version)
    tf.saved_model.save(module, str(version), signatures=module.serve)
    shutil.move("kept", version / "assets.extra")
    for command in ("predict", "evaluate"):
        line = said(capsys, *USING[command])
        assert "small/1 has operations that reach beyond" in line and "--trust tensorflow" in line
    line = said(capsys, *USING["predict"], "--trust", "tensorflow")
    assert "schema.json does not describe the SavedModel beside it" in line  # it was loaded


@pytest.mark.parametrize("name", [".training.lock", ".training"])
def test_a_link_of_theirs_is_named(planted, capsys, name):
    mine = Path("mine")
    mine.write_text("mine")
    (planted / name).symlink_to(mine.resolve())
    assert f"{planted / name} is a symbolic link" in said(capsys, *RESUME)
    assert mine.read_text() == "mine"


def test_no_state_is_written_through_a_link_of_theirs(planted):
    mine = Path("mine")
    mine.write_text("mine")
    for name in ("training.npz", "training.unfinished", "identity", "identity.unfinished"):
        (planted / name).symlink_to(mine.resolve())
    with replaced(planted / "training.npz") as file:
        file.write(b"state")
    assert len(identity(planted, resume=True)) == 32
    assert mine.read_text() == "mine" and not (planted / "training.npz").is_symlink()


@pytest.mark.parametrize("name", ["²", "007", "-1", "٣", "9" * 30])
def test_only_a_plain_number_is_a_version(planted, name):
    shutil.copytree(planted / "1", planted / name)
    assert mtl.load(planted).path.name == (name if name == "9" * 30 else "1")
    schema = planted / name / "assets.extra" / "schema.json"
    schema.unlink()
    schema.symlink_to("schema.json")  # to itself
    assert mtl.load(planted).path.name == "1"


def test_names_of_theirs_are_text_in_the_page(planted, capsys):
    strange = "<img src=x onerror=alert(1)>"
    for file in (planted / "1" / "assets.extra").iterdir():
        if file.suffix in (".json", ".csv"):
            file.write_text(file.read_text().replace("spend", strange).replace("town", strange))
    assert "report.html" in said(capsys, *USING["report"], fails=False)
    page = (planted / "report.html").read_text()
    assert "<img src=x" not in page and "&lt;img src=x" in page


@pytest.mark.parametrize("balancer", ["evil:make", {"kind": "evil:Layer"}, LAYERS["a lambda"]])
def test_a_keras_file_of_theirs_imports_nothing(planted, balancer):
    path = planted / "model.keras"
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(files["config.json"])
    config["compile_config"]["balancer"] = balancer
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in {**files, "config.json": json.dumps(config).encode()}.items():
            archive.writestr(name, content)
    with pytest.raises((ValueError, TypeError)):
        keras.models.load_model(path)
