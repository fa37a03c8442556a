"""The report as one page that needs nothing else: content in, HTML out."""

import functools
import shlex
import tomllib
from typing import Any

import jinja2
import pandas as pd

from mtl_keras.evaluation import measure
from mtl_keras.report import figures
from mtl_keras.report.content import Content
from mtl_keras.report.structure import structure_figure
from mtl_keras.tasks import Task
from mtl_keras.tasks.scores import higher_is_better

ENVIRONMENT = jinja2.Environment(
    loader=jinja2.PackageLoader("mtl_keras.report"), autoescape=True, trim_blocks=True
)


def report_page(found: Content) -> str:
    """`report.html`: what was trained, how good it is, what it goes by, how to use it."""
    draw = figures.Drawer()
    names = [task.name for task in found.tasks]
    judged = [_judged(task, found, draw) for task in found.tasks]
    experiment = tomllib.loads(found.experiment)
    balancer = experiment["balancer"]["kind"]
    sharing = figures.sharing(found, draw)
    importances, dependences = figures.explained(found, draw)
    sections = [("results", "Results"), ("training", "Training")]
    sections += [("sharing", "Sharing")] if sharing else []
    sections += [("importance", "Importance")] if importances or dependences else []
    sections += [("data", "Data"), ("model", "Model"), ("use", "Use"), ("experiment", "Experiment")]
    rows = found.metrics["rows"]
    seconds = found.metrics["seconds"]
    split = experiment.get("split", {})
    return ENVIRONMENT.get_template("report.html").render(
        title=f"{found.schema['name']}: report",
        heading=found.schema["name"],
        subheading=f"{_count(len(names), 'task')} from "
        f"{_count(len(found.schema['features']), 'feature')}, one network",
        sections=[{"id": key, "title": title} for key, title in sections],
        verdict_text=_verdict(found),
        cards=[each["card"] for each in judged],
        tasks=judged,
        rows=rows,
        baselines_note="The constant knows the training labels and nothing of the row."
        + (
            " The other columns are from the comparison, means over its seeds."
            if found.comparison
            else ""
        ),
        slices=found.explanation.get("slices"),
        training_text=_training(found),
        curves=figures.curves(found, names, draw),
        balancing=figures.balancing(found, names, draw),
        balancer=balancer,
        sharing=sharing,
        tried=found.metrics.get("search"),
        grouping=figures.grouping(found, draw),
        importances=importances,
        dependences=dependences,
        split_text=f"Split: {split.get('strategy', 'random')}"
        + (f" by {split['column']}" if "column" in split else "")
        + (f", stratified by {split['stratify']}" if "stratify" in split else "")
        + ".",
        features=_features(found),
        parameters=found.metrics["parameters"],
        graph=draw(
            f"The network: {len(found.structure)} runs of layers from the inputs to the heads of "
            + ", ".join(names),
            figure=lambda: structure_figure(found.structure, names),
        ),
        boxes=[
            {**box, "sources": [found.structure[s]["title"] for s in box["sources"]]}
            for box in found.structure
        ],
        **_usage(found),
        experiment=found.experiment,
        versions=", ".join(f"{k} {v}" for k, v in found.schema["versions"].items()),
        seed=experiment["seed"],
        timings=", ".join(f"{stage} {value:.1f} s" for stage, value in seconds.items()),
        name=found.schema["name"],
    )


def comparison_page(compared: dict[str, Any]) -> str:
    """`comparison.html`: did sharing help?"""
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


def _verdict(found: Content) -> str:
    if found.comparison:
        return found.comparison["advice"]
    return (
        "Whether sharing helped is not known from one training: run mtl-keras compare on this "
        "experiment. Below, the model beside a constant."
    )


