"""The report as one page that needs nothing else: content in, HTML out."""

import functools
import tomllib
from collections.abc import Callable, Sequence
from typing import Any

import jinja2
import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator

from mtl_keras.evaluation import measure
from mtl_keras.evaluation.scores import higher_is_better
from mtl_keras.layers import Temperature
from mtl_keras.report import style
from mtl_keras.report.content import Content
from mtl_keras.report.history import curve
from mtl_keras.report.prediction import PANELS, confusion_panel, task_panels
from mtl_keras.report.structure import structure_figure
from mtl_keras.tasks import Task

MOST_FEATURES = 12
ENVIRONMENT = jinja2.Environment(
    loader=jinja2.PackageLoader("mtl_keras.report"), autoescape=True, trim_blocks=True
)


class Drawer:
    """Draws figures for one page; one that fails says so in its place, and the page goes on."""

    def __init__(self) -> None:
        self.number = 0

    def __call__(
        self, caption: str, draw: Callable[[Any], None] | None = None, figure: Any = None
    ) -> dict[str, str]:
        """A figure as SVG, or why there is none.

        Args:
            caption: What it shows; its text alternative.
            draw: A function that draws on the axes it is given.
            figure: A function that makes the whole figure, in place of `draw`.
        """
        self.number += 1
        try:
            if draw is not None:
                made, grid = style.axes(1, 1)
                draw(grid[0, 0])
            else:
                made = figure()
            return {"caption": caption, "svg": style.svg(made, self.number, caption)}
        except Exception as error:  # whatever a figure trips over, the run is worth more
            return {"caption": caption, "error": f"{type(error).__name__}: {error}"}


def report_page(found: Content) -> str:
    """`report.html`: what was trained, how good it is, what it goes by, how to use it."""
    draw = Drawer()
    names = [task.name for task in found.tasks]
    judged = [_judged(task, found, draw) for task in found.tasks]
    experiment = tomllib.loads(found.experiment)
    balancer = experiment["balancer"]["kind"]
    sharing = _sharing(found, draw)
    importances, dependences = _explained(found, draw)
    sections = [("results", "Results"), ("training", "Training")]
    sections += [("sharing", "Sharing")] if sharing else []
    sections += [("importance", "Importance")] if importances else []
    sections += [("data", "Data"), ("model", "Model"), ("use", "Use"), ("experiment", "Experiment")]
    rows = found.metrics["rows"]
    seconds = found.metrics["seconds"]
    split = experiment.get("split", {})
    return ENVIRONMENT.get_template("report.html").render(
        title=f"{found.schema['name']}: report",
        heading=found.schema["name"],
        subheading=f"{len(names)} tasks from {len(found.schema['features'])} features, one network",
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
        curves=_curves(found, names, draw),
        balancing=_balancing(found, names, draw),
        balancer=balancer,
        sharing=sharing,
        tried=found.metrics.get("search"),
        grouping=_grouping(found, draw),
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
    draw = Drawer()
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
                    functools.partial(_gains, part=part),
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


def _gains(ax: Any, part: pd.DataFrame) -> None:
    shown = part[(part["candidate"] != "single-task") & (part["candidate"] != "constant")]
    shown = shown.iloc[::-1]
    colors = dict.fromkeys(("helped", "better"), "#338855")
    colors |= dict.fromkeys(("hurt", "worse"), "#cc4433")
    for place, (_, row) in enumerate(shown.iterrows()):
        color = colors.get(str(row["verdict"]), style.MUTED)
        ax.plot([row["low"], row["high"]], [place, place], color=color, lw=2.4)
        ax.plot(row["gain"], place, "o", color=color, ms=6)
    ax.set_yticks(range(len(shown)), list(shown["candidate"]), fontsize=9)
    ax.axvline(0, color=style.MUTED, lw=1)
    ax.set_title(f"{part['task'].iloc[0]}: gain in {part['measure'].iloc[0]}", fontsize=11)
    ax.xaxis.set_major_locator(MaxNLocator(5))


# Its parts


def _verdict(found: Content) -> str:
    if found.comparison:
        return found.comparison["advice"]
    return (
        "Whether sharing helped is not known from one training: run mtl-keras compare on this "
        "experiment. Below, the model beside a constant."
    )


def _judged(task: Task, found: Content, draw: Drawer) -> dict[str, Any]:
    result = found.metrics["test"][task.name]
    main = measure(task).name
    others: dict[str, float] = {}
    verdict = ""
    if found.comparison:
        for row in found.comparison["results"]:
            if row["task"] == task.name and row["candidate"] not in ("joint", "constant"):
                others[row["candidate"]] = row["value"]
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
        "figures": _panels(task, found, draw),
        "calibration": _calibration(task, found),
        "card": {
            "task": task.name,
            "value": shown,
            "note": f"{main.replace('_', ' ')}{against}",
            "verdict": verdict,
        },
    }


