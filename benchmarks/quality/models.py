"""All models by name: a model is a function of a `Case` that returns `Answers`."""

from collections.abc import Callable
from typing import Any

import numpy as np

from . import baselines, rivals
from .baselines import JUDGED, Answers, per_target
from .case import Case


def joint(**settings: Any) -> Callable[[Case], Answers]:
    """One network for all targets, with these keys of an experiment."""

    def run(case: Case) -> Answers:
        import mtl_keras as mtl

        experiment = mtl.Experiment.from_dict({"tasks": case.kinds, "seed": case.seed, **settings})
        experiment.split = case.split
        made = experiment.run(case.table, show=None)
        found: dict[str, dict[str, np.ndarray]] = {task.name: {} for task in made.tasks}
        seen = made.metadata["refit"] > 0  # a score on rows that were trained on is none
        for part in ("test",) if seen else JUDGED:
            rows = case.table.iloc[case.parts[part]]
            answers = made.model.predict(made.encoder.encode(rows), verbose=0)
            for task in made.tasks:
                y, _ = case.labels(task.name)
                predicted = task.prediction(answers[task.name][~np.isnan(y[case.parts[part]])])
                if task.single_probability:
                    predicted = np.stack([1 - predicted, predicted], axis=1)
                found[task.name][part] = predicted
        return Answers(found, made.seconds["fit"])

    return run


RIVALS = {  # run if they are named
    "realmlp": per_target(rivals.realmlp),
    "tabm": per_target(rivals.tabm),
    "autogluon": per_target(rivals.autogluon),
}
MODELS = {
    "linear": per_target(baselines.linear),
    "sklearn_mlp": per_target(baselines.sklearn_mlp),
    "lightgbm": per_target(baselines.lightgbm_default),
    "lightgbm_tuned": per_target(baselines.lightgbm_tuned),
    "lightgbm_refit": per_target(baselines.lightgbm_refit),
    "catboost": per_target(baselines.catboost),
    "catboost_tuned": per_target(baselines.catboost_tuned),
    "fast": joint(preset="fast"),
    "default": joint(preset="default"),
    "best": joint(preset="best"),
    "single_task": joint(architecture="single_task"),  # the network of `default` for each target
    **RIVALS,
}
