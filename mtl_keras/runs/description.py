"""What an artifact says of a run, as values for JSON: its schema and its metrics."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import pandas as pd

from mtl_keras.declaring.naming import unique_names
from mtl_keras.report import about


def schema(
    run: Any, serving: keras.Model, constants: Mapping[str, Mapping[str, np.ndarray]]
) -> dict[str, Any]:
    """The inputs and outputs of the exported model, and how it was made.

    Args:
        run: The `Run`.
        serving: The model to export.
        constants: For each task and score, the best answer that is the same for all rows.
    """
    split, slugs = run.experiment.split, answer_slugs(run)
    return {
        "name": run.experiment.name,
        "training": run.identity,
        "trained_at": run.trained_at,
        "inputs": run.encoder.input_slugs,
        "input_dtypes": {f.name: f.raw_dtype for f in run.encoder.features},
        "outputs": slugs,
        "output_dtypes": {name: str(serving.output[slugs[name]].dtype) for name in slugs},
        "features": [feature.get_config() for feature in run.encoder.features],
        "crossings": [crossing.get_config() for crossing in run.encoder.crossings],
        "missing_values": run.experiment.missing_values,
        "dropped": {g.column: g.why for g in run.guesses if g.feature is None},
        "guesses": {g.column: g.because for g in run.guesses if g.feature is not None},
        "tasks": [task.get_config() for task in run.tasks],
        "constants": {
            task: {score: constant.tolist() for score, constant in each.items()}
            for task, each in constants.items()
        },
        "group": split.column if split.strategy == "group" else None,
        "versions": about.versions(),
    }


def metrics(run: Any) -> dict[str, Any]:
    """Scores, numbers of rows, times, and epochs (in use, and with the lowest loss)."""
    return {
        "test": run.evaluation.to_dict(),
        "joint_coverage": run.evaluation.joint and vars(run.evaluation.joint),
        "rows": run.rows,
        "epochs": len(run.history),
        "best_epochs": best_epochs(run),
        "lowest_epochs": {
            task.name: int(run.history.loc[losses.idxmin(), "epoch"])
            for task in run.tasks
            if (losses := _while_trained(run, task.name)).notna().any()
        },
        "sharing": run.sharing.to_dict("records"),
        "parameters": run.model.count_params(),
        **run.metadata,
        "seconds": {stage: round(value, 3) for stage, value in run.seconds.items()},
    }


def answer_slugs(run: Any) -> dict[str, str]:
    """The name of each prediction in the exported model."""
    outputs = run.model.output
    return unique_names(name for task in run.tasks for name in task.answers(outputs[task.name]))


def best_epochs(run: Any) -> dict[str, int]:
    """The epoch from which each task is predicted."""
    return {
        task.name: int(run.history.loc[run.history[f"{task.name}_best"], "epoch"].iloc[0])
        for task in run.tasks
    }


def _while_trained(run: Any, task: str) -> pd.Series:
    """The validation losses of a task, up to the last epoch that trained it."""
    last = run.metadata.get("finished", {}).get(task)
    return run.history[f"val_{task}_loss"].iloc[:last]
