"""The interface of a tracker: what it is told of a training."""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mtl_keras.declaring.references import reference


@dataclass(frozen=True)
class Facts:
    """What is known of a training before its first epoch, beside its plan.

    Attributes:
        training: A unique name of the training, 32 hexadecimal digits, kept when it is resumed: by
            it a tracker finds the record to go on with. The artifact's `schema.json` has it, too.
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
    """Base class: records trainings elsewhere.

    Subclasses define `begin`, `epoch` and `end`, and `exported` if they keep models. They are
    called in this order, in the process that prints (with several workers, that of the chief). A
    tracker is a declaration: each training tells a copy, which may have a state of its own from
    `begin` on. Each argument of the constructor is an attribute of the same name, with a value that
    a file can hold.

    If `begin` raises an error, nothing is trained. Later ones are warnings: epochs that were missed
    are told again before `end`.

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
        """A training begins, or goes on where it was interrupted.

        Args:
            plan: The experiment as plain values, as its file has it, with what was found for all
                that is `"auto"`.
            facts: What else is known.
        """
        raise NotImplementedError

    def epoch(self, number: int, logs: Mapping[str, float]) -> None:
        """An epoch has ended.

        Args:
            number: Number of the epoch, from 1.
            logs: Losses, metrics and what the balancer did, by the names of `Run.history`, such as
                `churned_loss`, `val_churned_auc`, `churned_weight`. Those of a second network, if
                the plan trains several, begin with `network_2/`.
        """
        raise NotImplementedError

    def end(self, run: Any) -> None:
        """The training has ended.

        Args:
            run: The `mtl_keras.Run`, with its evaluation on the test rows; None if an error or
                Ctrl-C ended it.
        """
        raise NotImplementedError

    def exported(self, run: Any, folder: Path) -> None:
        """The artifact has been written. By default nothing is done.

        Args:
            run: The `mtl_keras.Run`.
            folder: The version that `run.export` wrote: a SavedModel, and in `assets.extra` the
                report, the figures and the files that describe it.
        """

    def get_config(self) -> dict[str, Any]:
        """`kind`, and all arguments that differ from their defaults."""
        parameters = inspect.signature(type(self)).parameters
        stated = {
            n: getattr(self, n) for n, p in parameters.items() if getattr(self, n) != p.default
        }
        return {"kind": reference(type(self)), **stated}
