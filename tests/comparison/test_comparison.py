"""Does the comparison say what is so, where it is known what is so?"""

import functools
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import mtl_keras as mtl
from mtl_keras import features
from mtl_keras.cli import main
from mtl_keras.comparison import Comparison, baselines, trials
from mtl_keras.comparison.baselines import Matrices, available, predict
from mtl_keras.comparison.candidates import JOINT, PART, SINGLE, Candidate, candidates, twin
from mtl_keras.comparison.trials import Result, combined, trials_of
from mtl_keras.errors import ConfigError
from mtl_keras.evaluation import Difference, labelled
from mtl_keras.plans import Plan
from mtl_keras.runs.prepare import prepare
from mtl_keras.tasks import Regression
from tests import cases, without
from tests.comparison.planted import planted

PLAIN = {
    "kind": "shared_bottom",
    "activation": "elu",
    "dropout": 0.0,
    "members": 1,
    "number_embedding": "none",
}


def experiment(tasks, width, epochs=12, **changes):
    return mtl.Experiment(
        tasks=tasks,
        architecture={**PLAIN, "layers": [width]},
        training={"epochs": epochs, "learning_rate": 0.02, "batch_size": 64},
        **changes,
    )


def compared(declared, table, **options):
    options = {"seeds": 3, "tries": 0, "baselines": False, "show": None, **options}
    return declared.compare(table, **options)


def short_trees(monkeypatch):
    for trees in ("HistGradientBoostingClassifier", "HistGradientBoostingRegressor"):
        short = functools.partial(getattr(baselines, trees), max_iter=20)
        monkeypatch.setattr(baselines, trees, short)


def torn(rows=900):
    random = np.random.default_rng(0)
    x = random.normal(size=(rows, 6))
    table = pd.DataFrame(x, columns=[f"x{i}" for i in range(6)])
    table["first"] = x[:, 0] + x[:, 1] + random.normal(0, 0.3, rows)
    table["second"] = x[:, 3] - x[:, 4] + random.normal(0, 1.0, rows)  # the one that loses
    return table


@pytest.mark.slow
def test_two_unrelated_targets_in_a_narrow_trunk_hurt():
    declared = experiment({"first": "regression", "second": "regression"}, 1, balancer="fixed")
    found = compared(declared, torn())
    assert "hurt" in (found.verdict("first"), found.verdict("second"))
    assert "helped" not in (found.verdict("first"), found.verdict("second"))
    assert found.delta_m(JOINT)[0] > 20
    assert found.advice().startswith("Train them apart")
    assert found.advice().endswith('"mmoe" or "grouped".')
    for part in (found.values, found.differences, found.costs):
        part["another"] = part[SINGLE]
    assert found.advice().endswith("Of the other candidates, another hurt none.")


def test_what_more_seeds_may_decide_is_named():
    gains = {
        "price": Difference(-1.6, -3.9, 0.7, p=0.1),
        "size": Difference(0.2, -0.1, 0.5, p=0.15),
        "left": Difference(0.1, -0.3, 0.5, p=0.5),
    }
    values = {name: {task: [1.0, 1.1] for task in gains} for name in (JOINT, SINGLE)}
    costs = {name: {"seconds": 3.0, "parameters": 10.0, "bytes": 40.0} for name in values}
    measures = {task: Regression(task).measure for task in gains}
    found = Comparison("shop", list(gains), measures, {}, values, {JOINT: gains}, costs, {}, {})
    assert found.advice().endswith(
        "together. Compare with more seeds to see whether sharing hurts price and whether sharing "
        "helps size."
    )
    assert set(map(found.verdict, gains)) == {"no difference seen"}
    gains |= dict.fromkeys(("price", "size"), Difference(0.0, -1.0, 1.0, p=1.0))
    assert found.advice().endswith("the single ones 3 s together.")


def noisy(noise):
    """Answers that miss by normal noise, of a size that `noise(task, joint)` gives."""
    return lambda task, truth, joint, random: (
        truth + random.normal(0, noise(task, joint), len(truth))
    )


def test_what_differs_is_seen_and_what_does_not_is_not(monkeypatch):
    names = [f"alike_{number}" for number in range(20)]
    table = pd.DataFrame(np.random.default_rng(2).normal(size=(6000, 22)))
    table.columns = [*names, "better", "worse"]
    table["x"] = np.arange(6000.0)
    table.loc[::3, "better"] = np.nan  # the rows without a label are left out
    size = {"better": (0.8, 1.0), "worse": (1.0, 0.8)}
    planted(monkeypatch, noisy(lambda task, joint: size.get(task, (1.0, 1.0))[0 if joint else 1]))
    found = compared(experiment(dict.fromkeys(table.columns[:-1], "regression"), 8), table)
    assert found.verdict("better") == "helped" and found.verdict("worse") == "hurt"
    verdicts = [found.verdict(name) for name in names]
    assert verdicts.count("no difference seen") >= 18  # 95 of 100 in the long run
    np.testing.assert_allclose(found.differences[JOINT]["better"].gain, 0.2, atol=0.06)
    assert found.advice().startswith("It is a trade-off: sharing helped better and hurt ")