def _calibration(task: Task, found: Content) -> str:
    """What the temperature did to the log loss, for a task that has one."""
    temperature = getattr(task, "temperature", None)
    if temperature is None:
        return ""
    truth, after = found.truths[task.name], found.predictions[task.name]
    there = ~np.isnan(truth)
    truth, after = truth[there].astype(int), after[there]
    after = after[:, None] if after.ndim == 1 else after
    before = Temperature(1 / temperature)(after).numpy()  # a temperature undoes another
    losses = []
    for said in (before, after):
        said = np.hstack([1 - said, said]) if said.shape[1] == 1 else said
        losses.append(-np.log(np.clip(said[np.arange(len(truth)), truth], 1e-7, 1)).mean())
    return (
        f"Probabilities are calibrated with a temperature of {temperature:.3g}, found on the "
        f"validation rows: log loss {losses[0]:.4f} before, {losses[1]:.4f} after."
    )


def _panels(task: Task, found: Content, draw: Drawer) -> list[dict[str, str]]:
    truth, predicted = found.truths[task.name], found.predictions[task.name]
    figures, axes = zip(*(style.axes(1, 1) for _ in range(PANELS)))
    panels = [grid[0, 0] for grid in axes]
    try:
        task_panels(panels, task, truth, predicted)
    except Exception as error:  # as in Drawer
        return [{"caption": f"{task.name}: predictions", "error": str(error)}]
    made = []
    for figure, ax in zip(figures, panels):
        title = ax.get_title() or f"{task.name}: predictions"
        if ax.has_data():
            made.append(draw(title, figure=lambda figure=figure: figure))
    if task.kind in ("binary", "multiclass", "ordinal"):
        made.append(
            draw(
                f"{task.name}: answered (across) for actual (down), as a share of each actual",
                lambda ax: confusion_panel(ax, task, truth, predicted),
            )
        )
    return made


def _curves(found: Content, names: Sequence[str], draw: Drawer) -> list[dict[str, str]]:
    history = found.history
    shown = [("total loss", "loss", None), *((f"{n}: loss", f"{n}_loss", n) for n in names)]
    made = []
    for title, log, task in shown:
        if log not in history:
            continue
        best = history.loc[history[f"{task}_best"].astype(bool), "epoch"] if task else ()

        def one(ax: Any, log: str = log, best: Any = best, title: str = title) -> None:
            curve(ax, history, log, best)
            ax.set(xlabel="epoch", title=title)
            ax.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=7))
            ax.legend(frameon=False, fontsize=9)

        made.append(draw(f"{title} over the epochs, training and validation", one))
    return made


def _balancing(found: Content, names: Sequence[str], draw: Drawer) -> list[dict[str, str]]:
    made = []
    for key, title in (
        ("weights", "weight"),
        ("norms", "gradient norm"),
        ("dropped", "share of steps without the task"),
    ):
        rows = [each[key] for each in found.balancing if each.get(key) is not None]
        if not rows or np.ptp(np.array(rows, float)) == 0:
            continue

        def one(ax: Any, rows: Any = rows, title: str = title) -> None:
            for name, values, color in zip(names, np.array(rows, float).T, style.COLORS * 9):
                ax.plot(range(1, len(rows) + 1), values, color=color, label=name, lw=1.8)
            ax.set(xlabel="epoch", title=f"{title} of each task")
            ax.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=7))
            ax.legend(frameon=False, fontsize=9)

        made.append(draw(f"{title} of each task over the epochs", one))
    cosines = [each["cosines"] for each in found.balancing if each.get("cosines") is not None]
    if cosines:
        made.append(
            draw(
                "cosines between the tasks' gradients, mean over the epochs; below 0 they conflict",
                lambda ax: _heat(ax, np.mean(cosines, axis=0), names, names, "gradient cosines"),
            )
        )
    return made


def _sharing(found: Content, draw: Drawer) -> list[dict[str, str]]:
    table = pd.DataFrame(found.metrics["sharing"])
    made: list[dict[str, str]] = []
    if table.empty:
        return made
    for layer, part in list(table.groupby("layer", sort=False))[:8]:
        wide = part.pivot_table(index="reader", columns="source", values="weight", sort=False)

        def one(ax: Any, wide: Any = wide, layer: Any = layer) -> None:
            _heat(ax, wide.to_numpy(), list(wide.columns), list(wide.index), str(layer), False)

        made.append(draw(f"{layer}: weight of each source for each reader", one))
    return made


def _grouping(found: Content, draw: Drawer) -> list[dict[str, str]]:
    """Who helps whom, for an architecture of groups that were measured."""
    measured = found.metrics.get("grouping")
    if not measured:
        return []
    names, groups = measured["tasks"], "; ".join(" + ".join(g) for g in measured["groups"])
    affinity = 100 * np.array(measured["affinity"])
    return [
        draw(
            f"What a step for one task (down) takes off another's loss (across). Groups: {groups}",
            lambda ax: _heat(
                ax, affinity, names, names, "affinity, %", limit=np.abs(affinity).max()
            ),
        ),
        draw(
            "Cosines between the tasks' gradients in that training",
            lambda ax: _heat(ax, np.array(measured["cosines"]), names, names, "gradient cosines"),
        ),
    ]


