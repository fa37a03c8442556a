"""How to use the model."""

import json
import shlex
import textwrap
from collections.abc import Mapping
from typing import Any

from mtl_keras.features import Feature
from mtl_keras.report.content import Content
from mtl_keras.report.figures import Drawer
from mtl_keras.report.section import Section


def use(content: Content, draw: Drawer) -> Section:
    """How to use the model on the command line, in Python, and with TensorFlow alone."""
    schema = content.schema
    name = schema["name"]
    folder = shlex.quote(f"saved_models/{name}")
    inputs: dict[str, Feature] = {}
    for feature in content.features:
        inputs.setdefault(schema["inputs"][feature.name], feature)  # features may share an input
    shown = dict(list(inputs.items())[:4])
    answers = list(schema["outputs"])
    seen = content.statistics.get("features", {})
    values = {
        feature.source: _example(
            feature, schema["input_dtypes"][feature.name], seen.get(feature.name, {})
        )
        for feature in shown.values()
    }
    more = len(inputs) > len(shown)
    columns = ", ".join([*values, *(["…"] if more else [])])
    lines = ",\n".join(f"    {s}=tf.constant([{values[f.source]}])" for s, f in shown.items())
    listed = ", ".join([*answers[:4], *(["…"] if answers[4:] else [])])
    rest = "\n    # … and all other inputs" if more else ""
    return Section(
        "use",
        "How to use it",
        {
            "commands": f"mtl-keras predict {folder} new_rows.csv --output answers.csv\n"
            f"mtl-keras evaluate {folder} rows_with_labels.csv",
            "python": "import mtl_keras as mtl\n\n"
            f'model = mtl.load("saved_models/{name}")\n'
            f"{_comment(f'A file or a DataFrame with the columns {columns}')}\n"
            'predictions = model.predict("new_rows.csv")\n'
            f"{_comment(f'A DataFrame with the columns {listed}')}\nprint(predictions.head())",
            "plain": "import tensorflow as tf\n\n"
            f'loaded = tf.saved_model.load("saved_models/{name}/{content.number}")\n'
            'serve = loaded.signatures["serving_default"]\n'
            f"answers = serve(\n{lines},{rest}\n)",
        },
    )


def _comment(text: str) -> str:
    return textwrap.fill(text, 88, initial_indent="# ", subsequent_indent="# ")


def _example(feature: Feature, dtype: str, seen: Mapping[str, Any]) -> str:
    """A value of a feature as Python code, typical of the training rows where one is known."""
    if feature.raw_shape:
        return "[0.0, …]"
    texts, edges = seen.get("values") or [], seen.get("edges") or []
    middle = edges[len(edges) // 2] if edges else 0.0
    if dtype == "float32":
        return repr(float(f"{middle:.3g}"))
    if feature.is_moment and edges:
        texts = feature.format_observed([middle])
    return json.dumps(texts[0], ensure_ascii=False) if texts else '"…"'