def test_rows_of_a_group_are_drawn_together(monkeypatch):
    """All rows of a group have the same error, so that 300 rows tell no more than 10 groups."""
    table = pd.DataFrame({"row": np.arange(1500), "group": np.repeat(np.arange(50), 30)})
    table = table.assign(x=table["row"] % 7, y=table["row"] % 11, z=table["row"] % 13)

    def answer(task, truth, joint, random):
        return truth + random.normal(0, 1, len(truth) // 30).repeat(30)

    planted(monkeypatch, answer)
    widths = []
    for column in ("group", "row"):
        split = mtl.Split("group", column=column)
        declared = experiment(dict.fromkeys("yz", "regression"), 8, split=split)
        found = compared(declared, table, seeds=1)
        gain = found.differences[JOINT]["y"]
        widths.append(gain.high - gain.low)
    assert widths[0] > 3 * widths[1]


def test_everything_of_a_comparison(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("mtl_keras.runs.result.Run.figures", lambda _: {})
    monkeypatch.setattr(trials, "write_saved_model", lambda _, to: (to / "7").write_bytes(b"7" * 7))
    monkeypatch.setattr(trials, "carry_out", without.training()(trials.carry_out))
    short_trees(monkeypatch)
    cases.table()[["age", "town", "left", "score"]].to_csv("shop.csv", index=False)
    Path("shop.toml").write_text(
        'name = "shop"\n[data]\npath = "shop.csv"\n'
        '[tasks]\nleft = "binary"\nscore = "regression"\n'
        '[architecture]\nkind = "shared_bottom"\nlayers = [8]\nmembers = 1\n'
        'number_embedding = "none"\n',
    )
    declared = mtl.Experiment.from_file("shop.toml", training={"epochs": 1})
    declared.run(show=None).export("saved_models/shop")
    command = ["compare", "shop.toml", "--seeds", "1", "--tries", "1", "--also", "omoe+rlw"]
    command += ["--epochs", "1", "--workers", "1"]
    assert main(command) == 0
    printed = capsys.readouterr().out
    folder = Path("saved_models/shop/comparison")
    assert "gain %" in printed and str(folder / "comparison.html") in printed
    kept = json.loads((folder / "comparison.json").read_text())
    assert kept["seeds"] == 1 and kept["about"]["Table"] == "shop.csv"
    assert kept["about"]["Columns"] == "2 read" and kept["about"]["Rows"].endswith(" test")
    assert "sharing:" in Path("saved_models/shop/report.html").read_text()

    assert main(command) == 0  # all from before
    printed = capsys.readouterr().out
    assert "were finished before" in printed and "seed 0:" not in printed
    again = json.loads((folder / "comparison.json").read_text())["about"]
    assert again["Columns"] == kept["about"]["Columns"]  # of the joint model's training

    options = {"seeds": 1, "tries": 1, "also": ["omoe+rlw"], "folder": folder}
    found = declared.compare(show=None, **options)
    names = {"constant", "linear", "histogram gradient boosting"}
    names |= {JOINT, SINGLE, "tuned weights", "omoe+rlw"}
    assert names <= set(found.values)
    frame = found.to_frame()
    assert np.isfinite(frame["value"]).all()
    assert (frame["low"] <= frame["gain"]).all() and (frame["gain"] <= frame["high"]).all()
    assert (frame.loc[frame["candidate"] == SINGLE, "gain"] == 0).all()
    assert found.chosen["tuned weights"][0] and found.chosen[JOINT] == [""]
    assert found.delta_m(SINGLE)[0] == 0
    assert (found.costs[JOINT]["size"], found.costs[SINGLE]["size"]) == (7, 14)

    assert main(["report", "saved_models/shop"]) == 0
    assert main(["report", "saved_models/none"]) == 1
    assert "no trained model in" in capsys.readouterr().err


@pytest.mark.parametrize("name", [name for name in available() if name != "LightGBM"])
def test_a_baseline_answers_every_kind_of_task(name, monkeypatch):
    monkeypatch.setattr(baselines, "STRENGTHS", (0.1, 10.0))
    short_trees(monkeypatch)
    declared = cases.experiment(features={"note": features.Text("note")})
    table = cases.rich_table(200).drop(columns=["embedding", "genres", "prices", "pages", "photo"])
    prepared = declared.prepare(table)
    truths = prepared.truths()
    matrices = Matrices(prepared.encoder, prepared.rows, prepared.data.x)
    for task in prepared.tasks:
        predicted = predict(name, task, matrices, truths)
        there = labelled(truths["test"][task.name])
        judged = task.measure.value(truths["test"][task.name][there], predicted[there])
        assert np.isfinite(judged), task
        assert (name == "constant") == (np.ptp(predicted, axis=0).max() == 0), task
        if name != "constant" and task.name in ("score", "balance", "size"):
            truth = truths["test"][task.name][there]
            best = task.constant_scores(truth, task.constants(truth))[task.measure.name]
            sign = 1 if task.measure.higher_is_better else -1
            assert sign * judged > sign * best, f"{task} is answered no better than by a constant"


def test_the_joint_model_and_its_twins_are_tuned_as_much():
    declared = cases.experiment(tasks={"left": "binary", "score": "regression"}, balancer="fixed")
    found = {c.name: c for c in candidates(declared, tries=2, tune=3)}
    (joint,), twins = found[JOINT].networks, found[SINGLE].networks
    assert [said for said, _ in joint] == [said for said, _ in twins[0]]
    rates = {e["training"]["learning_rate"] for _, e in joint}
    assert len(rates) == len(joint) == len(twins[1]) == 4
    assert min(rates) > 1e-4 and {said for said, _ in joint[:1]} == {"as declared"}
    # what the tuned weights begin with, equal ones, is trained for all that need it but once
    shared = trials_of(found["tuned weights"], 0)[0][0].key
    assert shared == trials_of(found["joint"], 0)[0][0].key
    assert shared != trials_of(found["joint"], 1)[0][0].key


def test_of_several_settings_the_one_is_taken_that_is_best_on_validation():
    def result(loss, value):
        return Result({"a": np.array([value])}, {"a": np.array([0.0])}, {"a": loss}, 1.0, 10)

    plain = {"tasks": {"a": "regression"}}
    settings = tuple((said, {**plain, "rate": rate}) for said, rate in (("one", 1), ("two", 2)))
    candidate = Candidate("c", (settings,))
    (options,) = trials_of(candidate, 0)
    results = {options[0].key: result(2.0, 1.0), options[1].key: result(1.5, 2.0)}
    found = combined(candidate, 0, results)
    assert found.chosen == "two" and found.predictions["a"] == [2.0]
    assert found.seconds == 2.0 and found.parameters == 10


def test_a_twin_has_one_task_and_the_same_features():
    declared = cases.experiment(features={"town": "drop"}, split=mtl.Split(stratify="left"))
    single = next(c for c in candidates(declared) if c.name == SINGLE)
    assert len(single.networks) == len(cases.TASKS)
    first = single.networks[0][0][1]
    assert list(first["tasks"]) == ["left"]
    assert first["features"]["town"] == "drop" and first["features"]["spend"] == "drop"
    assert "left" not in first["features"]
    names = [candidate.name for candidate in candidates(declared, tries=0)]
    assert "equal weights" in names and "tuned weights" not in names
    with pytest.raises(ConfigError, match=r"'mmoo'\. Did you mean 'mmoe'"):
        candidates(declared, also=["mmoo"])


def test_a_twin_does_not_read_the_weights_of_other_tasks_as_a_feature():
    table = pd.DataFrame({"x": np.arange(60.0), "w": [1.0, 2.0] * 30, "v": [1.0, 3.0] * 30})
    table = table.assign(a=table["x"] % 7, b=table["x"] % 5)
    plan = mtl.Experiment({"a": "regression", "b": "regression"}, sample_weight={"a": "w"})
    rows = table.assign(**{PART: ["train"] * 40 + ["validation"] * 10 + ["test"] * 10})
    for config in (twin(plan, "a"), twin(plan, "b")):
        encoder = prepare(Plan.from_dict(config), rows).encoder
        assert {feature.name for feature in encoder.features} <= {"x", "v"}


def test_a_split_by_file_is_refused_before_anything_is_read():
    """It was said that the data are one table and not several files, which they were."""
    declared = cases.experiment(split=mtl.Split("file"))
    with pytest.raises(ConfigError, match=r"reads all files as one table.*'group'"):
        declared.compare("nowhere/*.parquet", show=None)


@pytest.mark.parametrize(
    ("columns", "features"),
    [
        ({"x": np.arange(60.0) % 13}, {}),
        ({"x": ["a", "b"] * 30}, {}),
        ({"x": [[1.0, 2.0], [3.0, 5.0]] * 30}, {}),
        ({"x": [[1.0], [3.0, 5.0]] * 30}, {}),
        ({"x": [f"w{i} v{i} u{i}" for i in range(60)]}, {"x": "text"}),  # no word twice
        ({"x": [f"w{i} v{i} same" for i in range(60)]}, {"x": "text"}),
    ],
)
def test_simple_models_read_features_of_one_group_alone(columns, features):
    table = pd.DataFrame({**columns, "y": np.arange(60.0) % 7, "z": [0, 1, 1] * 20})
    declared = {"y": "regression", "z": "binary"}
    prepared = mtl.Experiment(tasks=declared, features=features).prepare(table)
    matrices = Matrices(prepared.encoder, prepared.rows, prepared.data.x)
    for task in prepared.tasks:
        for name in ("linear", "histogram gradient boosting"):
            answers = predict(name, task, matrices, prepared.truths())
            assert np.isfinite(answers).all() and len(answers) == len(prepared.rows["test"])
