"""Evaluates a trained network on the test rows: the result of a run."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict

import numpy as np
import pandas as pd

from mtl_keras.evaluation import RepeatedRows, calibration, evaluate, regions_of
from mtl_keras.export import TrainedRows, column_statistics
from mtl_keras.plans.plan import Plan
from mtl_keras.runs.prepared import Prepared
from mtl_keras.runs.result import Run
from mtl_keras.runs.warnings import warn_of_unused_experts
from mtl_keras.tasks import Task
from mtl_keras.training import Fitted


def evaluated(
    plan: Plan,
    rows: Prepared,
    fitted: Fitted,
    repeated: Sequence[RepeatedRows],
    show: Callable[[str], None],
) -> Run:
    """Return the result of a training: calibrated tasks, and their scores on the test rows.

    Args:
        plan: The plan, with nothing left open.
        rows: The rows.
        fitted: The trained network.
        repeated: Rows that are also among the training rows, by part.
        show: A function that prints a line.
    """
    model = fitted.model
    sharing = model.sharing(rows.data.x["validation"])
    warn_of_unused_experts(model, sharing, show)
    tasks = calibrated(rows, fitted.validation)
    for before, task in zip(rows.tasks, tasks):
        if (words := task.decision) != before.decision:
            aim = f" ({task.decision_aim} on the validation rows)" if task.decision_aim else ""
            show(f"{task.name}: {words}{aim}")
    truths, outputs, groups = rows.tested(model, plan.split)
    predictions = {task.name: task.prediction(outputs[task.name]) for task in tasks}
    regions = regions_of(tasks, outputs)
    constants = {task.name: task.constants(truths["train"][task.name]) for task in tasks}
    labels, of_training = rows.learned(model)
    training = {t.name: (labels[t.name], t.prediction(of_training[t.name])) for t in tasks}
    return Run(
        experiment=plan,
        tasks=tasks,
        encoder=rows.encoder,
        model=model,
        guesses=rows.guesses,
        history=fitted.history,
        evaluation=evaluate(
            tasks, truths["test"], predictions, constants, regions, groups, training
        ),
        rows=rows.counts,
        test=rows.rows["test"],
        truths=truths,
        predictions=predictions,
        regions=regions,
        groups=groups,
        sharing=sharing,
        metadata={
            "calibration": calibration(tasks, truths["test"], outputs),
            "refit": plan.training.refit if fitted.refitted else 0,
            "finished": dict(fitted.finished),
            "network_weights": dict(fitted.weights),
            "validation_losses": _validation_losses(rows, fitted),
            "repeated_rows": [asdict(each) for each in repeated if each.many],
        },
        trained=_trained_rows(rows, fitted.refitted, repeated),
        statistics=column_statistics(
            rows.encoder.features, rows.rows["train"], plan.split.groups_in(rows.rows["train"])
        ),
    )


def _validation_losses(rows: Prepared, fitted: Fitted) -> dict[str, float]:
    """Return the validation loss of what answers each task: an epoch, or several networks."""
    labels, weights = rows.data.y["validation"], rows.data.weights["validation"]
    return {
        task: float(fitted.model.loss_of(task, labels[task], weights.get(task))(outputs))
        for task, outputs in fitted.validation.items()
    }


def calibrated(rows: Prepared, outputs: Mapping[str, np.ndarray]) -> list[Task]:
    """Return the tasks with thresholds, calibration and regions from the validation rows.

    Args:
        rows: The rows.
        outputs: A network's outputs by task, for validation rows that it was not trained on.
    """
    labels = rows.data.y["validation"]
    tasks = [task.calibrate(labels[task.name], outputs[task.name]) for task in rows.tasks]
    return [task.conform(labels[task.name], outputs[task.name]) for task in tasks]


def _trained_rows(rows: Prepared, refitted: bool, repeated: Sequence[RepeatedRows]) -> TrainedRows:
    parts = ["train", "validation"] if refitted else ["train"]
    copies = [e.expected / e.rows for e in repeated if e.part == "test" and e.copies]
    return TrainedRows.of(
        rows.encoder.features,
        pd.concat([rows.rows[part] for part in parts]),
        rows.rows["test"],
        sum(rows.counts[part] for part in parts),
        chance=copies[0] if copies else None,
    )
