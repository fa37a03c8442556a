"""Trains the networks of a plan, in full or for a few epochs."""

import dataclasses
from collections.abc import Callable, Sequence

import keras
import numpy as np
import pandas as pd

from mtl_keras.model import MultiTaskModel
from mtl_keras.plans import presets
from mtl_keras.plans.plan import Plan
from mtl_keras.runs.build import build
from mtl_keras.runs.clock import Clock
from mtl_keras.runs.prepared import Prepared
from mtl_keras.tasks import Task
from mtl_keras.training import Fitted, Fitting, Training
from mtl_keras.training.workers import workers


def train(
    plan: Plan,
    number: int,
    rows: Prepared,
    fitting: Fitting,
    clock: Clock,
    elsewhere: Callable[[Plan, Prepared, Fitting], Fitting] | None = None,
) -> Fitted:
    """Build and train one network."""
    if number:
        fitting.show(f"network {number + 1} of {plan.training.networks}: {presets.label(number)}")
        if fitting.checkpoint:
            folder = fitting.checkpoint / f"network_{number + 1}"
            fitting = dataclasses.replace(fitting, checkpoint=folder)
    keras.utils.set_random_seed(plan.seed)
    with clock("build"), fitting.workers.scope():
        model = build(plan, rows)
    if not number:
        fitting.show(summary(plan, rows, model))
        if plan.training.refit and (names := covered(rows.tasks)):
            fitting.show(f"no refit on the validation rows: they guarantee the coverage of {names}")
    fitting = dataclasses.replace(
        fitting, training=recipe(plan, rows), constants=constant_losses(rows, model)
    )
    with clock("fit"):
        if elsewhere is not None:
            fitting = elsewhere(plan, rows, fitting)
        return fitting.fit(model)


def recipe(plan: Plan, rows: Prepared) -> Training:
    """Return the recipe of a plan, without a refit if validation rows guarantee a coverage."""
    return dataclasses.replace(plan.training, refit=0) if covered(rows.tasks) else plan.training


def covered(tasks: Sequence[Task]) -> str:
    """Return the names of the tasks that predict an interval or a set."""
    return ", ".join(task.name for task in tasks if task.nominal_coverage is not None)


def constant_losses(rows: Prepared, model: MultiTaskModel) -> dict[str, float]:
    """Return the validation loss of the best constant for the training labels, by task.

    The validation rows have their weights, as in the losses of a network.
    """
    losses, weights = {}, rows.data.weights["validation"]
    for task in rows.tasks:
        labels = rows.data.y["validation"][task.name]
        constant = np.repeat(task.average_output(), len(labels), axis=0)
        losses[task.name] = model.loss_of(task.name, labels, weights.get(task.name))(constant)
    return losses


def short(
    plan: Plan,
    epochs: int | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    *,
    rows: Prepared,
) -> pd.DataFrame:
    """Return the logs of a short training, which shows how promising a plan is.

    They do not depend on what was trained before or on the process.

    Args:
        plan: The plan.
        epochs: Number of epochs. Default None: as the plan says, with its patience.
        callbacks: Further Keras callbacks.
        rows: The rows.
    """
    keras.utils.set_random_seed(plan.seed)
    training = dataclasses.replace(plan.training, networks=1, refit=0)
    if epochs is not None:
        training = dataclasses.replace(training, epochs=epochs, patience=epochs)
    fitting = Fitting(
        rows.data, training, show=lambda line: None, watching=callbacks, workers=workers()
    )
    with fitting.workers.scope():
        _, history = fitting.train(build(plan.but(training=training), rows))
    return history


def summary(plan: Plan, rows: Prepared, model: MultiTaskModel) -> str:
    """Return the size of a run, in three lines."""
    counts = ", ".join(f"{count:,} {name}" for name, count in rows.counts.items())
    kinds = ", ".join(f"{task.name} ({task.kind})" for task in plan.tasks)
    return (
        f"rows: {counts}\ntasks: {kinds}\n"
        f"features: {len(rows.encoder.features)}; parameters: {model.count_params():,}"
    )
