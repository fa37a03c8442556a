"""How a network is trained: optimizer, learning rate schedule, number of epochs."""

import math
from dataclasses import dataclass, replace
from typing import Any, Self

import keras
import tensorflow as tf

from mtl_keras.errors import Checked, check, check_installed
from mtl_keras.training.averaged import AveragedWeights

POLICIES = ("float32", "mixed_float16", "mixed_bfloat16")
NOT_DECAYED = ["bias", "scale"]
"""Words in the names of weights that weight decay leaves alone."""


@dataclass(frozen=True)
class Training(Checked):
    """AdamW with warm-up, clipped gradients, averaged weights, and each task's best epoch kept.

    Args:
        epochs: Maximum number of epochs. Default 60.
        batch_size: Batch size. Default None: a power of two from 32 to 256, about a sixtieth of the
            training rows.
        learning_rate: Highest learning rate, reached after the warm-up. Default 3e-3.
        weight_decay: Weight decay of AdamW, applied to matrices but not to biases. Default 0.03.
        warmup: Share of all steps over which the learning rate rises from 0. Default 0.05.
        clipnorm: Maximum norm of the whole gradient. Default 10.0. Lower values would bias
            predictions of heavy-tailed quantities, whose rare large values matter most.
        patience: Number of epochs without a new best validation loss of any task after which
            training stops. A task that has waited as long, and overfits, is trained no further
            while others still improve: see `BestEpoch`. Default 6, which suffices because averaged
            weights make the curves smooth (`benchmarks/patience.py`).
        best_epoch: `"task"`: each task is predicted from the epoch that was best for it, and tasks
            with different epochs get separate copies of the network. `"joint"`: one epoch for all
            tasks. Default "task".
        refit: Number of epochs, up to the best one of each task, that are trained a second time on
            the training and validation rows together, so that the rows that chose the epoch are
            learned from, too (a short form of algorithm 7.2 in Goodfellow et al.: "Deep Learning",
            2016). Thresholds and calibrations are computed before. Not done if a task has an
            `interval` or a `set`, whose coverage is only guaranteed by rows that were not trained
            on, nor for streams. 0 means no refit. Default 3.
        schedule: `"constant"` after the warm-up, or `"cosine"`, which falls from the highest
            learning rate to a hundredth of it over all epochs. Default "constant".
        networks: Number of networks to train. If there are several, they differ in how much they
            share, and in dropout, bins and learning rate. Each task is predicted by the weighted
            mean that is best on the validation rows. All networks are part of one model. Default 1.
        average: Number of epochs over which the weights are averaged, for validation and for the
            trained network (an exponential moving average). 0 means no averaging. Default 1.0.
        tensorboard: Folder for TensorBoard logs. Default none.
        tracking: The tracker that records the training: `"mlflow"`, a mapping with its arguments,
            an object, or `"package.module:Class"`. See `mtl_keras.tracking`. Default none.
        jit_compile: Whether to compile the training with XLA, or `"auto"`, as in
            `MultiTaskModel.compile`. Compiling takes some seconds, and then an epoch takes about
            two thirds of the time. Without a GPU, `"auto"` compiles the usual networks if an epoch
            has at least 50 steps (12,800 rows), the dropout of which is then other random numbers.
            Default `"auto"`.
        dtype_policy: Keras's dtype policy for the network: `"float32"`, or for half precision
            `"mixed_float16"` or `"mixed_bfloat16"`. Columns are encoded, and answers given, in
            float32 all the same. Default None: the one set with `keras.config.set_dtype_policy`.

    Raises:
        ConfigError: if a value is out of its range.

    Example:

    >>> Training(epochs=20, schedule="cosine").epochs
    20
    """

    epochs: int = 60
    batch_size: int | None = None
    learning_rate: float = 3e-3
    weight_decay: float = 0.03
    warmup: float = 0.05
    clipnorm: float = 10.0
    patience: int = 6
    best_epoch: str = "task"
    refit: int = 3
    schedule: str = "constant"
    networks: int = 1
    average: float = 1.0
    tensorboard: str | None = None
    tracking: Any = None
    jit_compile: bool | str = "auto"
    dtype_policy: str | None = None

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "patience", "networks"):
            value = getattr(self, name)
            check(value is None or value >= 1, f"training.{name}", "be >= 1", value)
        for name in ("learning_rate", "clipnorm"):
            value = getattr(self, name)
            check(0 < value < math.inf, f"training.{name}", "be > 0 and finite", value)
        good = self.jit_compile in (True, False, "auto")
        check(good, "training.jit_compile", "be True, False or 'auto'", self.jit_compile)
        check(
            self.best_epoch in ("task", "joint"),
            "training.best_epoch",
            "be 'task' or 'joint'",
            self.best_epoch,
        )
        check(
            self.schedule in ("cosine", "constant"),
            "training.schedule",
            "be 'cosine' or 'constant'",
            self.schedule,
        )
        for name in ("average", "weight_decay"):
            value = getattr(self, name)
            check(0 <= value < math.inf, f"training.{name}", "be >= 0 and finite", value)
        check(self.refit >= 0, "training.refit", "be >= 0", self.refit)
        check(0 <= self.warmup < 1, "training.warmup", "be from 0 to below 1", self.warmup)
        if self.dtype_policy is None and (policy := keras.config.dtype_policy().name) != "float32":
            object.__setattr__(self, "dtype_policy", policy)  # which other processes do not know
        known = self.dtype_policy in (None, *POLICIES)
        check(known, "training.dtype_policy", f"be one of {POLICIES}", self.dtype_policy)
        if self.tensorboard:
            check_installed("`training.tensorboard`", "tensorboard", "tensorboard")

    def untracked(self) -> Self:
        """Return the same recipe without a tracker."""
        return replace(self, tracking=None)

    def rows_per_step(self, rows: int) -> int:
        """Return the batch size for a number of training rows.

        Example:

        >>> [Training().rows_per_step(rows) for rows in (500, 5_000, 50_000)]
        [32, 128, 256]

        Under a distribution strategy, it is a multiple of the number of replicas, which get equal
        parts of each batch.
        """
        size = self.batch_size or min(256, max(32, 2 ** math.ceil(math.log2(max(rows, 1) / 60))))
        if self.batch_size is not None:
            size = min(size, max(rows, 1))
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        return -(-size // replicas) * replicas

    def optimizer(self, rows: int) -> keras.optimizers.Optimizer:
        """Return a new optimizer with a schedule for `epochs` epochs of `rows` training rows."""
        steps = self.epochs * -(-rows // self.rows_per_step(rows))
        warmup = int(self.warmup * steps)
        alpha = 0.01 if self.schedule == "cosine" else 1.0
        schedule = keras.optimizers.schedules.CosineDecay(
            initial_learning_rate=self.learning_rate / 20 if warmup else self.learning_rate,
            decay_steps=max(1, steps - warmup),
            alpha=alpha,
            warmup_target=self.learning_rate if warmup else None,
            warmup_steps=warmup,
        )
        optimizer = keras.optimizers.AdamW(
            schedule,
            weight_decay=self.weight_decay,
            global_clipnorm=self.clipnorm,
            use_ema=self.average > 0,
            ema_momentum=1 - 1 / max(1.0, self.average * steps / self.epochs),
        )
        optimizer.exclude_from_weight_decay(var_names=NOT_DECAYED)
        return optimizer

    def callbacks(self) -> list[keras.callbacks.Callback]:
        """Return the callbacks that the recipe itself needs."""
        callbacks: list[keras.callbacks.Callback] = []
        if self.average > 0:
            callbacks.append(AveragedWeights())
        if self.tensorboard:
            callbacks.append(keras.callbacks.TensorBoard(self.tensorboard, update_freq="epoch"))
        return callbacks
