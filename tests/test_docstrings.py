"""What every public class and function says of itself."""

import ast
import importlib
import inspect
import textwrap

import pytest

from mtl_keras import errors
from mtl_keras.declaring import docstrings
from tests.test_floors import FLOORS

ROOMS = ["", *sorted(set().union(*FLOORS) - {"cli", "errors"})]
ERRORS = {name for name, cls in vars(errors).items() if inspect.isclass(cls)} | {"check", "unknown"}


def public(room):
    """The public classes and functions of a room, by name."""
    module = importlib.import_module(f"mtl_keras.{room}" if room else "mtl_keras")
    named = {name: getattr(module, name) for name in getattr(module, "__all__", ())}
    return {
        name: each
        for name, each in named.items()
        if inspect.isroutine(each) or inspect.isclass(each)
    }


def parameters(thing):
    """The names of the parameters that a caller may state."""
    kinds = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return [p.name for p in inspect.signature(thing).parameters.values() if p.kind not in kinds]


def raises(thing):
    """Whether a function, or the making of an object, raises an error for a user's mistake."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(thing)))).body[0]
    makers = ("__init__", "__post_init__")
    bodies = (
        [tree]
        if isinstance(tree, ast.FunctionDef)
        else [
            part for part in tree.body if isinstance(part, ast.FunctionDef) and part.name in makers
        ]
    )
    called = {
        node.func.id
        for body in bodies
        for node in ast.walk(body)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    return bool(called & ERRORS)


def faults(thing):
    """What a docstring lacks."""
    said = inspect.cleandoc(
        (vars(thing) if inspect.isclass(thing) else {"__doc__": thing.__doc__}).get("__doc__") or ""
    )
    described = {**docstrings.entries(said), **docstrings.entries(said, "Attributes")}
    missing = [name for name in parameters(thing) if name not in described]
    if missing:
        yield f"does not describe {', '.join(missing)}"
    unknown = set(docstrings.entries(said)) - set(parameters(thing))
    if unknown and not takes_more(thing):
        yield f"describes {', '.join(sorted(unknown))}, which it does not take"
    if ">>> " not in said:
        yield "has no example"
    if raises(thing) and "Raises:" not in said:
        yield "does not say what it raises"
    if (
        inspect.isfunction(thing)
        and returns(thing)
        and not {"Returns:", "Yields:"} & set(said.split("\n"))
    ):
        yield "does not say what it returns"
    if not said.split("\n")[0].rstrip().endswith((".", "?")):
        yield "does not begin with a sentence of one line"


def takes_more(thing):
    kinds = {p.kind for p in inspect.signature(thing).parameters.values()}
    return inspect.Parameter.VAR_KEYWORD in kinds


def returns(function):
    return inspect.signature(function).return_annotation not in (None, inspect.Signature.empty)


@pytest.mark.parametrize("room", ROOMS)
def test_the_public_names_of_a_room_are_documented(room):
    found = [f"{name} {fault}" for name, each in public(room).items() for fault in faults(each)]
    assert not found, "\n".join(found)
