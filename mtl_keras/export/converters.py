"""The formats to which a SavedModel can be converted, and the runtimes that execute them."""

import abc
import logging
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from mtl_keras.declaring.error_stream import silenced
from mtl_keras.errors import ConfigError, MTLError, shown, unknown
from mtl_keras.export.onnx_graph import in_other_operations

NAMED = 3  # number of layers in a message

Answer = Callable[[Mapping[str, np.ndarray]], dict[str, np.ndarray]]


class NotConvertible(MTLError):
    """A model does something that a format cannot express."""


class Format(abc.ABC):
    """A file format for a trained model.

    Attributes:
        suffix: The suffix of its files.
        extra: The extra of mtl_keras that installs its packages.
        packages: The packages to import.
    """

    suffix: ClassVar[str]
    extra: ClassVar[str]
    packages: ClassVar[tuple[str, ...]]

    @abc.abstractmethod
    def converted(self, saved_model: Path) -> bytes:
        """Return the content of a file that computes what a SavedModel does.

        Raises:
            NotConvertible: if the format lacks an operation.
        """

    @abc.abstractmethod
    def loaded(self, content: bytes) -> Answer:
        """Return a function from inputs to predictions, both by name, that calls the runtime.

        Raises:
            NotConvertible: if the runtime lacks an operation.
        """


