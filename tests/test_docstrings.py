"""What every public class and function says of itself, and examples that need a trained model."""

import ast
import doctest
import importlib
import inspect
import re
import shutil
import textwrap
from pathlib import Path
from unittest.mock import create_autospec

import pytest

import mtl_keras as mtl
from mtl_keras import errors
from mtl_keras.declaring.docstrings import entries
from tests import cases
from tests.test_floors import FLOORS

ROOMS = ["", *sorted(set().union(*FLOORS) - {"cli", "errors"})]
DESCRIBED_BY = {"Plan": mtl.Experiment}
ERRORS = {"check", *(name for name, each in vars(errors).items() if inspect.isclass(each))}
CALLED = {  # in examples, with their arguments checked: they would train or serve, or draw a page
    *("compare", "tune", "serve", "report_page", "comparison_page"),
}


def public(room):
    """The public classes and functions of a room, by name."""
    module = importlib.import_module(f"mtl_keras.{room}".rstrip("."))
    named = {name: getattr(module, name) for name in getattr(module, "__all__", ())}
    kinds = (inspect.isclass, inspect.isroutine)
    return {name: each for name, each in named.items() if any(kind(each) for kind in kinds)}


def docstring(thing):
    """Its own, not that of a base class."""
    own = vars(thing).get("__doc__") if inspect.isclass(thing) else thing.__doc__
    return inspect.cleandoc(own or "")


def raises(thing):
    """Whether a function, or the making of an object, raises an error for a user's mistake."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(thing)))).body[0]
    makers = {"__init__", "__post_init__"}
    makes = [part for part in tree.body if getattr(part, "name", "") in makers]
    functions = [tree] if isinstance(tree, ast.FunctionDef) else makes
    nodes = [node for function in functions for node in ast.walk(function)]
    return bool(
        ERRORS
        & {node.func.id for node in nodes if isinstance(getattr(node, "func", None), ast.Name)}
    )


def faults(name, thing):
    """What a docstring lacks, or says too much."""
    said = docstring(thing)
    sections = set(re.findall(r"^(\w+):$", said, flags=re.MULTILINE))
    parameters = inspect.signature(thing).parameters
    more = any(p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in parameters.values())
    taken = {
        key for key, p in parameters.items() if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    }
    described = docstring(DESCRIBED_BY.get(name, thing))
    missing = taken - set(entries(described)) - set(entries(described, "Attributes"))
    if not said.split("\n")[0].endswith((".", ":", "?")):
        yield "does not begin with a sentence"
    if missing:
        yield f"does not describe {', '.join(sorted(missing))}"
    if set(entries(said)) - taken and not more:
        yield f"describes {', '.join(sorted(set(entries(said)) - taken))}, which it does not take"
    if "\n>>> " not in said:
        yield "has no example"
    if raises(thing) and "Raises" not in sections:
        yield "does not say what it raises"
    result = inspect.signature(thing).return_annotation
    if inspect.isfunction(thing) and result is not None and not sections & {"Returns", "Yields"}:
        yield "does not say what it returns"


@pytest.mark.parametrize("room", ROOMS)
def test_the_public_names_of_a_room_are_documented(room):
    found = [
        f"{name} {fault}" for name, each in public(room).items() for fault in faults(name, each)
    ]
    assert not found, "\n".join(found)


def unrun():
    """The examples that doctest skips, by name."""
    everything = {name: each for room in ROOMS for name, each in public(room).items()}
    return {name: each for name, each in everything.items() if "+SKIP" in docstring(each)}


@pytest.mark.parametrize("name", sorted(unrun()))
def test_an_example_runs_with_a_trained_model(name, run, artifact, tmp_path, monkeypatch, capsys):
    shutil.copytree(artifact, tmp_path / "saved_models" / "customers")
    shutil.copytree(
        Path(__file__).parents[1] / "data", tmp_path / "data", ignore=lambda *_: ["customers.csv"]
    )
    cases.table().to_csv(tmp_path / "data" / "customers.csv", index=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(mtl.Experiment, "run", lambda experiment: run)
    monkeypatch.setattr(mtl.Run, "export", lambda run, folder: artifact)
    monkeypatch.setattr(mtl.Experiment, "compare", create_autospec(mtl.Experiment.compare))
    monkeypatch.setattr("mtl_keras.runs.story.run", lambda plan: run)
    monkeypatch.setattr("mtl_keras.runs.reports.report_page_of", lambda *arguments: "")
    thing = unrun()[name]
    names = dict(vars(inspect.getmodule(inspect.unwrap(thing))))
    if name in CALLED:
        names[name] = create_autospec(thing)
    if name == "MLflow":  # as if it were installed
        monkeypatch.setattr("importlib.util.find_spec", lambda package: package)
    for example in doctest.DocTestParser().get_examples(docstring(thing)):
        exec(compile(example.source, name, "single"), names)
