"""What a tracker is told, in which order, and that its failures cost no training."""

import json
from pathlib import Path

import pandas as pd
import pytest

import mtl_keras as mtl
from mtl_keras import tracking
from mtl_keras.cli import main
from mtl_keras.comparison.candidates import comparable
from mtl_keras.errors import ConfigError
from mtl_keras.export import artifact
from mtl_keras.runs import on_cluster
from mtl_keras.runs.identity import facts, fingerprint
from mtl_keras.runs.networks import short
from mtl_keras.training import workers
from mtl_keras.training.fitting import Fitting
from tests import own
from tests.export.conftest import small_experiment, small_table
from tests.test_readme import blocks

DIARY = "tests.own:Diary"


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def order(path):
    return [line["what"] for line in lines(path)]


def tracked(path, epochs=2, **arguments):
    declared = {"kind": DIARY, "path": str(path), **arguments}
    return small_experiment().but(training={"epochs": epochs, "tracking": declared})


def run(experiment, **arguments):
    return experiment.run(small_table(), show=None, **arguments)


@pytest.fixture()
def diary(tmp_path):
    return tmp_path / "diary.jsonl"


FILE = f"""
name = "small"
balancer = "uncertainty"
[data]
path = "small.csv"
[tasks]
left = "binary"
spend = "regression"
[training]
epochs = 2
tracking = {{ kind = "{DIARY}", path = "diary.jsonl" }}
"""


