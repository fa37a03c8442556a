"""A disk that is full: what was trained is kept, one line says where, `--resume` finishes it."""

import errno
import json
import os
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import mtl_keras as mtl
from mtl_keras import datasets
from mtl_keras.cli import main, training
from mtl_keras.export import artifact
from tests.export.conftest import small_table

pytestmark = pytest.mark.xdist_group("small")

TRAIN = ["train", "small.csv", "--target", "left:binary", "--preset", "fast", "--epochs", "1"]


def full(*args, **kwargs):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.fixture()
def folder(small_presets, without_report, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    small_table().to_csv("small.csv", index=False)
    return tmp_path / "saved_models" / "small"


def test_an_export_that_fails_is_finished_with_resume(folder, monkeypatch, capsys):
    for where, flags in (("write_saved_model", []), ("write_files", ["--resume"])):
        with monkeypatch.context() as patched:
            patched.setattr(artifact, where, full)
            assert main([*TRAIN, *flags]) == 1
        error = capsys.readouterr().err
        assert "the trained state is kept in saved_models/small/.training" in error
        assert "--resume" in error and "No space left on device. Make room on the disk" in error
        assert artifact.versions(folder) == [] and not list(folder.glob(".unfinished*"))
    assert main([*TRAIN, "--resume"]) == 0
    assert "resuming after epoch 1" in capsys.readouterr().out
    assert artifact.versions(folder) == [1] and not (folder / ".training").exists()


def test_copies_that_fail_leave_a_model_that_answers(small_run, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "replace", full)
    with pytest.warns(UserWarning, match="is complete, but the copies of its files in .* are not"):
        small_run.export(tmp_path / "small")
    assert len(mtl.load(tmp_path / "small").predict(small_table(5))) == 5
    assert not list((tmp_path / "small").glob(".unfinished*"))


def test_where_nothing_can_be_kept_the_model_is_written_elsewhere(folder, monkeypatch, capsys):
    """The checkpoints failed, and so does the export: only a folder for temporary files is left."""
    write = artifact.write_files

    def full_here(version, files):
        return full() if folder.resolve() in version.resolve().parents else write(version, files)

    monkeypatch.setattr(np, "savez", full)
    monkeypatch.setattr(artifact, "write_files", full_here)
    monkeypatch.setattr("tempfile.tempdir", None)
    with pytest.warns(UserWarning) as warned:
        assert main(TRAIN) == 1
    assert sum("could not be written after epoch" in str(w.message) for w in warned) == 1
    error = capsys.readouterr().err
    (line,) = [line for line in error.splitlines() if "instead" in line]
    place = Path(line.split(" it was written to ")[1].split(" instead")[0])
    assert artifact.versions(folder) == []
    assert len(mtl.load(place).predict(small_table(5))) == 5


@pytest.mark.parametrize(
    ("epochs", "told"),
    [
        (2, "the trained state is kept in state. Fix the error below"),
        (1, "of 2 epochs, those up to epoch 1 are kept in state. Fix the error below"),
        (0, "nor could a checkpoint or a temporary folder. Make room, then train again."),
    ],
)
def test_a_state_that_is_older_than_the_training_is_told_with_its_epoch(
    folder, capsys, epochs, told
):
    run = SimpleNamespace(history=[1, 2], export=full, experiment=SimpleNamespace(name="small"))
    state = Path("state")
    state.mkdir()
    if epochs:
        np.savez(state / "training.npz", state=json.dumps({"history": [1] * epochs}))
    with pytest.raises(OSError, match="No space"):
        training.exported(run, folder, state)
    assert told in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("out.csv", "pandas.DataFrame.to_csv"),
        ("out.parquet", "pyarrow.parquet.ParquetWriter.write_table"),
    ],
)
def test_answers_that_cannot_be_written_leave_what_was_there(
    small_artifact, folder, monkeypatch, capsys, name, write
):
    Path(name).write_text("before")
    monkeypatch.setattr(write, full)
    assert main(["predict", str(small_artifact), "small.csv", "-o", name]) == 1
    assert capsys.readouterr().err == (
        f"error: {name}: No space left on device. Make room on the disk, or write to another "
        "folder.\n"
    )
    assert Path(name).read_text() == "before" and not list(Path().glob("*unfinished*"))


def test_a_file_that_cannot_be_written_is_named(tmp_path, monkeypatch):
    def short_of_room(path, content):
        full()

    monkeypatch.setattr(Path, "write_bytes", short_of_room)
    (tmp_path / artifact.EXTRA).mkdir()
    with pytest.raises(OSError, match=r"No space left on device: '.*metrics\.json'"):
        artifact.write_files(tmp_path, {"metrics.json": "{}"})
    monkeypatch.setattr(pd.DataFrame, "to_csv", full)
    with pytest.raises(OSError, match=r"No space left on device: '.*t\.csv'"):
        datasets.write(pd.DataFrame({"a": [1]}), tmp_path / "t.csv")


def test_a_folder_that_takes_nothing_is_told_of_before_anything_is_trained(
    folder, monkeypatch, capsys
):
    folder.parent.mkdir()
    folder.write_text("a file where the folder should be")
    assert main(TRAIN) == 1
    assert f"{Path('saved_models/small')}" in capsys.readouterr().err
    assert len(list(folder.parent.iterdir())) == 1
