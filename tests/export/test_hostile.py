"""Declarations that somebody planted in an artifact: none of them imports or calls anything."""

import json
from pathlib import Path

import pytest
import tomli_w

from tests.export.hostile import LAYERS, RUN, USING, change, said

pytestmark = pytest.mark.xdist_group("small")


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
    "a number": {"kind": "numeric", "name": "town", "center": 1e400},
    "an image": {"kind": "image", "name": "town", "height": 10**9, "width": 10**9},
}
TASKS = {
    "a kind to import": {"kind": "evil:Layer", "name": "left"},
    "a builtin": {"kind": "builtins:eval", "name": "left"},
}


def replace(planted: Path, key: str, name: str, config) -> None:
    """Declare a task or feature of the schema otherwise."""
    schema = planted / "1" / "assets.extra" / "schema.json"
    declared = json.loads(schema.read_text())[key]
    change(schema, **{key: [config if each["name"] == name else each for each in declared]})


HARMLESS = {"an absurd length": text(length=10**13)}  # the graph has its own


@pytest.mark.parametrize(
    "feature", [*FEATURES.values(), *HARMLESS.values()], ids=[*FEATURES, *HARMLESS]
)
def test_a_feature_of_theirs_is_made_by_no_command(planted, capsys, feature):
    replace(planted, "features", "town", feature)
    for command in ("report", "predict", "evaluate"):
        line = said(capsys, *USING[command], fails=False)
        if not line.startswith("error"):
            return  # a function that is named, and not called
        assert "schema.json" in line


@pytest.mark.parametrize("feature", ABSURD.values(), ids=ABSURD)
def test_a_feature_that_the_graph_does_not_have_is_named(planted, capsys, feature):
    replace(planted, "features", "town", feature)
    line = said(capsys, *USING["predict"])
    assert "schema.json" in line or "'town'" in line


def test_a_name_does_not_steer_the_terminal(planted, capsys):
    change(planted / "1" / "assets.extra" / "schema.json", name="\x1b[2J\n\u202esmall")
    assert said(capsys, *USING["inspect"], fails=False).startswith("\\x1b[2J\\n\\u202esmall, ")


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_a_task_of_theirs_is_made_by_no_command(planted, capsys, task):
    replace(planted, "tasks", "left", task)
    for command in ("predict", "evaluate", "report"):
        assert "schema.json" in said(capsys, *USING[command])


def declared(**changes) -> str:
    config = {"tasks": {"left": "binary"}, "data": {"path": "../table.csv"}, **changes}
    return tomli_w.dumps({**config, "training": {"epochs": 1}})


def of_feature(feature) -> str:
    config = {key: value for key, value in feature.items() if key not in ("name", "length")}
    return declared(features={"town": config})


EXPERIMENTS = {
    **{f"feature: {name}": of_feature(feature) for name, feature in FEATURES.items()},
    "a task": declared(tasks={"left": "evil:Layer"}),
    "a balancer": declared(balancer="evil:make"),
    "an architecture": declared(architecture={"kind": "evil:Layer"}),
    "a folder above": declared(name="../elsewhere"),
    "a folder of the system": declared(name="/tmp/elsewhere"),
    "no plain name": declared(name=".."),
    "nested without end": "a = " + "[" * 100_000,
    "no text": "\x00",
    "an absurd seed": declared(seed=10**18),
    "an absurd batch": 'tasks = {left = "binary"}\ntraining = {batch_size = 1e400}',
}


@pytest.mark.parametrize("content", EXPERIMENTS.values(), ids=EXPERIMENTS)
def test_an_experiment_beside_their_model_is_refused_by_name(planted, capsys, content):
    experiment = planted / "experiment.toml"
    experiment.write_text(content)
    for command in ("train", "compare"):
        assert str(experiment) in said(capsys, command, experiment)
    assert not Path("elsewhere").exists() and not Path("/tmp/elsewhere").exists()


def test_what_is_trusted_is_imported(planted, capsys):
    experiment = planted / "experiment.toml"
    experiment.write_text(declared(balancer="evil:Layer"))
    assert "must extend" in said(capsys, "train", experiment, "--trust", "evil")
    assert RUN.exists()
    RUN.unlink()
