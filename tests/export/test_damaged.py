"""A damaged artifact: every command that reads it says in one line which file it is."""

import json
import pickle
import shutil

import numpy as np
import pandas as pd
import pytest

import mtl_keras as mtl
from mtl_keras.cli import main
from mtl_keras.errors import ArtifactError, DataError, MTLError
from mtl_keras.jobs.store import Store
from tests.export.conftest import small_table

pytestmark = pytest.mark.xdist_group("small")

BROKEN = {"empty": b"", "a list": b"[1]", "not UTF-8": b"\xff\xfe\x00{", "cut off": b'{"test": {'}
SCHEMA = {
    "features": {"features": 3},
    "features of text": {"features": ["numeric"]},
    "tasks": {"tasks": {}},
    "an unknown kind": {"tasks": [{"kind": "nothing", "name": "y"}]},
    "inputs": {"inputs": {}},
    "outputs": {"outputs": {"left": "elsewhere"}},
    "fewer outputs": {"outputs": {"spend": "spend"}},
}


@pytest.fixture()
def copy(small_artifact, tmp_path):
    shutil.copytree(small_artifact, tmp_path / "small")
    small_table(30).to_csv(tmp_path / "table.csv", index=False)
    return tmp_path / "small"


def told(capsys, *arguments) -> str:
    """What a command that fails says, in its last line."""
    assert main([str(argument) for argument in arguments]) == 1
    error = capsys.readouterr().err
    assert "Traceback" not in error
    return error.strip().splitlines()[-1]


def commands(folder):
    table = folder.parent / "table.csv"
    return {
        "predict": ("predict", folder, table),
        "evaluate": ("evaluate", folder, table),
        "inspect": ("inspect", folder),
        "report": ("report", folder),
    }


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_a_broken_schema_is_named_by_every_command(copy, capsys, content):
    (copy / "1" / "assets.extra" / "schema.json").write_bytes(content)
    with pytest.raises(ArtifactError, match=r"schema\.json"):
        mtl.load(copy)
    for arguments in commands(copy).values():
        assert "schema.json" in told(capsys, *arguments)


def test_an_artifact_of_a_newer_version_is_told(copy):
    path = copy / "1" / "assets.extra" / "schema.json"
    schema = json.loads(path.read_text())
    schema["versions"]["mtl_keras"] = "0.10.1"
    path.write_text(json.dumps(schema))
    with pytest.warns(UserWarning, match=r"written by mtl_keras 0\.10\.1, which is newer"):
        mtl.load(copy)


@pytest.mark.parametrize("changes", SCHEMA.values(), ids=SCHEMA)
def test_a_schema_that_tells_of_another_model_is_named(copy, changes):
    path = copy / "1" / "assets.extra" / "schema.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    with pytest.raises(ArtifactError, match=r"schema\.json"):
        mtl.load(copy).predict(small_table(5))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("metrics.json", b"[1]"),
        ("history.csv", b""),
        ("history.csv", b"a,b\n1,2\n"),
        ("predictions.npz", b"PK\x03\x04"),
        ("experiment.toml", b"[1"),
        ("experiment.toml", b"\xff"),
        ("structure.json", b"[1]"),
    ],
)
def test_broken_files_of_the_report_are_named_and_the_model_answers(copy, capsys, name, content):
    (copy / "1" / "assets.extra" / name).write_bytes(content)
    assert len(mtl.load(copy).predict(small_table(5))) == 5
    said = told(capsys, "report", copy)
    assert name in said or "No report can be made of the files in" in said
    if name == "metrics.json":
        assert name in told(capsys, "inspect", copy)


@pytest.mark.parametrize("name", ["metrics.json", "history.csv", "predictions.npz"])
def test_files_that_are_gone_are_named(copy, capsys, name):
    (copy / "1" / "assets.extra" / name).unlink()
    said = told(capsys, "report", copy)
    assert name in said or "older mtl_keras" in said
    assert len(mtl.load(copy).predict(small_table(5))) == 5


@pytest.mark.parametrize("name", ["variables", "saved_model.pb", "variables/variables.index"])
@pytest.mark.parametrize("damage", ["gone", "cut off"])
def test_a_damaged_saved_model_is_named(copy, capsys, name, damage):
    path = copy / "1" / name
    files = [*path.iterdir()] if path.is_dir() else [path]
    for file in files:
        if damage == "gone":
            file.unlink()
        else:
            file.write_bytes(file.read_bytes()[:20])
    for command in ("predict", "evaluate"):
        assert str(copy / "1") in told(capsys, *commands(copy)[command])


def test_a_damaged_comparison_is_named(copy, capsys):
    (copy / "comparison").mkdir()
    (copy / "comparison" / "comparison.json").write_text("{")
    assert "comparison.json" in told(capsys, "report", copy)


class Planted:
    def __reduce__(self):
        return (pytest.fail, ("a pickle was read",))


@pytest.mark.parametrize("inside", [True, False], ids=["in an archive", "bare"])
def test_a_pickle_that_somebody_planted_is_never_read(tmp_path, inside):
    store = Store(tmp_path / "comparison", "rows")
    store.save("one", {"seconds": 1.0}, {"x": np.arange(3)})
    (path,) = (tmp_path / "comparison").iterdir()
    if inside:
        np.savez(path, values=np.array([Planted()], dtype=object), allow_pickle=True)
    else:
        path.write_bytes(pickle.dumps(Planted()))
    assert store.load("one") is None


@pytest.mark.filterwarnings("ignore:About .* of these rows were trained on")
def test_a_table_that_lacks_some_labels_is_judged_by_the_others(small_artifact, capsys, tmp_path):
    predictor, table = mtl.load(small_artifact), small_table(30)
    assert list(predictor.evaluate(table.drop(columns="left")).to_dict()) == ["spend"]
    some = table.assign(left=table["left"].where(np.arange(30) < 10))
    assert predictor.evaluate(some).to_dict()["left"]["rows"] == 10
    none = table.assign(left=None)
    try:
        assert "spend" in predictor.evaluate(none).to_dict()
    except MTLError as error:
        assert "left" in str(error)
    with pytest.raises(DataError, match="no labels"):
        predictor.evaluate(table[["age", "town"]])
    with pytest.raises(DataError, match="age"):
        predictor.predict(pd.DataFrame({"town": ["Bath"]}))