def test_it_is_told_of_the_plan_each_epoch_the_scores_and_the_artifact(
    tmp_path, diary, without_report, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    small_table().to_csv("small.csv", index=False)
    Path("small.toml").write_text(FILE)
    assert main(["train", "small.toml"]) == 0

    begin, first, second, end, exported = lines(diary)
    version = Path("saved_models/small/1")
    assert [each["what"] for each in (first, second)] == ["epoch 1", "epoch 2"]
    assert end == {"what": "end", "epochs": 2}
    assert exported == {"what": "exported", "folder": str(version)}

    declared = mtl.Experiment.from_file("small.toml")
    assert begin["plan"] == declared.to_dict() and begin["what"] == "begin"
    assert begin["plan"]["training"]["tracking"] == {"kind": DIARY, "path": "diary.jsonl"}
    facts = begin["facts"]
    assert facts["rows"] == {"train": 52, "validation": 12, "test": 16}
    assert facts["features"] == ["age", "town"]
    assert facts["training"] == artifact.read_schema(version)["training"]
    history = pd.read_csv("saved_models/small/history.csv").to_dict("records")
    for told, kept in zip((first, second), history, strict=True):
        assert told["logs"] == pytest.approx({name: kept[name] for name in told["logs"]})
    assert {"left_loss", "val_left_auc", "val_spend_mae", "left_weight"} <= set(first["logs"])

    copy = "saved_models/small/experiment.toml"
    again = mtl.Experiment.from_file(copy, trusted=["tests"])
    assert again.training.tracking == declared.training.tracking
    with pytest.raises(ConfigError, match=r"'tests\.own:Diary'.*trusted="):
        mtl.Experiment.from_file(copy)


def test_the_fingerprint_of_the_data_is_that_of_the_rows():
    tables = [small_table(), small_table(), small_table().assign(age=lambda t: t["age"] + 1)]
    experiments = [small_experiment(), small_experiment(), small_experiment()]
    same, again, other = (
        facts("a" * 32, each.prepare(table)).data for each, table in zip(experiments, tables)
    )
    assert same == again != other


def test_a_resumed_training_has_its_name_and_goes_on_with_its_epochs(diary, tmp_path):
    class Stop(Exception):
        pass

    def stop(line):
        if line.startswith("epoch 2/3"):
            raise Stop

    state = tmp_path / "state"
    with pytest.raises(Stop):
        tracked(diary, epochs=3).run(small_table(), checkpoint=state, show=stop)
    moved = tmp_path / "elsewhere.jsonl"  # where a record is kept does not matter to resume
    run(tracked(moved, epochs=3), checkpoint=state, resume=True)
    assert order(diary) == ["begin", "epoch 1", "end"] and lines(diary)[-1]["epochs"] is None
    assert order(moved) == ["begin", "epoch 2", "epoch 3", "end"]
    first, second = lines(diary)[0]["facts"], lines(moved)[0]["facts"]
    assert first == second


def test_a_tracker_that_cannot_begin_ends_the_run_before_the_first_epoch(
    diary, tmp_path, monkeypatch
):
    monkeypatch.setattr(Fitting, "fit", lambda *_: pytest.fail("was trained"))
    with pytest.raises(ConfigError, match=r"Diary cannot .*ConnectionError.*Nothing was trained"):
        run(tracked(diary, fails="begin"), checkpoint=tmp_path / "state")
    assert order(diary) == []


def test_a_tracker_that_fails_later_costs_no_training(diary):
    with pytest.warns(UserWarning, match="Diary could not record epoch 1 .*server is down"):
        trained = run(tracked(diary, fails="epoch 1"))
    assert len(trained.history) == 2
    assert order(diary) == ["begin", "epoch 1", "epoch 2", "end"]  # told again at the end


@pytest.mark.parametrize(
    ("fails", "told"),
    [
        ("epoch 2", ["epoch 1", "epoch 2", "end", "exported"]),
        ("end", ["epoch 1", "epoch 2", "exported"]),
        ("exported", ["epoch 1", "epoch 2", "end"]),
    ],
)
def test_what_fails_is_one_warning(diary, fails, told):
    recording = tracking.Recording(own.Diary(str(diary), fails))
    with pytest.warns(UserWarning, match=r"\(ConnectionError: the server is down\)") as warned:
        recording.epoch(1, {"loss": 1.0})
        recording.epoch(2, {"loss": 0.5})
        recording.end(None)
        recording.exported(None, Path("small/1"))
    assert order(diary) == told
    assert len(warned) == 1 and ("reported again" in str(warned[0].message)) == ("epoch" in fails)


def test_each_training_tells_a_copy(diary):
    class Counting(own.Diary):
        def begin(self, plan, facts):
            self.number = getattr(self, "number", 0) + 1

    counting = Counting(str(diary))
    recordings = [tracking.Recording(counting) for _ in range(2)]
    for recording in recordings:
        recording.begin({}, None)
    assert [r.tracker.number for r in recordings] == [1, 1] and not hasattr(counting, "number")


@pytest.mark.parametrize("index", [0, 1])
def test_only_the_chief_tracks(diary, monkeypatch, index):
    monkeypatch.setattr("mtl_keras.runs.story.workers", lambda: workers.Workers(None, index))
    monkeypatch.setattr("mtl_keras.runs.story._carried_out", lambda *given: given[-1])
    recording = run(tracked(diary))
    assert (recording.tracker is None) == (index == 1)


def test_epochs_of_a_cluster_are_told_in_the_process_that_started_it(diary, tmp_path, monkeypatch):
    def together(cluster, work, job, folder, name, show):
        """As Ray would: the work is done with what was sent, and heard of by `show` alone."""
        assert job[0].training.tracking is job[2].training.tracking is None and not job[2].watching

        def tell(told):
            if isinstance(told, str):
                show(told)
            elif told[0] == 0:  # the first is trained again by new workers, the second not told of
                show(told)
                show(told)

        worker = on_cluster.Worker(0, lambda: job, folder, tell)
        monkeypatch.setattr(on_cluster.Worker, "keep", lambda _: None)
        work(worker)

    monkeypatch.setattr(on_cluster, "together", together)
    told = []
    trained = tracked(diary).run(small_table(), show=told.append, workers=2)
    assert order(diary) == ["begin", "epoch 1", "epoch 2", "end"]
    logs = [line["logs"]["val_loss"] for line in lines(diary)[1:3]]
    assert logs == trained.history["val_loss"].tolist()
    assert all(isinstance(line, str) for line in told)


def test_the_logs_of_several_networks_have_names_of_their_own(diary):
    training = {"epochs": 1, "networks": 2, "tracking": tracked(diary).training.tracking}
    run(small_experiment().but(training=training))
    assert order(diary) == ["begin", "epoch 1", "epoch 1", "end"]
    _, first, second, _ = lines(diary)
    assert set(second["logs"]) == {f"network_2/{name}" for name in first["logs"]}


def test_trainings_that_are_tried_or_compared_are_not_recorded(diary):
    experiment = tracked(diary)
    assert len(short(experiment, epochs=1, rows=experiment.prepare(small_table()))) == 1
    assert order(diary) == []
    assert "tracking" not in comparable(experiment)["training"]


def test_what_records_a_training_is_no_part_of_its_fingerprint(diary):
    plain = small_experiment().but(training={"epochs": 2})
    rows = plain.prepare(small_table())
    assert fingerprint(tracked(diary), rows) == fingerprint(plain, rows)


def test_the_tracker_of_the_page_is_named_in_a_file(tmp_path, monkeypatch):
    (block,) = (block for block in blocks("docs/tracking.md") if "class Lines" in block)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    Path("lines_of_the_page.py").write_text(block)
    training = {"epochs": 1, "tracking": "lines_of_the_page:Lines"}
    trained = run(small_experiment().but(training=training))
    trained.recording.exported(trained, Path("small/1"))
    (path,) = Path("records").iterdir()
    assert path.stem == trained.identity
    begun, epoch, end, model = lines(path)
    assert begun["tasks"] == ["left", "spend"] and begun["rows"] == trained.rows
    assert epoch["val_loss"] == trained.history["val_loss"][0]
    assert end["scores"] == trained.evaluation.to_dict() and model == {"model": "small/1"}


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        ("diary", "Unknown tracker 'diary'"),
        ("tests.own:Slowest", r"tracker 'tests\.own:Slowest' must extend .*Tracker"),
        ({"kind": DIARY, "pth": "x"}, r"key of tracker .*'pth'. Did you mean 'path'"),
        ({"kind": DIARY}, "cannot be created: .*path"),
        (3, "Expected the tracker as a name"),
    ],
)
def test_what_is_no_tracker_is_refused_with_the_plan(declared, message):
    with pytest.raises(ConfigError, match=message):
        small_experiment().but(training={"tracking": declared})


def test_a_class_that_cannot_be_found_again_is_refused():
    class Local(tracking.Tracker):
        pass

    with pytest.raises(ConfigError, match=r"'.*Local' of the tracker could not be found again"):
        run(small_experiment().but(training={"tracking": Local()}))


def test_mlflow_that_is_not_installed_is_told_before_anything_is_trained(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"pip install 'mtl_keras\[mlflow\]'"):
        small_experiment().but(training={"tracking": "mlflow"})
