"""Models of one target each that the field calls strong, in the form of `baselines.py`.

They are run as their libraries set them but for what their docstrings say, on one thread, and
choose by log loss and squared error. AutoGluon wants older versions of other packages: give it
an environment of its own. A torch that comes with triton crashes beside TensorFlow: uninstall
triton.
"""

import logging
import tempfile
import time
from unittest import mock

import numpy as np

from .baselines import categories, predictor
from .packages import needed

PYTABKIT = "pytabkit[models]==1.7.3"
AUTOGLUON = "autogluon.tabular[lightgbm,catboost,xgboost,fastai]==1.6.3"
SECONDS = 60  # of the processor, for AutoGluon


def _complete(x):
    """Text as categories; a missing number as the median, with a column that says so."""
    transform, _ = categories(x)
    train = transform(x["train"])
    medians = train.select_dtypes("number").median().fillna(0)
    gaps = [name for name in medians.index if train[name].isna().any()]

    def complete(rows):
        rows = transform(rows)
        missing = {f"{name} is missing": rows[name].isna().astype(float) for name in gaps}
        return rows.fillna(medians).assign(**missing)

    return complete


def _pytabkit(name, x, y, classes, **arguments):
    complete = _complete(x)
    if classes:
        name, arguments = f"{name}_Classifier", {"val_metric_name": "cross_entropy", **arguments}
        y = {part: labels.astype(int) for part, labels in y.items()}
    else:
        name = f"{name}_Regressor"  # stops on the squared error as it comes
    package = needed("pytabkit", PYTABKIT)
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    model = getattr(package, name)(device="cpu", n_threads=1, random_state=0, **arguments)
    model.fit(complete(x["train"]), y["train"], complete(x["validation"]), y["validation"])
    return lambda rows: predictor(model, classes)(complete(rows))


def realmlp(x, y, classes):
    """RealMLP-TD of Holzmüller et al., https://arxiv.org/abs/2407.04491; no label smoothing."""
    return _pytabkit("RealMLP_TD", x, y, classes, **({"use_ls": False} if classes else {}))


def tabm(x, y, classes):
    """TabM of Gorishniy et al., https://arxiv.org/abs/2410.24210, for one core.

    Its 32 members have layers of 128 units; the 512 of its default take five times as long
    at least. Where it stops on the log loss, pytabkit 1.7.3 hands probabilities to a metric that
    reads logits.
    """
    metrics = needed("pytabkit.models.training.metrics", PYTABKIT).Metrics
    of_logits = metrics.apply

    def apply(predicted, truth, name):
        return of_logits(predicted.log() if classes else predicted, truth, name)

    with mock.patch.object(metrics, "apply", apply):
        return _pytabkit("TabM_D", x, y, classes, d_block=128)


def autogluon(x, y, classes):
    """AutoGluon's preset `medium_quality`, https://arxiv.org/abs/2003.06505, 60 s on one core."""
    package, label = needed("autogluon.tabular", AUTOGLUON), "label"
    table = {part: x[part].assign(**{label: y[part]}) for part in ("train", "validation")}
    kind = "regression" if not classes else "binary" if classes == 2 else "multiclass"
    folder = tempfile.TemporaryDirectory()
    model = package.TabularPredictor(
        label=label,
        problem_type=kind,
        eval_metric="log_loss" if classes else "mean_squared_error",
        path=folder.name,
        verbosity=0,
    )
    begin = time.time() - time.process_time()
    with mock.patch("time.time", lambda: begin + time.process_time()):  # whatever else runs
        model.fit(
            table["train"],
            tuning_data=table["validation"],
            presets="medium_quality",
            time_limit=SECONDS,
            num_cpus=1,
            num_gpus=0,
        )

    def predict(rows, _folder=folder):  # which is removed with the last reference to it
        return np.asarray(predictor(model, classes)(rows))

    return predict
