"""How a network is trained: optimizer, learning rate schedule, number of epochs."""

import importlib.util
import math
from dataclasses import dataclass, replace
from typing import Any, Self

import keras
import tensorflow as tf

from mtl_keras.errors import Checked, ConfigError, check
from mtl_keras.training.averaged import AveragedWeights

NOT_DECAYED = ["bias", "scale"]
"""Words in the names of weights that weight decay leaves alone."""


@dataclass(frozen=True)
class Training(Checked):
    """AdamW with warm-up, clipped gradients, averaged weights, and each task's best epoch kept.

    Args:
        epochs: Maximum number of epochs. Default 60.
        batch_size: Batch size. Default None: about a sixtieth of the training rows, as a power of
            two from 32 to 256.
        learning_rate: Highest learning rate, reached after the warm-up. Default 3e-3.
        weight_decay: Weight decay of AdamW, applied to matrices but not to biases. Default 0.03.
        warmup: Share of all steps over which the learning rate rises from 0. Default 0.05.
        clipnorm: Maximum norm of the whole gradient. Default 10.0: a low value would bias the
            learning of heavy-tailed quantities, whose rare large values matter most.
        patience: Epochs without a better validation loss of any task before training stops.
            Default 6: the averaged weights make smooth curves (`benchmarks/patience.py`).
        best_epoch: `"task"`: each task uses the epoch that was best for it, and tasks whose epochs
            differ get separate copies of the network; or `"joint"`: one epoch for all. Default
            "task".
        schedule: `"cosine"`, from the highest learning rate to a hundredth of it over all epochs,
            or `"constant"` after the warm-up. Default "constant".
        networks: Number of networks to train. With more than one, they differ in how much is
            shared, in dropout, bins and learning rate, and each task is answered by the weighted
            mean that is best on the validation rows, all in one model. Default 1.
        average: Number of epochs over which the weights are averaged (an exponential moving
            average), for validation and for the kept network; 0 for no averaging. Default 1.0.
        tensorboard: Folder for TensorBoard logs. Default none.
        tracking: What records the training: `"mlflow"`, a mapping with its arguments, an object,
            or `"package.module:Class"`: see `mtl_keras.tracking`. Default none.
        jit_compile: Whether to compile with XLA, or `"auto"`. Default `"auto"`.

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
    schedule: str = "constant"
    networks: int = 1
    average: float = 1.0
    tensorboard: str | None = None
    tracking: Any = None
    jit_compile: bool | str = "auto"

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
        check(0 <= self.warmup < 1, "training.warmup", "be from 0 to below 1", self.warmup)
        if self.tensorboard and importlib.util.find_spec("tensorboard") is None:
            raise ConfigError(
                "`training.tensorboard` needs the package tensorboard. "
                "Run: pip install 'mtl_keras[tensorboard]'"
            )

    def untracked(self) -> Self:
        """The same recipe, without a record of the training."""
        return replace(self, tracking=None)

    def rows_per_step(self, rows: int) -> int:
        """The batch size for a number of training rows.

        Example:

        >>> [Training().rows_per_step(rows) for rows in (500, 5_000, 50_000)]
        [32, 128, 256]

        Under a distribution strategy it is a multiple of the number of replicas, which get equal
        parts of each batch.
        """
        size = self.batch_size or min(256, max(32, 2 ** math.ceil(math.log2(max(rows, 1) / 60))))
        if self.batch_size is not None:
            size = min(size, max(rows, 1))
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        return -(-size // replicas) * replicas

    def optimizer(self, rows: int) -> keras.optimizers.Optimizer:
        """A new optimizer with a schedule for `epochs` epochs of `rows` training rows."""
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

    def callbacks(self) -> list[Any]:
        """The callbacks that the recipe itself needs."""
        averaged = [AveragedWeights()] if self.average > 0 else []
        if not self.tensorboard:
            return averaged
        return [*averaged, keras.callbacks.TensorBoard(self.tensorboard, update_freq="epoch")]
