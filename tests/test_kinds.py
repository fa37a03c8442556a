"""What is special about a kind of task or feature stands with that kind, and nowhere else."""

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest

import mtl_keras
from mtl_keras import features, tasks

ROOT = Path(mtl_keras.__file__).parent
ROOMS = {"tasks": (tasks, tasks.Task), "features": (features, features.Feature)}
KINDS = {
    room: {
        value
        for value in (getattr(package, name) for name in package.__all__)
        if inspect.isclass(value) and issubclass(value, base) and value is not base
    }
    for room, (package, base) in ROOMS.items()
}
GROUPS = {"numeric", "plain", "categorical", "own"}  # of encoded rows; two are kinds, too
LOSSES = {("balancers/uncertainty.py", "'regression'"), ("model/task_metrics.py", "'binary'")}
"""Files that name a kind of loss, which is called like a kind of task."""


def switches(source: str, room: str = "") -> Iterator[str]:
    """Where code outside of the room of a kind names the kind, or asks which kind something is.

    Args:
        source: The code.
        room: The room that it is in.
    """
    foreign = {other: {cls.__name__ for cls in KINDS[other]} for other in KINDS if other != room}
    names = set().union(*foreign.values())
    literals = {cls.kind for other in foreign for cls in KINDS[other]} - GROUPS
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.ImportFrom(module=module) if module and module.startswith("mtl_keras."):
                if module.split(".")[1] in foreign:
                    yield from (alias.name for alias in node.names if alias.name in names)
            case ast.Attribute(value=ast.Name(id=package), attr=name) if package in foreign:
                if name in foreign[package]:
                    yield f"{package}.{name}"
            case ast.Compare():
                sides = [node.left, *node.comparators]
                yield from (ast.unparse(side) for side in sides if asks_kind(side))
                yield from (repr(text) for side in sides for text in texts(side) & literals)
            case ast.Subscript(slice=key) if asks_kind(key):
                yield ast.unparse(node)
            case ast.Call(func=function, args=arguments):
                called = ast.unparse(function).split(".")[-1]
                if called in ("getattr", "hasattr", "get") and any(map(asks_kind, arguments)):
                    yield ast.unparse(node)
                if called in ("getattr", "hasattr") and ast.unparse(arguments[0]) in (
                    "task",
                    "feature",
                ):
                    yield ast.unparse(node)
            case ast.MatchValue(value=ast.Constant(value=str(text))) if text in literals:
                yield repr(text)


def asks_kind(node: ast.AST) -> bool:
    """Whether an expression is the kind of something; that of a dtype is another matter."""
    match node:
        case ast.Attribute(value=ast.Attribute(attr="dtype"), attr="kind"):
            return False
        case ast.Attribute(attr="kind") | ast.Subscript(slice=ast.Constant(value="kind")):
            return True
    return False


def texts(node: ast.AST) -> set[str]:
    """The texts of a literal, or of a literal tuple, list or set."""
    parts = getattr(node, "elts", [node])
    return {p.value for p in parts if isinstance(p, ast.Constant) and isinstance(p.value, str)}


def test_no_other_file_names_a_kind():
    asked = set()
    for path in sorted(ROOT.rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        asked |= {(name, place) for place in switches(path.read_text(), name.split("/")[0])}
    assert asked - LOSSES == set()


@pytest.mark.parametrize(
    "source",
    [
        "from mtl_keras.tasks import Quantiles",
        "from mtl_keras.features.text import Text",
        "isinstance(task, tasks.Binary)",
        "x = 1 if task.kind == other else 2",
        "x = 1 if task.kind in names else 2",
        "if config['kind'] == other: pass",
        "if name in ('multiclass', 'ordinal'): pass",
        "x = {}[task.kind]",
        "x = table.get(task.kind)",
        "x = getattr(scores, task.kind)",
        "x = getattr(task, 'threshold', None)",
        "match name:\n    case 'multilabel': pass",
    ],
)
def test_a_switch_is_seen(source):
    assert list(switches(source))


@pytest.mark.parametrize(
    "source",
    [
        "print(f'{task.name} ({task.kind})')",
        "numbers = column.dtype.kind in 'fiu'",
        "x = inputs['numeric'] if 'numeric' in inputs else None",
        "from mtl_keras.tasks import Task",
        "row = {'kind': feature.kind}",
    ],
)
def test_what_is_no_switch_is_not_taken_for_one(source):
    assert not list(switches(source))


@pytest.mark.parametrize("room", ["tasks", "features"])
def test_declaring_does_not_load_matplotlib(room):
    drawn = [ROOT / "drawing" / f"{name}.py" for name in ("panels", "style", "thresholds")]
    declared = [*(ROOT / room).glob("*.py"), *drawn]
    assert not [path.name for path in declared if "import matplotlib" in path.read_text()]
    assert not [path.name for path in declared if "from matplotlib" in path.read_text()]
    assert not [path.name for path in declared if "drawing.figure" in path.read_text()]
