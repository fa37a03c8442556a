"""Replaces operations that tf2onnx cannot convert, or converts wrongly."""

from typing import Any

import numpy as np

ML = "ai.onnx.ml"  # ONNX's operations on tables of strings


def in_other_operations(graph: Any, nodes: Any) -> Any:
    """Replace some of TensorFlow's operations: a graph rewriter for tf2onnx.

    * A comparison of strings with a constant, which tf2onnx casts to integers, becomes a lookup in
      a table with that constant.
    * `Log1p` becomes the logarithm of 1 + x.
    * `LowerBound`, a search among ascending numbers, becomes a count of the smaller ones.

    Args:
        graph: tf2onnx's graph.
        nodes: Its nodes.

    Returns:
        The new nodes.
    """
    for node in list(nodes):
        if node.type == "Equal":
            _compare_texts(graph, node)
        elif node.type == "Log1p":
            one = graph.make_const(f"{node.name}_one", np.float32(1))
            _replace(graph, node, "Log", [_add(graph, "Add", [node.input[0], one.output[0]], node)])
        elif node.type == "LowerBound":
            _count(graph, node)
    return graph.get_nodes()


def _compare_texts(graph: Any, node: Any) -> None:
    from onnx import TensorProto  # noqa: PLC0415

    constant = next((each for each in node.inputs if each.is_const()), None)
    if constant is None or graph.get_dtype(constant.output[0]) != TensorProto.STRING:
        return
    text = np.ravel(constant.get_tensor_value(as_list=False))[0]
    table = {
        "cats_strings": [text if isinstance(text, str) else text.decode("utf-8")],
        "cats_int64s": [1],
        "default_int64": 0,
    }
    given = next(name for name in node.input if name != constant.output[0])
    found = graph.make_node(
        "CategoryMapper",
        [given],
        attr=table,
        domain=ML,
        shapes=[graph.get_shape(given)],
        dtypes=[TensorProto.INT64],
    )
    graph.set_shape(node.output[0], graph.get_shape(given))  # TensorFlow's knows none
    _replace(graph, node, "Cast", [found.output[0]], {"to": TensorProto.BOOL})


def _count(graph: Any, node: Any) -> None:
    """Write a search of `(1, m)` values among `(1, n)` known ones as `(1, m, n)` comparisons."""
    from onnx import TensorProto  # noqa: PLC0415

    known, wanted = node.input[:2]
    apart = graph.make_const(f"{node.name}_known", np.array([1], np.int64)).output[0]
    last = graph.make_const(f"{node.name}_last", np.array([2], np.int64)).output[0]
    rows = _add(graph, "Unsqueeze", [known, apart], node)
    columns = _add(graph, "Unsqueeze", [wanted, last], node)
    smaller = _add(graph, "Less", [rows, columns], node)
    numbers = _add(graph, "Cast", [smaller], node, {"to": TensorProto.INT32})
    _replace(graph, node, "ReduceSum", [numbers, last], {"keepdims": 0})


def _add(graph: Any, operation: str, inputs: list[str], near: Any, attributes: Any = None) -> str:
    """Add a node and return its output."""
    scope = f"{near.name}_{operation}"
    return graph.make_node(operation, inputs, attr=attributes, op_name_scope=scope).output[0]


def _replace(
    graph: Any, node: Any, operation: str, inputs: list[str], attributes: Any = None
) -> None:
    """Replace a node by another operation with the same output."""
    output = node.output[0]
    shape, kind = graph.get_shape(output), graph.get_dtype(output)
    graph.remove_node(node.name)
    graph.make_node(
        operation,
        inputs,
        attr=attributes,
        name=node.name,
        outputs=[output],
        shapes=[shape],
        dtypes=[kind],
    )
