"""Dependencies run one way: a module imports from lower floors, and its own package, only."""

import ast
from pathlib import Path

import mtl_keras

ROOT = Path(mtl_keras.__file__).parent
FLOORS = [
    {"errors", "bins"},
    {"lookup", "clock", "numbers"},
    {"declaration", "layers"},
    {"losses", "backbones"},
    {"tasks", "features", "balancers", "datasets", "metrics", "targets", "blocks", "loop"},
    {"encoder", "architectures", "partition", "sharing"},
    {"gradients"},
    {"model"},
    {"training", "evaluation", "report", "export"},
    {"preparation"},
    {"run", "comparison", "choosing"},
    {"experiment"},
    {"experiment_file"},
    {"cli"},
    {"train", "__main__"},
]
WITHIN = {("export", "evaluation"), ("report", "evaluation")}  # rooms of one floor, one way


def test_no_module_imports_upward():
    floor = {name: number for number, names in enumerate(FLOORS) for name in names}
    for path in ROOT.rglob("*.py"):
        relative = path.relative_to(ROOT).with_suffix("")
        room = relative.parts[0]
        if room == "__init__":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.ImportFrom) or not (node.module or "").startswith("mtl_k"):
                continue
            inner = node.module.split(".")[1:]
            for other in inner[:1] or [alias.name for alias in node.names]:
                if other == room or other not in floor:
                    continue
                allowed = floor[other] < floor[room] or (room, other) in WITHIN
                assert allowed or _only_for_types(path, node), f"{path}: imports {other}"


def _only_for_types(path: Path, node: ast.ImportFrom) -> bool:
    return path.read_text().splitlines()[node.lineno - 2].startswith("if TYPE_CHECKING")
