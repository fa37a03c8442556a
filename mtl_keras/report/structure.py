"""The network as boxes and arrows: read from the Keras graph, drawn by matplotlib."""

from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from mtl_keras.drawing import style
from mtl_keras.model.keras_private import made_by

PITCH = 2.6  # inches from one column of boxes to the next
LETTERS = 27  # in a line of a box


def structure(outputs: dict[str, Any]) -> list[dict[str, Any]]:
    """The layers of a Functional model, with runs of layers joined into boxes.

    Args:
        outputs: Its output tensors by task.

    Returns:
        Boxes in the order of the graph: `title`, `layers` (names), `sources` (numbers of the boxes
            that it reads), `shape` (of its output), `parameters`, and `tasks` (those that it
            serves).

    Example:

    >>> import keras
    >>> spend = keras.layers.Dense(1, name="spend_head")(keras.Input((3,), name="age"))
    >>> [box["layers"] for box in structure({"spend": spend})]
    [['age', 'spend_head']]
    """
    reads: dict[str, dict[str, None]] = {}
    serves: dict[str, set[str]] = {}
    layers: dict[str, Any] = {}  # in an order in which each comes after those that it reads
    for task, output in outputs.items():
        for node in _calls_before(made_by(output)):
            layer = node.operation
            layers.setdefault(layer.name, layer)
            serves.setdefault(layer.name, set()).add(task)
            parents = (made_by(tensor).operation.name for tensor in node.input_tensors)
            reads.setdefault(layer.name, {}).update(dict.fromkeys(parents))
    order = list(layers)
    readers: dict[str, list[str]] = {name: [] for name in order}
    for name in order:
        for source in reads[name]:
            readers[source].append(name)
    box_of: dict[str, int] = {}
    boxes: list[dict[str, Any]] = []
    for name in order:
        layer, sources = layers[name], list(reads[name])
        alone = len(sources) == 1 and len(readers[sources[0]]) == 1
        if alone and sources[0] in box_of and serves[sources[0]] == serves[name]:
            box = boxes[box_of[sources[0]]]
            box["layers"].append(name)
        else:
            box = {"layers": [name], "sources": sorted({box_of[s] for s in sources if s in box_of})}
            box |= {
                "parameters": 0,
                "kinds": [],
                "tasks": [t for t in outputs if t in serves[name]],
            }
            boxes.append(box)
        box_of[name] = boxes.index(box)
        box["parameters"] += int(layer.count_params()) if hasattr(layer, "count_params") else 0
        box["kinds"].append(type(layer).__name__)
        shape = getattr(getattr(layer, "output", None), "shape", None)
        box["shape"] = "×".join(str(size) for size in (shape or ())[1:]) or "1"
    for box in boxes:
        box["title"] = _title(box)
    return boxes


def _calls_before(last: Any) -> list[Any]:
    """A call of a layer and all calls that it depends on, each after those that it reads.

    Only those: a layer that was called again for another model, as for the exported one, has
    further calls.
    """
    ordered: dict[int, Any] = {}
    waiting = [(last, False)]
    while waiting:
        node, ready = waiting.pop()
        if id(node) in ordered:
            continue
        if ready:
            ordered[id(node)] = node
        else:
            waiting.append((node, True))
            waiting += [(made_by(tensor), False) for tensor in reversed(node.input_tensors)]
    return list(ordered.values())


def size(box: dict[str, Any]) -> str:
    """How large a box's output is, and how many parameters it has.

    Example:

    >>> size({"shape": "16", "parameters": 140}), size({"shape": "8×3", "parameters": 0})
    ('16 wide · 140 parameters', '8 × 3')
    """
    shape = box["shape"]
    wide = shape.replace("×", " × ") if "×" in shape else f"{shape} wide"
    return wide + (f" · {box['parameters']:,} parameters" if box["parameters"] else "")


def _title(box: dict[str, Any]) -> str:
    names, kinds = box["layers"], box.pop("kinds")
    if kinds[0] == "InputLayer" and len(names) == 1:
        return f"input: {names[0]}"
    heavy = [n for n, k in zip(names, kinds) if k not in ("Activation", "Dropout", "InputLayer")]
    heavy = heavy or names
    return heavy[0] if len(heavy) == 1 else f"{heavy[0]} … {heavy[-1]}"


def structure_figure(boxes: Sequence[dict[str, Any]], tasks: Sequence[str]) -> Figure:
    """The boxes of `structure`, from inputs at the left to heads at the right.

    Args:
        boxes: What `structure` returns.
        tasks: Names of the tasks, in their order.

    Returns:
        The figure, which no window shows.

    Example:

    >>> import mtl_keras as mtl
    >>> run = mtl.Experiment.from_file("data/customers.toml").run()  # doctest: +SKIP
    >>> run.figures.structure()  # doctest: +SKIP
    """
    depth: list[int] = []
    for box in boxes:
        depth.append(1 + max((depth[source] for source in box["sources"]), default=-1))
    columns = {d: [i for i, each in enumerate(depth) if each == d] for d in sorted(set(depth))}
    tallest = max(map(len, columns.values()))
    width, height = PITCH * len(columns), max(1.6, 0.72 * tallest)
    figure = Figure(figsize=(width, height))
    ax = figure.add_axes((0, 0, 1, 1))
    ax.set(xlim=(0, width), ylim=(0, height))
    ax.axis("off")
    place = {}
    for column, members in columns.items():
        for row, number in enumerate(members):
            place[number] = (PITCH * column + 0.15, height * (1 - (row + 0.5) / len(members)))
    colors = dict(zip(tasks, style.COLORS * len(tasks)))
    for number, box in enumerate(boxes):
        x, y = place[number]
        color = colors[box["tasks"][0]] if len(box["tasks"]) == 1 else style.MUTED
        ax.add_patch(
            FancyBboxPatch(
                (x, y - 0.28), 2.2, 0.56, boxstyle="round,pad=0.02,rounding_size=0.08",
                facecolor=style.PAPER, edgecolor=color, linewidth=1.6, zorder=2,
            )
        )  # fmt: skip
        lines = [style.cut(name, LETTERS) for name in box["title"].split(" … ")]
        middle: dict[str, Any] = {"ha": "center", "va": "center", "zorder": 3}
        title: dict[str, Any] = {
            "fontsize": 8.5 if len(lines) == 1 else 7.0,
            "weight": "bold",
            **middle,
        }
        ax.text(x + 1.1, y + 0.09, " …\n".join(lines), linespacing=1.3, **title)
        ax.text(x + 1.1, y - (0.13 if len(lines) == 1 else 0.2), size(box), fontsize=7, **middle)
        for source in box["sources"]:
            start = (place[source][0] + 2.22, place[source][1])
            bend = 0.1 if depth[number] - depth[source] > 1 else 0.0  # around the boxes between
            ax.add_patch(
                FancyArrowPatch(
                    start, (x - 0.02, y), arrowstyle="-|>", mutation_scale=8, lw=0.9,
                    color=style.MUTED, connectionstyle=f"arc3,rad={bend}", shrinkA=0, shrinkB=0,
                    zorder=1,
                )
            )  # fmt: skip
    return figure