def _judged(task: Task, found: Content, draw: figures.Drawer) -> dict[str, Any]:
    result = found.metrics["test"][task.name]
    main = measure(task).name
    others: dict[str, float] = {}
    verdict = ""
    if found.comparison:
        for row in found.comparison["results"]:
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
            "higher": higher_is_better(name),
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
        "figures": figures.panels(task, found, draw),
        "calibration": _calibration(task, found),
        "card": {
            "task": task.name,
            "value": shown,
            "note": f"{main.replace('_', ' ')}{against}",
            "verdict": verdict,
        },
    }


def _calibration(task: Task, found: Content) -> str:
    """What the correction of the probabilities did to the log loss, for a task that has one."""
    worth = found.metrics.get("calibration", {}).get(task.name)
    if worth is None:
        return ""
    how = {"temperature": "by a temperature", "isotonic": "by a rising curve for each class"}
    return (
        f"Probabilities are corrected {how[worth['method']]}, found on the validation rows: log "
        f"loss {worth['before']:.4f} before, {worth['after']:.4f} after."
    )


def _training(found: Content) -> str:
    epochs = found.metrics["epochs"]
    best = found.metrics["best_epochs"]
    said = ", ".join(f"{task} {epoch}" for task, epoch in best.items())
    seconds = found.metrics["seconds"].get("fit", 0.0)
    return f"{epochs} epochs in {seconds:.0f} s. Each task is answered from its best epoch: {said}."


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _features(found: Content) -> list[dict[str, Any]]:
    schema, missing = found.schema, found.explanation.get("missing", {})
    rows = [
        {
            "name": feature["name"],
            "column": _column(feature),
            "kind": feature["kind"],
            "why": schema["guesses"].get(feature["name"], ""),
            "signature": schema["inputs"][feature["name"]],
            "missing": missing.get(_column(feature)),
        }
        for feature in schema["features"]
    ]
    dropped = schema["dropped"].items()
    return rows + [
        {
            "name": n,
            "column": n,
            "kind": "dropped",
            "why": why,
            "signature": "",
            "missing": missing.get(n),
        }
        for n, why in dropped
    ]


def _column(feature: dict[str, Any]) -> str:
    return feature.get("column", feature["name"])


def _usage(found: Content) -> dict[str, str]:
    schema = found.schema
    name, dtypes = schema["name"], schema["input_dtypes"]
    folder = shlex.quote(f"saved_models/{name}")
    columns = {f["name"]: _column(f) for f in schema["features"]}
    inputs: dict[str, str] = {}
    for feature, slug in schema["inputs"].items():
        if slug not in inputs.values():  # some share one
            inputs[feature] = slug
    shown = list(inputs)[:4]
    answers = list(schema["outputs"])
    values = {"string": '"…"', "float32": "0.0"}
    vectors = {f["name"] for f in schema["features"] if f["kind"] == "vector"}

    def value(feature: str) -> str:
        return "[0.0, …]" if feature in vectors else values[dtypes[feature]]

    cells = {columns[feature]: value(feature) for feature in shown}
    row = ", ".join(f'"{column}": [{cell}]' for column, cell in cells.items())
    more = ", …" if len(inputs) > len(shown) else ""
    lines = ",\n".join(f"    {inputs[f]}=tf.constant([{value(f)}])" for f in shown)
    rest = "\n    # … and all other columns of the table above" if more else ""
    return {
        "commands": f"mtl-keras predict {folder} new_rows.csv --output answers.csv\n"
        f"mtl-keras evaluate {folder} rows_with_labels.csv",
        "python": "import pandas as pd\n\nimport mtl_keras as mtl\n\n"
        f'model = mtl.load("saved_models/{name}")\n'
        f"rows = pd.DataFrame({{{row}{more}}})  # extra columns do no harm\n"
        f"model.predict(rows)  # columns {', '.join(answers[:4])}{', …' if answers[4:] else ''}",
        "plain": "import tensorflow as tf\n\n"
        f'loaded = tf.saved_model.load("saved_models/{name}/1")\n'
        'serve = loaded.signatures["serving_default"]\n'
        f"answers = serve(\n{lines},{rest}\n)",
    }
