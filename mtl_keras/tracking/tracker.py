"""The interface of a tracker: what is reported about a training."""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mtl_keras.declaring.references import reference


@dataclass(frozen=True)
class Facts:
    """Facts about a training that are known before its first epoch.

    Attributes:
        training: A unique name of the training with 32 hexadecimal digits. It stays the same when a
            training is resumed, so that a tracker can find the record to continue. The artifact's
            `schema.json` contains it as well.
        data: Fingerprint of the table, 16 hexadecimal digits: the same for the same rows.
        rows: Number of rows of each part of the split.
        features: Names of the features.

    Example:

    >>> facts = Facts("0" * 32, "1" * 16, rows={"train": 100}, features=("age",))
    >>> facts.rows["train"]
    100
    """

    training: str
    data: str
    rows: Mapping[str, int]
    features: tuple[str, ...]


class Tracker:
    """Base class of trackers, which record trainings in another system.

    Subclasses define `begin`, `epoch` and `end`, and `exported` if they keep models. They are
    called in this order, in the process that prints the log (with several workers, the chief). Each
    training uses a copy of the tracker, which may have its own state from `begin` on. Each argument
    of the constructor must be an attribute of the same name, with a value that can be written to a
    file.

    If `begin` raises an error, nothing is trained. Later errors become warnings, and `epoch` is
    called again before `end` for epochs that were missed.

    Example:

    >>> class Printed(Tracker):
    ...     def __init__(self, prefix="", only="val_loss"):
    ...         self.prefix, self.only = prefix, only
    ...     def epoch(self, number, logs):
    ...         print(f"{self.prefix}{number}: {logs[self.only]}")
    >>> Printed(prefix="epoch ").epoch(1, {"loss": 0.5, "val_loss": 0.7})
    epoch 1: 0.7
    """

    def begin(self, plan: Mapping[str, Any], facts: Facts) -> None:
        """Called when a training begins, or when it is resumed.

        Args:
            plan: The experiment as plain values, as in its file, with the choices made for
                `"auto"`.
            facts: Further facts about the training.
        """
        raise NotImplementedError

    def epoch(self, number: int, logs: Mapping[str, float]) -> None:
        """Called after each epoch.

        Args:
            number: Number of the epoch, from 1.
            logs: Losses, metrics and the balancer's weights, with the names of `Run.history`:
                `churned_loss`, `val_churned_auc`, `churned_weight`. If the plan trains several
                networks, those of the second one begin with `network_2/`.
        """
        raise NotImplementedError

    def end(self, run: Any) -> None:
        """Called when the training has ended.

        Args:
            run: The `mtl_keras.Run`, with its evaluation on the test rows; None if an error or
                Ctrl-C ended it.
        """
        raise NotImplementedError

    def exported(self, run: Any, folder: Path) -> None:
        """Called when the artifact has been written. Does nothing by default.

        Args:
            run: The `mtl_keras.Run`.
            folder: The version that `run.export` wrote: a SavedModel, and in `assets.extra` the
                report, the figures and the files that describe it.
        """

    def get_config(self) -> dict[str, Any]:
        """Return `kind`, and all arguments that differ from their defaults."""
        parameters = inspect.signature(type(self)).parameters
        stated = {
            n: getattr(self, n) for n, p in parameters.items() if getattr(self, n) != p.default
        }
        return {"kind": reference(type(self)), **stated}
