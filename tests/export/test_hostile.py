"""An artifact that somebody planted: no code of theirs runs, and one line says what is wrong."""

import io
import json
import os
import pickle
import shutil
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
import tomli_w

import mtl_keras as mtl
from mtl_keras.cli import main
from mtl_keras.errors import MTLError
from tests.export.conftest import small_table

pytestmark = pytest.mark.xdist_group("small")

RUN = Path("ran")  # what a payload leaves in the working directory if it runs
EVIL = """
import keras
from pathlib import Path
Path("ran").touch()
class Layer(keras.layers.Layer): pass
def make(*args): return Layer()
"""


class Pickled:
    def __reduce__(self):
        return (os.system, (f"touch {RUN}",))


def keras_object(module, name, config, registered=None):
    return {"module": module, "class_name": name, "config": config, "registered_name": registered}


def a_lambda():
    return keras.saving.serialize_keras_object(
        keras.layers.Lambda(lambda x: open("ran", "w") and x)
    )


LAYERS = {
    "os.system": keras_object("os", "function", "system", "function"),
    "builtins.eval": keras_object("builtins", "function", "eval", "function"),
    "a class to import": keras_object("evil", "Layer", {}),
    "a lambda": a_lambda(),
    "another model": keras_object("keras.layers", "TFSMLayer", {"filepath": "1"}),
    "a function of Keras": keras_object(
        "keras.config", "function", "enable_unsafe_deserialization"
    ),
    "no object": 3,
}


def text(**config):
    return {"kind": "text", "name": "town", "vocabulary": ["a"], "length": 3, **config}


FEATURES = {
    **{f"tokenizer: {name}": text(tokenizer=json.dumps(v)) for name, v in LAYERS.items()},
    **{
        f"encoder: {name}": text(encoder={"kind": "pretrained", "layer": json.dumps(v)})
        for name, v in LAYERS.items()
    },
    "encoder: a function to call": text(encoder="evil:make"),
    "encoder: os.abort": text(encoder={"kind": "pretrained", "source": "os:abort"}),
    "a kind to import": {"kind": "evil:Layer", "name": "town"},
    "a builtin": {"kind": "builtins:eval", "name": "town"},
}
ABSURD = {
    "a vector": {"kind": "vector", "name": "town", "size": 10**13},
    "a text": text(length=10**13),
    "a sequence": {"kind": "sequence", "name": "town", "vocabulary": ["a"], "length": 10**13},
    "a number": {"kind": "numeric", "name": "town", "center": 1e400},
    "an image": {"kind": "image", "name": "town", "height": 10**9, "width": 10**9},
}


@pytest.fixture()
def planted(small_artifact, tmp_path, monkeypatch):
    """A copy of an artifact in the working directory, where a module of the author's lies, too."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(__import__("sys").modules, "evil", None)
    monkeypatch.delitem(__import__("sys").modules, "evil")
    shutil.copytree(small_artifact, "small")
    small_table(30).to_csv("table.csv", index=False)
    Path("evil.py").write_text(EVIL)
    yield Path("small")
    assert not RUN.exists(), "code of the artifact's author ran"


def said(capsys, *arguments, fails=True) -> str:
    """What a command says that may fail in one line, or has to."""
    code = main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    assert code == 1 if fails else code in (0, 1)
    lines = [line for line in captured.err.splitlines() if not line.startswith("warning")]
    assert len(lines) == code, lines
    return lines[0] if code else captured.out


USING = {
    "predict": ("predict", "small", "table.csv"),
    "evaluate": ("evaluate", "small", "table.csv"),
    "report": ("report", "small"),
    "inspect": ("inspect", "small"),
}


def change(path: Path, **changes) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def with_feature(planted: Path, feature) -> None:
    schema = planted / "1" / "assets.extra" / "schema.json"
    others = [f for f in json.loads(schema.read_text())["features"] if f["name"] != "town"]
    change(schema, features=[*others, feature])


@pytest.mark.parametrize("feature", (FEATURES | ABSURD).values(), ids=FEATURES | ABSURD)
def test_a_feature_of_theirs_is_made_by_no_command(planted, capsys, feature):
    with_feature(planted, feature)
    for command, arguments in USING.items():
        line = said(capsys, *arguments, fails=False)
        where = str(planted) in line or "'town'" in line
        assert not line.startswith("error") or where, (command, line)


@pytest.mark.parametrize("feature", FEATURES.values(), ids=FEATURES)
def test_an_experiment_beside_their_model_makes_no_feature_of_theirs(planted, capsys, feature):
    experiment = planted / "experiment.toml"
    declared = {key: value for key, value in feature.items() if key not in ("name", "length")}
    small = {"tasks": {"left": "binary"}, "features": {"town": declared}}
    small["data"] = {"path": "../table.csv"}
    experiment.write_text(tomli_w.dumps(small))
    for command in (("train",), ("compare", "--seeds", "1", "--no-baselines")):
        line = said(capsys, *command, experiment, "--epochs", "1")
        assert "town" in line or str(experiment) in line
