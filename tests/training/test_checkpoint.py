"""The checkpoint: what cannot be written stops nothing, what is damaged is named."""

import errno
import io
import json

import numpy as np
import pytest

from mtl_keras import __version__
from mtl_keras.errors import ArtifactError
from mtl_keras.training import BestEpoch
from mtl_keras.training.checkpoint import Checkpoint, StepCheckpoint, saved_epochs
from tests.training.test_best_epoch import model


def checkpoint(path, kind=Checkpoint, **options) -> Checkpoint:
    made = model()
    made.optimizer.build(made.trainable_variables)
    best = BestEpoch(["a", "b", "c"], patience=5)
    best.set_model(made)
    saved = kind(path, "the same", best, **options)
    saved.set_model(made)
    return saved


def end_epoch(saved: Checkpoint, epoch: int) -> None:
    for callback in (saved.best, saved):
        callback.on_epoch_end(epoch, {"loss": 1.0, "val_loss": 1.0})


def with_state(content: bytes, state: object) -> bytes:
    """The file's content with another entry `state`; a mapping changes some of its values."""
    with np.load(io.BytesIO(content)) as saved:
        if isinstance(state, dict):
            state = json.dumps(json.loads(str(saved["state"])) | state)
        arrays = {**saved, "state": np.array(state)}
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


ONE_EPOCH = {"curves": [{"val_loss": 1.0}], "stopped": False, "finished": {}}
DAMAGES = {
    "empty": lambda content: b"",
    "a text": lambda content: b"text",
    "cut off": lambda content: content[: len(content) // 2],
    "a head alone": lambda content: content[:4],
    "changed within": lambda content: content[:300] + bytes(200) + content[500:],
    "no JSON": lambda content: with_state(content, "{"),
    "a list": lambda content: with_state(content, "[1]"),
    "other keys": lambda content: with_state(
        content, json.dumps({"fingerprint": "the same", "version": __version__})
    ),
    "objects": lambda content: with_state(content, None),
    "nested": lambda content: with_state(content, "[" * 100_000),
    "a history of texts": lambda content: with_state(content, {"history": ["a"]}),
    "another length": lambda content: with_state(content, {"history": []}),
    "no weights": lambda content: with_state(content, {"best": {**ONE_EPOCH, "snapshots": {}}}),
    "weights of another network": lambda content: with_state(
        content, {"best": {**ONE_EPOCH, "snapshots": {"0": 1}}}
    ),
    "what no balancer did": lambda content: with_state(content, {"balancing": [3]}),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_checkpoint_is_named(tmp_path, damage):
    saved = checkpoint(tmp_path / "training.npz")
    end_epoch(saved, 0)
    assert saved.load(saved.model) == (1, 0)
    saved.path.write_bytes(damage(saved.path.read_bytes()))
    with pytest.raises(ArtifactError, match=r"training\.npz is damaged .*Start again without"):
        saved.load(saved.model)


@pytest.mark.parametrize(
    ("changes", "writer"),
    [
        ({"version": None, "best": {"curves": [], "stopped": False}}, "an earlier version"),
        ({"version": "0.1.0", "best": {}}, "version 0.1.0"),
        ({"version": "9.0", "fingerprint": "of a plan with more settings"}, "version 9.0"),
    ],
)
def test_a_checkpoint_of_another_version_is_told_in_words(tmp_path, changes, writer):
    saved = checkpoint(tmp_path / "training.npz")
    end_epoch(saved, 0)
    saved.path.write_bytes(with_state(saved.path.read_bytes(), changes))
    expected = rf"by {writer} of mtl_keras, and {__version__} cannot continue.* without --resume\.$"
    with pytest.raises(ArtifactError, match=expected):
        saved.load(saved.model)


def test_what_the_balancer_did_is_kept(tmp_path):
    saved = checkpoint(tmp_path / "training.npz")
    saved.model.balancing.append({"epoch": 0, "weight": [0.5, 1.5]})
    end_epoch(saved, 0)
    again = checkpoint(saved.path)
    assert again.load(again.model) == (1, 0)
    assert again.model.balancing == [{"epoch": 0, "weight": [0.5, 1.5]}]


def test_a_checkpoint_that_cannot_be_written_is_told_of_once_and_costs_nothing(
    tmp_path, monkeypatch, recwarn
):
    saved = checkpoint(tmp_path / "training.npz")
    end_epoch(saved, 0)
    written = saved.path.read_bytes()

    def fail(file, **arrays):
        file.write(b"a part")
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(np, "savez", fail)
        for epoch in (1, 2):
            end_epoch(saved, epoch)
    assert saved.path.read_bytes() == written  # the last that could be written
    assert saved_epochs(saved.path) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["training.npz"]
    (warning,) = [w for w in recwarn if "checkpoint" in str(w.message)]
    assert "after epoch 2: No space left on device. Training continues" in str(warning.message)
    end_epoch(saved, 3)
    assert saved.load(saved.model) == (4, 0)  # there is room again


def test_a_checkpoint_within_an_epoch_knows_its_step_and_its_sums(tmp_path):
    saved = checkpoint(tmp_path / "training.npz", StepCheckpoint, seconds=0.0)
    end_epoch(saved, 0)
    tracked = saved.model.step.loss_tracker.sums
    sums = np.arange(float(tracked.shape[0]))
    tracked.assign(sums)
    saved.on_train_batch_end(4)
    again = checkpoint(saved.path, StepCheckpoint)
    assert again.load(again.model) == (1, 5)
    tracked = again.model.step.loss_tracker.sums
    again.model.reset_metrics()  # as Keras does before an epoch begins
    again.on_epoch_begin(1)
    assert (tracked.numpy() == sums).all()
    again.on_train_batch_end(0)
    assert again.step == 6


def test_steps_of_another_order_are_left_out_and_told_of(tmp_path):
    two = checkpoint(
        tmp_path / "training.npz", StepCheckpoint, order="2 workers with batches of 64", seconds=0.0
    )
    two.path.write_bytes(b"of a training before, which is not resumed")
    two.on_train_batch_end(6)
    two.on_train_batch_end(1006)
    three = checkpoint(two.path, StepCheckpoint, order="3 workers with batches of 66")
    before = three.model.get_weights()
    assert three.load(three.model) == (0, 0)  # there is no epoch to go back to
    assert three.left_out == "1,007 steps of 2 workers with batches of 64"
    assert all(map(np.array_equal, three.model.get_weights(), before))
    end_epoch(two, 0)
    two.on_train_batch_end(4)
    assert three.load(three.model) == (1, 0)
    assert three.left_out == "5 steps of 2 workers with batches of 64"
    within = two.steps.read_bytes()
    end_epoch(two, 1)
    assert not two.steps.exists()
    two.steps.write_bytes(within)  # as if it had ended between the two files
    again = checkpoint(two.path, StepCheckpoint, order=two.order)
    assert again.load(again.model) == (2, 0) and not again.left_out
