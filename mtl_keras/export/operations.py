"""What the graph of a SavedModel does when it is loaded and called."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from google.protobuf.message import DecodeError
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow.python.framework import op_def_registry

from mtl_keras.errors import ArtifactError

WITHOUT_FILES = (
    *("VarHandleOp", "ReadVariableOp", "AssignVariableOp", "VarIsInitializedOp"),
    *("AssignAddVariableOp", "AssignSubVariableOp", "VariableShape", "ResourceGather"),
    *("ResourceGatherNd", "DestroyResourceOp", "DisableCopyOnRead", "GuaranteeConst"),
    *("HashTableV2", "MutableHashTableV2", "MutableDenseHashTableV2", "InitializeTableV2"),
    *("AnonymousHashTable", "AnonymousMutableHashTable", "AnonymousMutableDenseHashTable"),
    *("LookupTableFindV2", "LookupTableImportV2", "LookupTableExportV2", "LookupTableSizeV2"),
    *("LookupTableInsertV2", "LookupTableRemoveV2", "MutableHashTableOfTensorsV2"),
    *("PartitionedCall", "StatefulPartitionedCall", "Case", "If", "While", "DeviceIndex"),
    *("TensorArrayV3", "TensorArrayWriteV3", "TensorArrayReadV3", "TensorArrayGatherV3"),
    *("TensorArrayScatterV3", "TensorArrayConcatV3", "TensorArraySplitV3", "TensorArraySizeV3"),
    *("TensorArrayCloseV3", "Assert", "CheckNumerics", "CheckNumericsV2", "Empty", "DeepCopy"),
    *("CudnnRNNV2", "CudnnRNNV3", "StatelessRandomGetAlg", "RngReadAndSkip", "RngSkip"),
    *("RandomUniform", "RandomUniformInt", "RandomStandardNormal", "TruncatedNormal"),
    *("RandomShuffle", "StatefulStandardNormalV2", "StatefulUniform", "StatefulUniformInt"),
    *("SentencepieceOp", "SentencepieceTokenizeOp", "SentencepieceVocabSizeOp"),
)
"""Stateful operations that affect nothing but the model's own memory."""

REACHING = (
    *("File", "Dataset", "PyFunc", "Reader", "Summary", "Debug", "VocabRemapping"),
    *("DecodeProto", "EncodeProto", "ImmutableConst"),
)
"""Parts of the names of stateless operations that read or write files, or call Python."""

TRUST = "tensorflow"  # the name to trust for a graph with other operations


def check_operations(version: Path) -> None:
    """Raise an ArtifactError for a SavedModel that could do more than compute.

    Loading a SavedModel runs the functions that fill its tables, and calling it runs its signature.
    TensorFlow has operations that read and write files or call Python, none of which this library
    uses in a model.

    Args:
        version: The folder of the SavedModel.

    References:
        TensorFlow: "Using TensorFlow Securely",
        https://github.com/tensorflow/tensorflow/blob/master/SECURITY.md.
    """
    path = version / "saved_model.pb"
    model = saved_model_pb2.SavedModel()
    try:
        model.ParseFromString(path.read_bytes())
    except (OSError, DecodeError) as error:
        raise ArtifactError(
            f"The SavedModel in {version} is damaged ({type(error).__name__}): {error}. Train and "
            "export again."
        ) from error
    graphs = list(model.meta_graphs)
    if len(graphs) != 1 or not graphs[0].HasField("object_graph_def"):
        raise ArtifactError(
            f"The SavedModel in {version} is damaged or was not written by mtl_keras: expected one "
            f"graph with its objects. Received: {len(graphs)}. Train and export again."
        )
    strange = sorted({op for op in _operations(graphs[0]) if not _only_computes(op)})
    if strange:
        raise ArtifactError(
            f"The SavedModel in {version} has operations that reach beyond the model, such as into "
            f"files: {', '.join(strange[:10])}. Ask who made it what they are for; if you trust "
            f"them with this computer, pass trusted=[{TRUST!r}], or `--trust {TRUST}`."
        )


def _operations(graph: Any) -> Iterator[str]:
    """Return the operations of all functions that the graph's objects call, also indirectly."""
    functions = {function.signature.name: function for function in graph.graph_def.library.function}
    waiting, seen = list(graph.object_graph_def.concrete_functions), set()
    while waiting:
        name = waiting.pop()
        if name in seen or name not in functions:
            continue
        seen.add(name)
        for node in functions[name].node_def:
            yield node.op
            waiting += [node.op, *_called(node.attr.values())]


def _called(attributes: Iterable[Any]) -> Iterator[str]:
    for value in attributes:
        yield value.func.name
        yield from (function.name for function in value.list.func)


def _only_computes(operation: str) -> bool:
    known = op_def_registry.get(operation)
    if known is None:  # a function's name, or an operation that loading will not find
        return True
    if known.is_stateful:
        return operation in WITHOUT_FILES
    return operation == "ShardedFilename" or not any(part in operation for part in REACHING)
