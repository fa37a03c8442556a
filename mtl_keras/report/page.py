"""The report as one self-contained HTML page."""

import functools
import shlex
import tomllib
from typing import Any

import jinja2
import pandas as pd

from mtl_keras.features import Feature
from mtl_keras.report import figures
from mtl_keras.report.content import Content
from mtl_keras.report.structure import structure_figure
from mtl_keras.tasks import Task
from mtl_keras.tasks.calibration import METHODS
from mtl_keras.training.best_epoch import own_best

ENVIRONMENT = jinja2.Environment(
    loader=jinja2.PackageLoader("mtl_keras.report"), autoescape=True, trim_blocks=True
)


def report_page(content: Content) -> str:
    """`report.html`: what was trained, how good it is, what it depends on, how to use it.

    Args:
        content: The artifact's files.

    Returns:
        The page, HTML that needs no other file.

    Example:

    >>> page = report_page(content(files))  # doctest: +SKIP
    """
    draw = figures.Drawer()
    names = [task.name for task in content.tasks]
    judged = [_judged(task, content, draw) for task in content.tasks]
    experiment = tomllib.loads(content.experiment)
    balancer = experiment["balancer"]["kind"]
    sharing = figures.sharing(content, draw)
    importances, dependences = figures.explained(content, draw)
    sections = [("results", "Results"), ("training", "Training")]
    sections += [("sharing", "Sharing")] if sharing else []
    sections += [("importance", "Importance")] if importances or dependences else []
    sections += [("data", "Data"), ("model", "Model"), ("use", "Use"), ("experiment", "Experiment")]
    rows = content.metrics["rows"]
    seconds = content.metrics["seconds"]
    split = experiment.get("split", {})
    return ENVIRONMENT.get_template("report.html").render(
        title=f"{content.schema['name']}: report",
        heading=content.schema["name"],
        subheading=f"{_count(len(names), 'task')} from "
        f"{_count(len(content.schema['features']), 'feature')}, one network",
        sections=[{"id": key, "title": title} for key, title in sections],
        verdict_text=_verdict(content),
        leaks=content.metrics.get("leaks", []),
        cards=[each["card"] for each in judged],
        tasks=judged,
        rows=rows,
        baselines_note="The constant is the best guess from the training labels alone."
        + (
            " The other columns are from the comparison, means over its seeds."
            if content.comparison
            else ""
        ),
        joint=content.metrics.get("joint_coverage"),
        slices=content.explanation.get("slices"),
        training_text=_training(content),
        curves=figures.curves(content, names, draw),
        balancing=figures.balancing(content, names, draw),
        balancer=balancer,
        sharing=sharing,
        tried=content.metrics.get("search"),
        grouping=figures.grouping(content, draw),
        importances=importances,
        dependences=dependences,
        split_text=f"Split: {split.get('strategy', 'random')}"
        + (f" by {split['column']}" if "column" in split else "")
        + (f", stratified by {split['stratify']}" if "stratify" in split else "")
        + ".",
        features=_features(content),
        parameters=content.metrics["parameters"],
        graph=draw(
            f"The network: {len(content.structure)} runs of layers from the inputs to the heads of "
            + ", ".join(names),
            figure=lambda: structure_figure(content.structure, names),
        ),
        boxes=[
            {**box, "sources": [content.structure[s]["title"] for s in box["sources"]]}
            for box in content.structure
        ],
        **_usage(content),
        experiment=content.experiment,
        versions=", ".join(f"{k} {v}" for k, v in content.schema["versions"].items()),
        seed=experiment["seed"],
        timings=", ".join(f"{stage} {value:.1f} s" for stage, value in seconds.items()),
        name=content.schema["name"],
    )


def comparison_page(compared: dict[str, Any]) -> str:
    """`comparison.html`: did sharing help?

    Args:
        compared: What `Comparison.to_dict` returns.

    Returns:
        The page, HTML that needs no other file.

    Example:

    >>> page = comparison_page(experiment.compare().to_dict())  # doctest: +SKIP
    """
    draw = figures.Drawer()
    results = pd.DataFrame(compared["results"])
    tasks = []
    for name, part in results.groupby("task", sort=False):
        joint = part[part["candidate"] == "joint"].iloc[0]
        tasks.append(
            {
                "name": name,
                "verdict": joint["verdict"],
                "evidence": f"{joint['measure']} {joint['value']:.4f}, gain {joint['gain']:+.4f} "
                f"[{joint['low']:+.4f}, {joint['high']:+.4f}]",
                "figure": draw(
                    f"{name}: gain in {joint['measure']} over single-task models",
                    functools.partial(figures.gains, part=part),
                ),
            }
        )
    return ENVIRONMENT.get_template("comparison.html").render(
        title=f"{compared['name']}: did sharing help?",
        heading=f"{compared['name']}: did sharing help?",
        subheading=f"{compared['seeds']} seeds, {compared['rows']['test']:,} test rows each",
        advice=compared["advice"],
        tasks=tasks,
        results=compared["results"],
        candidates=compared["candidates"],
        seeds=compared["seeds"],
    )


# Its parts


def _verdict(content: Content) -> str:
    if content.comparison:
        return content.comparison["advice"]
    return (
        "One training cannot tell whether sharing helped: run mtl-keras compare on this "
        "experiment. Below, the model is compared with a constant."
    )