class Onnx(Format):
    """ONNX, converted by tf2onnx and executed by onnxruntime.

    tf2onnx reports success even if it leaves operations in the graph that ONNX does not have, so
    the graph is searched for them.
    """

    suffix, extra = ".onnx", "onnx"
    packages = ("tf2onnx", "onnx", "onnxruntime")
    OPSET: ClassVar[int] = 18  # the newest that tf2onnx 1.17 writes

    def converted(self, saved_model: Path) -> bytes:
        import onnx  # noqa: PLC0415
        from tf2onnx import optimizer, tf_loader, tfonnx  # noqa: PLC0415

        logging.getLogger("tf2onnx").setLevel(logging.CRITICAL)  # its errors are raised below
        frozen, inputs, outputs, tables, names = tf_loader.from_saved_model(
            str(saved_model), None, None, "serve", ["serving_default"],
            return_initialized_tables=True, return_tensors_to_rename=True,
        )  # fmt: skip
        names |= zip(inputs, _inputs(saved_model), strict=True)
        try:
            with tf.Graph().as_default() as graph:
                tf.import_graph_def(frozen, name="")
                made = tfonnx.process_tf_graph(
                    graph,
                    opset=self.OPSET,
                    input_names=inputs,
                    output_names=outputs,
                    tensors_to_rename=names,
                    initialized_tables=tables,
                    custom_rewriter=[in_other_operations],
                )
                model = optimizer.optimize_graph(made).make_model("mtl_keras")
        except Exception as error:  # of many types
            raise NotConvertible(f"tf2onnx cannot convert it: {shown(str(error))}") from error
        nodes = [n for n in _nodes(model.graph) if not onnx.defs.has(n.op_type, n.domain)]
        if nodes:
            raise NotConvertible(_lacking("ONNX", [(n.op_type, n.name) for n in nodes]))
        return model.SerializeToString()

    def loaded(self, content: bytes) -> Answer:
        import onnxruntime  # noqa: PLC0415
        from onnxruntime.capi import onnxruntime_pybind11_state as errors  # noqa: PLC0415

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4  # it raises an error for what it would print
        try:
            session = onnxruntime.InferenceSession(content, options)
        except (errors.Fail, errors.InvalidGraph, errors.NotImplemented) as error:
            raise NotConvertible(f"onnxruntime cannot load it: {error}") from error
        names = [output.name for output in session.get_outputs()]
        wanted = [given.name for given in session.get_inputs()]

        def answer(rows: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
            try:
                values = session.run(names, {name: rows[name] for name in wanted})
            except (errors.Fail, errors.RuntimeException, errors.NotImplemented) as error:
                raise NotConvertible(f"onnxruntime cannot run it: {error}") from error
            return dict(zip(names, values))

        return answer


def _inputs(saved_model: Path) -> list[str]:
    """Return the names of a SavedModel's inputs as it declares them, in the order of its graph.

    The graph itself, whose names tf2onnx uses, has them in lower case.
    """
    content = saved_model_pb2.SavedModel.FromString((saved_model / "saved_model.pb").read_bytes())
    return sorted(content.meta_graphs[0].signature_def["serving_default"].inputs)


def _nodes(graph: Any) -> Iterator[Any]:
    """Return the nodes of an ONNX graph, including those in loops and branches."""
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from _nodes(attribute.g)


def _lacking(form: str, operations: Sequence[tuple[str, str]]) -> str:
    """Return which layers need operations that a format lacks.

    Example:

    >>> _lacking("ONNX", [("Substr", "serving_1/encode.day_1/Substr"), ("Erf", "gelu_1/Erf")])
    'ONNX lacks operations for encode.day (Substr), gelu (Erf)'
    """
    layers: dict[str, set[str]] = {}
    for operation, place in operations:
        above = [re.sub(r"_\d+$", "", part) for part in place.split("/")[:-1]]
        ours = [part for part in above if part.startswith(("encode.", "cross.", "missing."))]
        layers.setdefault((ours or above[-1:] or ["?"])[0], set()).add(operation)
    named = [f"{layer} ({', '.join(sorted(each))})" for layer, each in sorted(layers.items())]
    more = f" and {len(named) - NAMED} more" if len(named) > NAMED else ""
    return f"{form} lacks operations for {', '.join(named[:NAMED])}{more}"


class LiteRT(Format):
    """LiteRT, formerly TensorFlow Lite, converted by TensorFlow and executed by ai-edge-litert."""

    suffix, extra = ".tflite", "litert"
    packages = ("ai_edge_litert",)

    def converted(self, saved_model: Path) -> bytes:
        converter = tf.lite.TFLiteConverter.from_saved_model(
            str(saved_model), signature_keys=["serving_default"]
        )
        try:
            with silenced():
                return converter.convert()
        except Exception as error:  # of many types
            text = str(error)
            strange = set(re.findall(r"'tf\.(\w+)' op ", text))
            places = re.findall(r'fused\["(\w+):", "([^"@]+)', text)
            other = f"TensorFlow cannot convert it: {shown(text)}"
            lacking = [(operation, place) for operation, place in places if operation in strange]
            raise NotConvertible(_lacking("LiteRT", lacking) if lacking else other) from error

    def loaded(self, content: bytes) -> Answer:
        from ai_edge_litert.interpreter import Interpreter  # noqa: PLC0415

        with silenced():
            interpreter = Interpreter(model_content=content)
            interpreter.allocate_tensors()
        run = interpreter.get_signature_runner("serving_default")
        wanted = list(run.get_input_details())

        def answer(rows: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
            answers = run(**{name: rows[name] for name in wanted})
            return {name: _texts(values) for name, values in answers.items()}

        return answer


def _texts(values: np.ndarray) -> np.ndarray:
    """Return strings for bytes, and numbers unchanged."""
    if values.dtype.kind not in "OS":
        return values
    return np.array([v.decode("utf-8") if isinstance(v, bytes) else v for v in values], object)


FORMATS: dict[str, Format] = {each.extra: each for each in (Onnx(), LiteRT())}


def format_for(path: Path) -> Format:
    """Return the format of a file, by its suffix.

    Raises:
        ConfigError: if there is none.
    """
    for each in FORMATS.values():
        if path.suffix == each.suffix:
            return each
    expected = [each.suffix for each in FORMATS.values()]
    raise ConfigError(f"{path}: {unknown('suffix', path.suffix, expected)}")
