"""How the model was trained: epochs, losses, what was tried, how tasks were balanced."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from mtl_keras.drawing import style
from mtl_keras.drawing.heat import heat_map
from mtl_keras.report.balancing import balancing, conflict
from mtl_keras.report.content import Content
from mtl_keras.report.figures import Drawer
from mtl_keras.report.history import after_the_curves, chosen_epoch, curve, metric_logs, subject
from mtl_keras.report.section import Section
from mtl_keras.report.wording import in_a_list, measure
from mtl_keras.training.best_epoch import own_best


def training(content: Content, draw: Drawer) -> Section:
    """The epochs in use, the losses, what was tried, and what the balancer did."""
    names = [task.name for task in content.tasks]
    return Section(
        "training",
        "Training",
        {
            "training_text": in_words(content),
            "curves": _curves(content, names, draw),
            "tried": content.metrics.get("search"),
            "grouping": _grouping(content, draw),
            "balancing": balancing(content, names, draw),
            "conflict": conflict(content, names),
            "balancer": content.experiment["balancer"]["kind"],
        },
    )


def in_words(content: Content) -> str:
    """How long it was trained, which epoch was chosen for each task, and what came after that."""
    count, used = content.metrics["epochs"], content.metrics["best_epochs"]
    lowest = content.metrics.get("lowest_epochs", {})
    seconds = content.metrics["seconds"].get("fit", 0.0)
    lasted = f"Trained for {count} epoch{'s' if count != 1 else ''} in {seconds:,.0f} s."
    listed: dict[int, list[str]] = {}
    for task, epoch in used.items():
        listed.setdefault(epoch, []).append(f"{task}{own_best(epoch, lowest.get(task, epoch))}")
    if len(used) > 1 and [*listed.values()] == [[*used]]:
        chosen = f"epoch {next(iter(listed))} for all tasks"
    else:
        of = [f"epoch {epoch} for {in_a_list(tasks)}" for epoch, tasks in sorted(listed.items())]
        chosen = "; ".join(of)
    refit = content.metrics.get("refit", 0)
    weights = content.metrics.get("network_weights", {})  # version 0.1 had none
    networks = len(next(iter(weights.values()), [1]))
    of_epochs = "these epochs" if len(listed) > 1 else "this epoch"
    after = f"{subject(networks)} has the weights of {of_epochs}."
    if refit:
        after = after_the_curves(content.history, [*used], refit, networks)
    first = f"{lasted} Chosen on the validation rows: {chosen}. {after}{_finished(content)}"
    return f"{_mixed(weights, networks)}{first}"


def _mixed(weights: Mapping[str, Sequence[float]], networks: int) -> str:
    """How several networks make the predictions, as sentences; empty if there is one."""
    if networks == 1:
        return ""
    shares = "; ".join(
        f"{task} {', '.join(f'{weight:.0%}' for weight in of_task)}"
        for task, of_task in weights.items()
    )
    return (
        f"{networks} networks were trained, and each task is predicted by a weighted mean of them, "
        f"chosen on the validation rows: {shares}. The time is that of all networks; the epochs "
        "and the curves are those of the first one. "
    )


def _finished(content: Content) -> str:
    """Which tasks were trained no further while others were, as a sentence; else empty."""
    last = content.metrics["epochs"]
    left = {t: at for t, at in content.metrics.get("finished", {}).items() if at < last}
    if not left:
        return ""
    named = in_a_list([f"{task} after epoch {at}" for task, at in left.items()])
    return (
        f" A task that overfits is trained no further while others still improve: {named}. From "
        "there on its losses, faded in the figures, change only because it shares layers."
    )


def _curves(content: Content, names: Sequence[str], draw: Drawer) -> list[dict[str, str]]:
    """The total loss, and the loss and the metrics of each task, over the epochs."""
    history, refit = content.history, content.metrics.get("refit", 0)
    finished = content.metrics.get("finished", {})  # version 0.1 had none
    shown = [("Total loss", "loss", "")]
    for task, logs in metric_logs(history, names).items():
        shown += [
            (f"{task}: {measure(log.removeprefix(f'{task}_'))}", log, task)
            for log in (f"{task}_loss", *logs)
        ]

    def draw_log(ax: Any, log: str, task: str) -> None:
        curve(ax, history, log, chosen_epoch(history, task), refit, finished.get(task))
        style.legend(ax, len(ax.get_legend_handles_labels()[1]))

    return [
        draw(title, partial(draw_log, log=log, task=task))
        for title, log, task in shown
        if log in history
    ]


def _grouping(content: Content, draw: Drawer) -> list[dict[str, str]]:
    """Which tasks help each other, where the groups were measured."""
    measured = content.metrics.get("grouping")
    if not measured:
        return []
    names, groups = measured["tasks"], "; ".join(" + ".join(g) for g in measured["groups"])
    affinity = 100 * np.array(measured["affinity"])
    cosines = np.array(measured["cosines"])
    return [
        draw(
            "Affinity of the tasks, %",
            lambda ax: heat_map(ax, affinity, names, names, limit=np.abs(affinity).max()),
            note="By how much a training step for one task (row) lowers the loss of another "
            f"(column). Groups chosen: {groups}.",
        ),
        draw(
            "Cosines between the tasks' gradients",
            lambda ax: heat_map(ax, cosines, names, names),
            note="In the training that measured the affinity.",
        ),
    ]