def _heat(
    ax: Any,
    values: np.ndarray,
    columns: Sequence[str],
    rows: Sequence[str],
    title: str,
    signed: bool = True,
    limit: float = 1.0,
) -> None:
    low, high = (
        (-limit, limit) if signed else (min(0.0, float(values.min())), float(values.max()) or 1)
    )
    ax.imshow(values, cmap="RdBu" if signed else "Blues", vmin=low, vmax=high, aspect="auto")
    ax.set_xticks(range(len(columns)), columns, rotation=30, ha="right", fontsize=8)
    ax.set_yticks(range(len(rows)), rows, fontsize=8)
    ax.grid(False)
    if values.size <= 100:
        for (row, column), value in np.ndenumerate(values):
            strong = abs(value) > 0.6 * high
            ax.text(
                column, row, f"{value:.2f}", ha="center", va="center", fontsize=8,
                color="#fefefe" if strong else "#101010",
            )  # fmt: skip
    ax.set_title(title, fontsize=11)


def _explained(found: Content, draw: Drawer) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    table = pd.DataFrame(found.explanation.get("importance") or [])
    importances, dependences = [], []
    for task, part in table.groupby("task", sort=False) if len(table) else ():
        top = part.sort_values("drop", ascending=False).head(MOST_FEATURES).iloc[::-1]

        def bars(ax: Any, top: Any = top, task: Any = task) -> None:
            ax.barh(top["feature"], top["drop"], xerr=top["sd"], color=style.COLORS[0], height=0.65)
            ax.set_title(f"{task}: loss in {top['measure'].iloc[0]} when shuffled", fontsize=11)
            ax.tick_params(axis="y", labelsize=8)

        importances.append(draw(f"{task}: importance of the features", bars))
    for each in found.explanation.get("dependence") or []:
        curve = pd.DataFrame(each["curve"])
        feature = curve.columns[0]
        for column in curve.columns[1:]:

            def line(ax: Any, curve: Any = curve, column: str = column) -> None:
                x, y = curve.iloc[:, 0], curve[column]
                if pd.api.types.is_numeric_dtype(x) and not pd.api.types.is_bool_dtype(x):
                    ax.plot(x, y, "o-", color=style.COLORS[1], lw=1.8, ms=4)
                else:
                    ax.barh([str(v)[:24] for v in x][::-1], list(y)[::-1], color=style.COLORS[1])
                ax.set_title(f"{column} by {curve.columns[0]}", fontsize=11)

            if column.split(": ")[0] == each["task"]:
                dependences.append(draw(f"Mean answer of {column} by {feature}", line))
    return importances, dependences


def _training(found: Content) -> str:
    epochs = found.metrics["epochs"]
    best = found.metrics["best_epochs"]
    said = ", ".join(f"{task} {epoch}" for task, epoch in best.items())
    seconds = found.metrics["seconds"].get("fit", 0.0)
    return f"{epochs} epochs in {seconds:.0f} s. Each task is answered from its best epoch: {said}."


def _features(found: Content) -> list[dict[str, Any]]:
    schema, missing = found.schema, found.explanation.get("missing", {})
    rows = [
        {
            "name": feature["name"],
            "kind": feature["kind"],
            "why": schema["guesses"].get(feature["name"], ""),
            "signature": schema["inputs"][feature["name"]],
            "missing": missing.get(feature["name"]),
        }
        for feature in schema["features"]
    ]
    dropped = schema["dropped"].items()
    return rows + [
        {"name": n, "kind": "dropped", "why": why, "signature": "", "missing": missing.get(n)}
        for n, why in dropped
    ]


def _usage(found: Content) -> dict[str, str]:
    schema = found.schema
    name, inputs, dtypes = schema["name"], schema["inputs"], schema["input_dtypes"]
    shown = list(inputs)[:4]
    answers = list(schema["outputs"])
    values = {"string": '"…"', "float32": "0.0"}
    vectors = {f["name"] for f in schema["features"] if f["kind"] == "vector"}

    def value(column: str) -> str:
        return "[0.0, …]" if column in vectors else values[dtypes[column]]

    row = ", ".join(f'"{column}": [{value(column)}]' for column in shown)
    more = ", …" if len(inputs) > len(shown) else ""
    lines = ",\n".join(f"    {inputs[column]}=tf.constant([{value(column)}])" for column in shown)
    rest = "\n    # … and all other columns of the table above" if more else ""
    return {
        "commands": f"mtl-keras predict saved_models/{name} new_rows.csv --output answers.csv\n"
        f"mtl-keras evaluate saved_models/{name} rows_with_labels.csv",
        "python": "import pandas as pd\n\nimport mtl_keras as mtl\n\n"
        f'model = mtl.load("saved_models/{name}")\n'
        f"rows = pd.DataFrame({{{row}{more}}})  # extra columns do no harm\n"
        f"model.predict(rows)  # columns {', '.join(answers[:4])}{', …' if answers[4:] else ''}",
        "plain": "import tensorflow as tf\n\n"
        f'loaded = tf.saved_model.load("saved_models/{name}/1")\n'
        'serve = loaded.signatures["serving_default"]\n'
        f"answers = serve(\n{lines},{rest}\n)",
    }