def _judged(task: Task, content: Content, draw: figures.Drawer) -> dict[str, Any]:
    result = content.metrics["test"][task.name]
    main = task.measure.name
    others: dict[str, float] = {}
    verdict = ""
    if content.comparison:
        for row in content.comparison["results"]:
            if row["task"] == task.name and row["candidate"] != "constant":
                others[row["candidate"]] = row["value"]  # "joint" too: this run is one of its seeds
            if row["task"] == task.name and row["candidate"] == "joint":
                verdict = row["verdict"]
    scores = [
        {
            "measure": name,
            "value": value,
            "others": [
                result["baseline"][name],
                *(v if name == main else None for v in others.values()),
            ],
            "higher": task.higher_is_better(name),
            "main": name == main,
        }
        for name, value in result["scores"].items()
    ]
    value, base = result["scores"].get(main), result["baseline"].get(main)
    shown = "–" if value is None else f"{value:,.4g}"
    against = "" if base is None else f"; a constant: {base:,.4g}"
    return {
        "name": task.name,
        "kind": task.kind,
        "unit": task.unit,
        "rows": result["rows"],
        "columns": ["constant", *others],
        "scores": scores,
        "figures": figures.panels(task, content, draw),
        "calibration": _calibration(task, content),
        "coverage": _coverage(task, result["scores"]),
        "card": {
            "task": task.name,
            "value": shown,
            "note": f"{main.replace('_', ' ')}{against}",
            "verdict": verdict,
        },
    }


def _calibration(task: Task, content: Content) -> str:
    """How calibration changed the log loss, for a task with calibrated probabilities."""
    worth = content.metrics.get("calibration", {}).get(task.name)
    if worth is None:
        return ""
    return (
        f"Probabilities are corrected {METHODS[worth['method']].words}, fitted on the validation "
        f"rows: log loss {worth['before']:.4f} before, {worth['after']:.4f} after."
    )


def _coverage(task: Task, scores: dict[str, float]) -> str:
    """How often the intervals or sets of a task hold the label, and how often they should."""
    if task.nominal_coverage is None or "conformal_coverage" not in scores:
        return ""
    return (
        f"Declared coverage {task.nominal_coverage:.4g}: the intervals or sets hold the label in "
        f"{scores['conformal_coverage']:.1%} of these rows (standard error "
        f"{scores['conformal_coverage_se']:.1%})."
    )


def _training(content: Content) -> str:
    epochs = content.metrics["epochs"]
    lowest = content.metrics.get("lowest_epochs", {})
    listed = ", ".join(
        f"{task} from epoch {epoch}{own_best(epoch, lowest.get(task, epoch))}"
        for task, epoch in content.metrics["best_epochs"].items()
    )
    seconds = content.metrics["seconds"].get("fit", 0.0)
    return f"{epochs} epochs in {seconds:.0f} s. Answered: {listed}."


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _features(content: Content) -> list[dict[str, Any]]:
    schema, missing = content.schema, content.explanation.get("missing", {})
    rows = [
        {
            "name": feature.name,
            "column": feature.source,
            "kind": feature.kind,
            "why": schema["guesses"].get(feature.name, ""),
            "signature": schema["inputs"][feature.name],
            "missing": missing.get(feature.source),
        }
        for feature in content.features
    ]
    crossed = [
        {
            "name": " × ".join(crossing["features"]),
            "column": " × ".join(crossing["features"]),
            "kind": "crossing",
            "why": f"also read by exact value ({crossing['known']:,} values)",
            "signature": "",
            "missing": None,
        }
        for crossing in schema.get("crossings", [])  # version 0.1 had none
    ]
    dropped = schema["dropped"].items()
    return [*rows, *crossed] + [
        {
            "name": name,
            "column": name,
            "kind": "dropped",
            "why": why,
            "signature": "",
            "missing": missing.get(name),
        }
        for name, why in dropped
    ]


def _usage(content: Content) -> dict[str, str]:
    """How to use the model: on the command line, in Python, with TensorFlow alone."""
    schema = content.schema
    name = schema["name"]
    folder = shlex.quote(f"saved_models/{name}")
    inputs: dict[str, Feature] = {}
    for feature in content.features:
        inputs.setdefault(schema["inputs"][feature.name], feature)  # features may share an input
    shown = dict(list(inputs.items())[:4])
    answers = list(schema["outputs"])
    values = {f.source: _example(f, schema["input_dtypes"][f.name]) for f in shown.values()}
    row = ", ".join(f'"{column}": [{value}]' for column, value in values.items())
    more = ", …" if len(inputs) > len(shown) else ""
    lines = ",\n".join(f"    {s}=tf.constant([{values[f.source]}])" for s, f in shown.items())
    rest = "\n    # … and all other columns of the table above" if more else ""
    return {
        "commands": f"mtl-keras predict {folder} new_rows.csv --output answers.csv\n"
        f"mtl-keras evaluate {folder} rows_with_labels.csv",
        "python": "import pandas as pd\n\nimport mtl_keras as mtl\n\n"
        f'model = mtl.load("saved_models/{name}")\n'
        f"rows = pd.DataFrame({{{row}{more}}})  # extra columns are ignored\n"
        f"model.predict(rows)  # columns {', '.join(answers[:4])}{', …' if answers[4:] else ''}",
        "plain": "import tensorflow as tf\n\n"
        f'loaded = tf.saved_model.load("saved_models/{name}/1")\n'
        'serve = loaded.signatures["serving_default"]\n'
        f"answers = serve(\n{lines},{rest}\n)",
    }


def _example(feature: Feature, dtype: str) -> str:
    """A value of a feature, as Python code."""
    if feature.raw_shape:
        return "[0.0, …]"
    return {"string": '"…"', "float32": "0.0"}[dtype]
