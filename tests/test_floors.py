"""Dependencies run one way: a module imports from lower floors and from its own room, no circle."""

import ast
import functools
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import mtl_keras

ROOT = Path(mtl_keras.__file__).parent
FLOORS = [
    {"errors"},
    {"declaring", "datasets", "layers", "drawing"},
    {"jobs"},
    {"feeding", "balancers", "backbones", "tasks"},
    {"features", "architectures", "model"},
    {"evaluation", "training"},
    {"code"},
    {"export", "report"},
    {"tracking"},
    {"plans", "serving"},
    {"search"},
    {"runs"},
    {"comparison", "tuning"},
    {"experiment"},
    {"cli", "sklearn"},
]
LOOSE = {"__init__", "__main__", "train", "errors"}


def modules() -> dict[str, Path]:
    """Files of the package by dotted name, `mtl_keras` left out; a room by its own name."""
    named = {}
    for path in ROOT.rglob("*.py"):
        parts = path.relative_to(ROOT).with_suffix("").parts
        parts = parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts
        named[".".join(parts)] = path
    return named


MODULES = modules()


@functools.cache
def imports(name: str) -> set[str]:
    """The package's modules that a file imports, wherever in it: in functions, for types."""
    path = MODULES[name]
    package = ["mtl_keras", *name.split(".")]
    package = package if path.name == "__init__.py" else package[:-1]
    targets: list[str] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            targets += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            start = ".".join([*base, *([node.module] if node.module else [])])
            targets += [f"{start}.{alias.name}" for alias in node.names]
    found = set()
    for target in targets:
        parts = target.split(".")
        if parts[0] != "mtl_keras":
            continue
        while parts and ".".join(parts[1:]) not in MODULES:
            parts.pop()
        if len(parts) > 1:
            found.add(".".join(parts[1:]))
    return found


def test_every_file_lives_in_a_room():
    assert {path.stem for path in ROOT.glob("*.py")} == LOOSE
    rooms = {path.name for path in ROOT.iterdir() if (path / "__init__.py").is_file()}
    assert rooms == set().union(*FLOORS) - LOOSE


@pytest.mark.parametrize("name", sorted(set(MODULES) - {"__init__", "__main__", "train"}))
def test_a_module_imports_from_lower_floors_and_its_own_room(name):
    floor = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
    room = name.split(".")[0]
    for other in {target.split(".")[0] for target in imports(name)} - {room}:
        assert floor[other] < floor[room], f"{name} imports {other}, which is not below it"


def test_no_circle_even_within_a_room():
    try:
        list(TopologicalSorter({name: imports(name) for name in MODULES}).static_order())
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))
