"""A whole Python file: the network of a model, how it is compiled, and how it is trained."""

import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import keras

from mtl_keras import __version__, balancers
from mtl_keras.code.expressions import (
    TAB,
    WIDTH,
    Call,
    Entries,
    Function,
    Literal,
    Name,
    Statement,
    Variable,
    written,
)
from mtl_keras.code.folding import folded
from mtl_keras.code.graph import Graph
from mtl_keras.code.naming import names
from mtl_keras.code.objects import Objects
from mtl_keras.declaring.naming import layer_name

MODULE_NAMES = {"keras", "layers", "mtl", "inputs", "outputs", "model", "optimizer"}


@dataclass(frozen=True)
class About:
    """The parts of the code of a network apart from the network itself.

    Attributes:
        title: The first line of the file.
        notes: What the code does differently from the library, a sentence each.
        columns: For each input, the names of its columns.
        after_optimizer: Lines after the optimizer is made.
        training: Lines that train `model`. None for a file that only shows its summary.
        imports: What these lines import: names by module.

    Example:

    >>> About("The network of shop.", notes=["Labels are encoded."]).title
    'The network of shop.'
    """

    title: str
    notes: Sequence[str] = ()
    columns: Mapping[str, Sequence[str]] = field(default_factory=dict)
    after_optimizer: Sequence[str] = ()
    training: Sequence[str] = ()
    imports: Mapping[str, Sequence[str]] = field(default_factory=dict)


def source(
    model: keras.Model, about: About, renamed: Callable[[str], str] = lambda name: name
) -> str:
    """Return the Python code that builds and compiles a Functional model, with new weights.

    Layers that have weights keep their names, so that the weights of the model fit those of the
    network that the code builds, layer by layer.

    Args:
        model: A compiled `MultiTaskModel` whose inputs and outputs are dicts.
        about: The other parts of the file.
        renamed: A function that returns the name of the layer of which a layer is a copy. Copies
            become one layer. Default: there are no copies.

    Returns:
        The text of a Python file.

    Raises:
        ConfigError: if no code can be written for a part of the network: an operation that is not
            a layer, a model inside the network, or a class that cannot be imported.

    Example:

    >>> from mtl_keras.model import MultiTaskModel
    >>> rows = keras.Input((3,), name="rows")
    >>> spend = keras.layers.Dense(1, name="spend_head")(rows)
    >>> model = MultiTaskModel({"rows": rows}, {"spend": spend})
    >>> model.compile("adam", loss={"spend": "mse"})
    >>> print(source(model, About("A network.")).partition("return ")[2].splitlines()[0])
    mtl.MultiTaskModel({"rows": rows}, {"spend": spend})
    """
    objects = Objects()
    graph = Graph(model, renamed, objects)
    results = list(graph.outputs.values())
    statements, functions = folded(
        graph.statements(), results, [layer_name(t) for t in model.output]
    )
    compiled = _compiled(model, about, objects)
    for module, imported in about.imports.items():
        objects.imports.setdefault(module, set()).update(imported)
    taken = {*MODULE_NAMES, *(f.name for f in functions)}.union(*objects.imports.values())
    parts = [
        _docstring(about),
        _imports(objects),
        *(_function(function, taken) for function in functions),
        _build(graph, statements, about, taken),
        compiled,
        _main(about),
    ]
    return "\n\n\n".join(parts).replace('"""\n\n\n', '"""\n\n', 1) + "\n"


def _docstring(about: About) -> str:
    what = (
        f"Written by mtl_keras {__version__}; change it as you like. It builds the network with "
        "new weights, compiles it, and trains it on encoded rows."
    )
    lines = [f'"""{_printable(about.title)}', "", *_wrapped(what, "", "")]
    if about.notes:
        lines += ["", "What differs from the training by the library:", ""]
        for note in about.notes:
            lines += _wrapped(note, "* ", "  ")
    return "\n".join([*lines, '"""'])


def _imports(objects: Objects) -> str:
    lines = ["import keras", "from keras import layers", "", "import mtl_keras as mtl"]
    for module, imported in sorted(objects.imports.items()):
        line = f"from {module} import {', '.join(sorted(imported))}"
        if len(line) > WIDTH:
            rows = [f"{TAB}{name}," for name in sorted(imported)]
            line = "\n".join([f"from {module} import (", *rows, ")"])
        lines.append(line)
    return "\n".join(lines)


