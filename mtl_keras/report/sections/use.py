"""How to use the model."""

import shlex
import textwrap

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
    values = {f.source: _example(f, schema["input_dtypes"][f.name]) for f in shown.values()}
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
            "python": "import pandas as pd\n\nimport mtl_keras as mtl\n\n"
            f'model = mtl.load("saved_models/{name}")\n'
            f'{_comment(f"It has the columns {columns}")}\nrows = pd.read_csv("new_rows.csv")\n'
            f"{_comment(f'A table with the columns {listed}')}\nmodel.predict(rows)",
            "plain": "import tensorflow as tf\n\n"
            f'loaded = tf.saved_model.load("saved_models/{name}/1")\n'
            'serve = loaded.signatures["serving_default"]\n'
            f"answers = serve(\n{lines},{rest}\n)",
        },
    )


def _comment(text: str) -> str:
    return textwrap.fill(text, 88, initial_indent="# ", subsequent_indent="# ")


def _example(feature: Feature, dtype: str) -> str:
    """A value of a feature, as Python code."""
    if feature.raw_shape:
        return "[0.0, …]"
    return {"string": '"…"', "float32": "0.0"}[dtype]
