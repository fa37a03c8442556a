"""How a network is trained: optimizer, schedule, lengths."""

import importlib.util
import math
from dataclasses import dataclass
from typing import Any

import keras

from mtl_keras.errors import ConfigError, check


@dataclass(frozen=True)
class Training:
    """AdamW with warm-up and cosine decay, clipped gradients, and the best epoch kept.

    Args:
        epochs: Most passes over the training rows. Default 60.
        batch_size: Rows per step. Default None: about a sixtieth of the training rows, as a power
            of two from 32 to 256.
        learning_rate: Highest rate, reached after the warm-up. Default 1e-3.
        weight_decay: AdamW's decay, of matrices and not of biases. Default 0.03.
        warmup: Share of all steps over which the rate rises from 0. Default 0.05.
        clipnorm: Highest norm of the whole gradient. Default 10.0: a low one would bias what is
            learned of heavy-tailed quantities, whose rare large values matter most.
        patience: Epochs without a better validation loss before training stops. Default 10.
        tensorboard: Folder for TensorBoard logs. Default none.
        jit_compile: Whether to compile with XLA, or `"auto"`. Default `"auto"`.
    """

    epochs: int = 60
    batch_size: int | None = None
    learning_rate: float = 1e-3
    weight_decay: float = 0.03
    warmup: float = 0.05
    clipnorm: float = 10.0
    patience: int = 10
    tensorboard: str | None = None
    jit_compile: bool | str = "auto"

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "patience"):
            value = getattr(self, name)
            check(value is None or value >= 1, f"training.{name}", "be >= 1", value)
        for name in ("learning_rate", "clipnorm"):
            check(getattr(self, name) > 0, f"training.{name}", "be > 0", getattr(self, name))
        check(self.weight_decay >= 0, "training.weight_decay", "be >= 0", self.weight_decay)
        check(0 <= self.warmup < 1, "training.warmup", "be from 0 to below 1", self.warmup)
        if self.tensorboard and importlib.util.find_spec("tensorboard") is None:
            raise ConfigError(
                "`training.tensorboard` needs the package tensorboard. "
                "Run: pip install 'mtl_keras[tensorboard]'"
            )

    def rows_per_step(self, rows: int) -> int:
        """The batch size for so many training rows.

        Example:

        >>> [Training().rows_per_step(rows) for rows in (500, 5_000, 50_000)]
        [32, 128, 256]
        """
        if self.batch_size is not None:
            return self.batch_size
        return int(min(256, max(32, 2 ** math.ceil(math.log2(max(rows, 1) / 60)))))

    def optimizer(self, rows: int) -> keras.optimizers.Optimizer:
        """A new optimizer, its schedule as long as `epochs` over `rows` training rows."""
        steps = self.epochs * -(-rows // self.rows_per_step(rows))
        warmup = int(self.warmup * steps)
        schedule = keras.optimizers.schedules.CosineDecay(
            initial_learning_rate=self.learning_rate / 20 if warmup else self.learning_rate,
            decay_steps=max(1, steps - warmup),
            alpha=0.01,
            warmup_target=self.learning_rate if warmup else None,
            warmup_steps=warmup,
        )
        optimizer = keras.optimizers.AdamW(
            schedule, weight_decay=self.weight_decay, global_clipnorm=self.clipnorm
        )
        optimizer.exclude_from_weight_decay(var_names=["bias"])
        return optimizer

    def callbacks(self) -> list[Any]:
        """Callbacks that the recipe itself asks for."""
        if not self.tensorboard:
            return []
        return [keras.callbacks.TensorBoard(self.tensorboard, update_freq="epoch")]