def _function(function: Function, taken: set[str]) -> str:
    found = names(function.body, taken, function.parameters, local=True)
    given = [found[parameter] for parameter in function.parameters]
    *body, last = function.body
    start = f"def {function.name}({', '.join(given)}):"
    if len(start) > WIDTH:
        start = "\n".join([f"def {function.name}(", f"{TAB}{', '.join(given)}", "):"])
    lines = [start, *_lines(body, found)]
    return "\n".join([*lines, written(last.value, found, f"{TAB}return ")])


def _lines(statements: Sequence[Statement], found: Mapping[Variable, str]) -> list[str]:
    return [
        written(
            statement.value,
            dict(found),
            f"{TAB}{', '.join(found[target] for target in statement.targets)} = ",
        )
        for statement in statements
    ]


def _build(graph: Graph, statements: Sequence[Statement], about: About, taken: set[str]) -> str:
    made = graph.input_statements()
    ins = Entries(tuple((Literal(name), v) for name, v in graph.inputs.items()))
    outs = Entries(tuple((Literal(name), v) for name, v in graph.outputs.items()))
    results = [*graph.inputs.values(), *graph.outputs.values()]
    found = names([*made, *statements], taken, (), results)
    lines = [
        "def build_model():",
        f'{TAB}"""The network, from encoded rows to an output per task."""',
    ]
    for statement, name in zip(made, graph.inputs):
        if name in about.columns:
            lines += _wrapped(f"{name}: {', '.join(about.columns[name])}", f"{TAB}# ", f"{TAB}# ")
        lines += _lines([statement], found)
    section: Any = None
    for statement in statements:
        if statement.section != section:
            section = statement.section
            lines += ["", f"{TAB}# {_served(section, list(graph.outputs))}"]
        lines += _lines([statement], found)
    model = Call(Name("mtl.MultiTaskModel"), (ins, outs))
    return "\n".join([*lines, "", written(model, found, f"{TAB}return ")])


def _served(section: frozenset[str], tasks: Sequence[str]) -> str:
    """Which tasks a part of the network is for, in words."""
    named = [_printable(task) for task in tasks if task in section]
    if len(named) == 1:
        return f"For {named[0]} alone" if len(tasks) > 1 else named[0]
    if len(named) == len(tasks):
        return "Shared by all tasks"
    return f"Shared by {', '.join(named[:-1])} and {named[-1]}"


def _compiled(model: Any, about: About, objects: Objects) -> str:
    config = model.get_compile_config()
    optimizer = objects.expression(config["optimizer"])
    weights = {task: float((config["loss_weights"] or {}).get(task, 1.0)) for task in model.tasks}
    metrics = {task: used for task, used in (config["metrics"] or {}).items() if used}
    keywords = [
        ("loss", _by_task(config["loss"], objects)),
        ("loss_weights", _by_task(weights, objects)),
    ]
    if metrics:
        keywords.append(("metrics", _by_task(metrics, objects)))
    balancer = _balancer(model.balancer, objects)
    if balancer != Literal("fixed"):
        keywords.append(("balancer", balancer))
    call = Call(Name("model.compile"), (Name("optimizer"),), tuple(keywords))
    lines = [
        "def compile_model(model):",
        f'{TAB}"""Set the optimizer, and the loss, weight and metrics of each task."""',
        written(optimizer, {}, f"{TAB}optimizer = "),
        *(f"{TAB}{line}" for line in about.after_optimizer),
        written(call, {}, TAB),
    ]
    return "\n".join(lines)


def _balancer(balancer: Any, objects: Objects) -> Any:
    """The name of a balancer, if it has the default arguments."""
    declared = balancers.declared(balancer)
    return Literal(declared["kind"]) if len(declared) == 1 else objects.expression(balancer)


def _by_task(values: Mapping[str, Any], objects: Objects) -> Entries:
    """A dict with an entry per task."""
    return Entries(tuple((Literal(t), objects.expression(v)) for t, v in values.items()))


def _main(about: About) -> str:
    lines = about.training or ["model = build_model()", "compile_model(model)", "model.summary()"]
    indented = [f"{TAB}{line}".rstrip() for line in lines]
    return "\n".join(['if __name__ == "__main__":', *indented])


def _wrapped(text: str, first: str, rest: str) -> list[str]:
    """A text of a comment or docstring in lines of at most 88 characters."""
    return textwrap.wrap(
        _printable(text),
        WIDTH,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _printable(text: str) -> str:
    """A text that can end neither a comment nor a docstring."""
    plain = "".join(c if c.isprintable() else " " for c in text)
    return plain.replace("\\", "/").replace('"""', "'''")
