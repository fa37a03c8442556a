"""A multi-task model with the interface of scikit-learn."""

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import pandas as pd
import tensorflow as tf
from sklearn.base import BaseEstimator
from sklearn.utils import ClassifierTags, RegressorTags
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from mtl_keras.datasets.placeholders import Declared, applied
from mtl_keras.declaring.naming import unique_names
from mtl_keras.errors import ConfigError, DataError, shown
from mtl_keras.experiment import Experiment
from mtl_keras.export.serving import answer_rows, serving_model
from mtl_keras.features.encoder import raw_columns, rows_per_call
from mtl_keras.sklearn.scores import ascending, score
from mtl_keras.sklearn.targets import Targets, Validated
from mtl_keras.tasks.calibration import of_both
from mtl_keras.tasks.classes import ClassTask

LEAST_ROWS = 5
NESTED = ("architecture", "balancer", "training")  # whose own arguments can be set by name
WEIGHT = "sample weight of fit"  # the column for it


class MultiTaskEstimator(BaseEstimator):
    """A scikit-learn estimator that trains one network for several targets.

    `X` and `y` are arrays, or DataFrames with columns of any kind; labels may be missing. Some of
    the rows are used to choose the number of epochs, thresholds and calibration, and all others for
    training. To evaluate, use `cross_validate`, or use `Experiment`, which holds out test rows.

    Args:
        tasks: The kind of each target by name, or tasks, as in `Experiment`. Default None: guessed
            from `y`. Strings, booleans and up to 20 different whole numbers are classes, and other
            numbers are quantities.
        features: As in `Experiment`. Default `"infer"`; the columns of an array are numbers.
        architecture: As in `Experiment`. Default `"shared_bottom"`.
        balancer: As in `Experiment`. Default `"fixed"`.
        preset: As in `Experiment`. Default `"default"`.
        training: As in `Experiment`, such as `{"epochs": 20}`. Default None: the preset's.
        missing_values: As in `Experiment`, for the columns of `X` and `y`. Default `()`.
        validation: Share of the rows that epochs and thresholds are chosen on. Default 0.15.
        random_state: Integer seed. Default 0.

    Attributes:
        tasks_: The fitted tasks, in the order of the columns of `y`.
        model_: The trained Keras model, on encoded rows.
        encoder_: The fitted encoder, of raw columns.
        history_: Logs, a row per epoch.
        classes_: The labels of each classification task, ascending: a list by task, or the labels
            if there is one task.
        n_features_in_: Number of columns of `X`.
        feature_names_in_: Their names, if `X` was a DataFrame.

    Example:

    >>> X = pd.DataFrame({"age": np.linspace(20, 60, 80), "town": ["Bath", "Ely"] * 40})
    >>> y = pd.DataFrame({"left": X["age"] > 40, "spend": 3 * X["age"]})
    >>> small = {"kind": "shared_bottom", "layers": [16], "members": 1}
    >>> model = MultiTaskEstimator(architecture=small, training={"epochs": 2}).fit(X, y)
    >>> model.predict(X.head(2)).columns.tolist()
    ['left', 'spend']
    """

    def __init__(
        self,
        tasks: Any = None,
        *,
        features: Any = "infer",
        architecture: Any = "shared_bottom",
        balancer: Any = "fixed",
        preset: str = "default",
        training: Mapping[str, Any] | None = None,
        missing_values: Declared = (),
        validation: float = 0.15,
        random_state: int = 0,
    ) -> None:
        self.tasks = tasks
        self.features = features
        self.architecture = architecture
        self.balancer = balancer
        self.preset = preset
        self.training = training
        self.missing_values = missing_values
        self.validation = validation
        self.random_state = random_state

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train on the rows.

        Args:
            X: DataFrame or array `(rows, columns)`.
            y: DataFrame, Series, or array `(rows,)` or `(rows, targets)`.
            sample_weight: A weight for each row, `(rows,)`, in the losses alone; rows with a weight
                of 0 are left out. Default None.

        Raises:
            DataError: if the rows do not suit the tasks.
        """
        rows = self._table(X, fitting=True)
        table = self._with_labels(rows, y)
        if sample_weight is not None:
            table[WEIGHT] = weights = _check_sample_weight(sample_weight, table)
            if not weights.any():
                raise DataError("Sample weights must not sum to zero: all of them are zero.")
            table = table[weights != 0].reset_index(drop=True)  # nor may thresholds depend on them
        experiment = self._experiment(rows, None if sample_weight is None else WEIGHT)
        learned = {column for task in experiment.tasks for column in task.columns}
        without = [name for name in self.targets_.names if name not in learned]
        if without and learned <= set(table):
            raise DataError(
                f"y has columns without a task: {', '.join(map(repr, without))}. They would be "
                "used as features. Leave them out of y, or declare tasks for them."
            )
        for task in experiment.tasks:
            if len(task.columns) > 1:
                raise ConfigError(
                    f"Task {task.name!r} reads the columns {task.columns}, and the estimator "
                    "predicts one column per task. Declare a task for each of them."
                )
        run = experiment.run(table, show=None)
        self.tasks_ = sorted(run.tasks, key=lambda t: self.targets_.names.index(t.columns[0]))
        self.model_, self.encoder_ = run.model, run.encoder
        self.history_ = run.history
        self._answer = self._answering()
        if labels := [np.array(task.classes)[ascending(task)] for task in self._classifying()]:
            self.classes_ = labels[0] if len(self.tasks_) == 1 else labels
        return self

    def _with_labels(self, rows: pd.DataFrame, y: Any) -> pd.DataFrame:
        """Return the rows with their labels, of which `targets_` keeps the form."""
        if y is None:
            raise DataError(
                f"{type(self).__name__} requires y to be passed, but the target y is None"
            )
        self.targets_ = Targets.of(y, self.tasks, self.missing_values)
        labels = self.targets_.table(y).reset_index(drop=True)
        if len(labels) != len(rows):
            raise DataError(
                f"X and y must have the same rows. Received: {len(rows)} and {len(labels)}."
            )
        both = sorted(set(rows) & set(labels))
        if both:
            raise DataError(f"X has columns of y: {both}. Leave them out, or rename them.")
        table = pd.concat([rows, labels], axis=1)
        if len(table) < LEAST_ROWS:
            raise DataError(
                f"Expected {LEAST_ROWS} rows or more. Received: n_samples = {len(table)}."
            )
        return table

    def _experiment(self, rows: pd.DataFrame, weight: str | None) -> Experiment:
        features = self.features
        if features == "infer" and not hasattr(self, "feature_names_in_"):
            features = dict.fromkeys(rows, "numeric")
        return Experiment(
            tasks=self.targets_.tasks,
            features=features,
            architecture=self.architecture,
            balancer=self.balancer,
            preset=self.preset,
            training=dict(self.training or {}),
            missing_values=self.missing_values,
            split=Validated(validation=self.validation),
            seed=self.random_state,
            sample_weight=weight,
        )

    def predict(self, X: Any) -> Any:
        """Return the predictions for each row: labels of classes, and quantities in units.

        Returns:
            A DataFrame with a column per task (or a Series) if `y` was one, with the index of `X`
                if that has one; otherwise an array `(rows,)` or `(rows, targets)`, like `y`.
        """
        answers, index = self._answers(X), X.index if isinstance(X, pd.DataFrame) else None
        columns = {task.name: task.answer_columns(answers)[task.name] for task in self.tasks_}
        return self.targets_.like(columns, index)

    def predict_proba(self, X: Any) -> Any:
        """Return the probabilities of the classes.

        Returns:
            For one task, an array `(rows, classes)` in the order of `classes_`. For several tasks,
                a list with an array per classification task, as in `MultiOutputClassifier`.

        Raises:
            ConfigError: if there is no classification task.
        """
        check_is_fitted(self)
        if not self._classifying():
            kinds = ", ".join(f"{task.name} ({task.kind})" for task in self.tasks_)
            raise ConfigError(f"No task has classes: {kinds}. Use `predict`.")
        answers = self._answers(X)
        found = [
            of_both(task.prediction_from(answers))[:, ascending(task)]
            for task in self._classifying()
        ]
        return found[0] if len(self.tasks_) == 1 else found

    def score(self, X: Any, y: Any) -> float:
        """Return the mean over the tasks of the accuracy of classes and the R² of quantities.

        Rows without a label for a task are left out. Accuracy is between 0 and 1, R² may be far
        below 0: one task that is predicted badly outweighs the others. See docs/sklearn.md for
        scores of a task.
        """
        answers, labels = self._answers(X), applied(self.targets_.table(y), self.missing_values)
        return float(np.mean([score(task, labels, answers[task.name]) for task in self.tasks_]))

    def set_params(self, **params: Any) -> Self:
        """Set arguments, and arguments of the architecture, the balancer and the training.

        Args:
            **params: Arguments by name, such as `preset="fast"`, and `architecture__layers=[64]`,
                which changes one argument of the architecture and leaves the others.

        Raises:
            ConfigError: if what is to be changed is neither a name nor a mapping.

        Example:

        >>> model = MultiTaskEstimator(architecture="mmoe", training={"epochs": 20})
        >>> model = model.set_params(architecture__experts=4, training__patience=3)
        >>> model.architecture, model.training
        ({'kind': 'mmoe', 'experts': 4}, {'epochs': 20, 'patience': 3})
        """
        inner = {key for key in params if key.split("__")[0] in NESTED and "__" in key}
        super().set_params(**{key: value for key, value in params.items() if key not in inner})
        for key in sorted(inner):
            name, within = key.split("__", 1)
            declared = getattr(self, name)
            if isinstance(declared, str):
                declared = {"kind": declared}
            if not isinstance(declared, Mapping | None):
                raise ConfigError(
                    f"`{key}` needs `{name}` as a name or a mapping. Received: {shown(declared)}."
                )
            setattr(self, name, {**(declared or {}), within: params[key]})
        return self

    def __getstate__(self) -> dict[str, Any]:
        return {key: v for key, v in super().__getstate__().items() if key != "_answer"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if hasattr(self, "model_"):
            self._answer = self._answering()

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.target_tags.multi_output = True
        tags.input_tags.allow_nan = tags.input_tags.string = tags.input_tags.categorical = True
        if len(getattr(self, "tasks_", ())) == 1:  # so that "roc_auc" and others know what it is
            if self._classifying():
                tags.estimator_type, tags.classifier_tags = "classifier", ClassifierTags()
            else:
                tags.estimator_type, tags.regressor_tags = "regressor", RegressorTags()
        return tags

    def _table(self, X: Any, fitting: bool = False) -> pd.DataFrame:
        is_table = isinstance(X, pd.DataFrame)
        try:
            checked = validate_data(
                self,
                X,
                reset=fitting,
                skip_check_array=is_table,
                dtype=None if is_table else "numeric",
                ensure_all_finite="allow-nan",
            )
        except ValueError as error:
            if "could not convert string" not in str(error):
                raise
            raise DataError(
                f"The columns of an array are numbers ({error}). Pass a DataFrame; a transformer "
                'before the estimator returns one after .set_output(transform="pandas").'
            ) from error
        if is_table:
            return X.rename(columns=str).reset_index(drop=True)
        names = getattr(self, "feature_names_in_", [f"x{n}" for n in range(checked.shape[1])])
        return pd.DataFrame(checked, columns=list(names))

    def _classifying(self) -> list[ClassTask]:
        return [task for task in self.tasks_ if isinstance(task, ClassTask)]

    def _answering(self) -> Any:
        """Return the function from raw columns to predictions, which is not pickled."""
        network = serving_model(self.encoder_, self.model_, self.tasks_)
        signature = {slug: tf.TensorSpec(t.shape, t.dtype) for slug, t in network.input.items()}
        return tf.function(network, [signature], autograph=False)

    def _answers(self, X: Any) -> dict[str, np.ndarray]:
        check_is_fitted(self)
        table, features = applied(self._table(X), self.missing_values), self.encoder_.features
        slugs = self.encoder_.input_slugs
        raw = {slugs[name]: values for name, values in raw_columns(features, table).items()}
        outputs = self.model_.output
        names = unique_names(n for task in self.tasks_ for n in task.answers(outputs[task.name]))
        return answer_rows(self._answer, raw, rows_per_call(features), names)
