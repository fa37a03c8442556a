"""Results of models on tables, kept on disk."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mtl_keras.jobs import Store

from .case import Case, constant, loss
from .models import MODELS, joint


class Results:
    """The results of a folder.

    One belongs to the rows that were used, to the model's name, and to its settings if it is a
    trial; a table that changes has none.

    Args:
        folder: Where they are kept.
        trials: Settings of ours by the name of the model, beside `MODELS`.
    """

    def __init__(self, folder: Path, trials: dict[str, dict[str, Any]] | None = None) -> None:
        self.folder, self.trials = folder, trials or {}

    def __call__(
        self, case: Case, models: Sequence[str], compute: bool = True
    ) -> Iterator[list[dict[str, Any]]]:
        """Per model the results of all targets: losses by part, those of a constant, seconds.

        Args:
            case: The table and split.
            models: Names of models.
            compute: Whether to train what is not there. Default True.
        """
        rows = pd.util.hash_pandas_object(case.table, index=False).to_numpy()
        store = Store(self.folder, f"{case.name} {case.seed} {rows.sum()} {len(rows)}")
        for model in models:
            key = f"{model} {json.dumps(self.trials.get(model), sort_keys=True)} "
            kept = store.load(key)
            if kept is None and compute:
                kept = {"results": self._evaluated(model, case)}, {}
                store.save(key, *kept)
            if kept is not None:
                yield kept[0]["results"]

    def _evaluated(self, model: str, case: Case) -> list[dict[str, Any]]:
        run = joint(**self.trials[model]) if model in self.trials else MODELS[model]
        answers = run(case)
        results = []
        for target, predictions in answers.predictions.items():
            y, classes = case.labels(target)
            rows = case.present(target)
            result = {"model": model, "table": case.name, "target": target, "seed": case.seed}
            for part in predictions:
                truth = y[rows[part]]
                dummy = constant(y[rows["train"]], classes, len(truth))
                result[part] = float(loss(truth, predictions[part], classes))
                result[f"{part} constant"] = float(loss(truth, dummy, classes))
            results.append({**result, "seconds": answers.seconds})
        return results


def shown(results: Sequence[dict[str, Any]]) -> str:
    """A line for a model on a table: the skill on test rows by target, and the seconds."""
    first = results[0]
    skill = {r["target"]: 100 * (1 - r["test"] / r["test constant"]) for r in results}
    values = " ".join(f"{target} {np.round(value, 2)}" for target, value in skill.items())
    return f"{first['table']} {first['seed']} {first['model']}: {values}, {first['seconds']:.0f} s"
