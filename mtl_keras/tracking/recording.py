"""Calls the tracker of a training, and handles its failures."""

import contextlib
import copy
import dataclasses
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import keras

from mtl_keras.errors import ConfigError, MTLError
from mtl_keras.tracking.tracker import Facts, Tracker
from mtl_keras.training import Fitting


class Recording:
    """Calls a tracker during one training, and never fails once the training has begun.

    Args:
        tracker: The tracker, of which a copy is used, or None.

    Example:

    >>> from mtl_keras.tracking import Facts
    >>> Recording(None).begin({}, Facts("0" * 32, "1" * 16, {"train": 100}, ("age",)))
    """

    def __init__(self, tracker: Tracker | None) -> None:
        self.tracker = copy.copy(tracker)
        self.begun = False
        self.missed: list[tuple[int, Mapping[str, float]]] = []

    def begin(self, plan: Mapping[str, Any], facts: Facts) -> None:
        """Report the beginning.

        Raises:
            ConfigError: if the tracker fails.
        """
        if self.tracker is None:
            return
        try:
            self.tracker.begin(plan, facts)
        except MTLError:
            raise
        except Exception as error:
            raise ConfigError(
                f"{self._name} cannot record the training ({_why(error)}). Nothing was trained. "
                "Fix it, or train without `tracking`."
            ) from error
        self.begun = True

    @contextlib.contextmanager
    def ending(self) -> Iterator[None]:
        """Within the block, report an error as the end of the training, once it has begun."""
        try:
            yield
        except BaseException:
            if self.begun:
                self.end(None)
            raise

    def watched(self, fitting: Fitting, network: int) -> Fitting:
        """Return `fitting` with a callback that reports each epoch.

        Args:
            fitting: How it is trained.
            network: Number of the network, from 0.
        """
        if self.tracker is None:
            return fitting
        prefix = f"network_{network + 1}/" if network else ""

        def report(epoch: int, logs: Mapping[str, Any]) -> None:
            self.epoch(epoch + 1, {f"{prefix}{name}": float(log) for name, log in logs.items()})

        epochs = keras.callbacks.LambdaCallback(on_epoch_end=report)
        return dataclasses.replace(fitting, watching=[*fitting.watching, epochs])

    def epoch(self, number: int, logs: Mapping[str, float]) -> None:
        """Report an epoch. If an earlier one could not be reported, wait until the end.

        Giving up on a server that does not respond may take minutes, and no epoch waits for that.
        """
        assert self.tracker is not None
        tell = self.tracker.epoch
        if self.missed or not self._attempted(f"epoch {number}", lambda: tell(number, logs)):
            self.missed.append((number, logs))

    def end(self, run: Any) -> None:
        """Report the epochs that were missed, and the end."""
        if self.tracker is None:
            return
        tracker, self.begun = self.tracker, False

        def tell() -> None:
            while self.missed:
                tracker.epoch(*self.missed[0])
                del self.missed[0]
            tracker.end(run)

        self._attempted("the end of the training", tell)

    def exported(self, run: Any, folder: Path) -> None:
        """Report the artifact."""
        if self.tracker is not None:
            tell = self.tracker.exported
            self._attempted(f"the model in {folder}", lambda: tell(run, folder))

    @property
    def _name(self) -> str:
        return f"The tracker {type(self.tracker).__name__}"

    def _attempted(self, what: str, tell: Callable[[], None]) -> bool:
        """Return whether the tracker succeeded. If not, warn of what is missing in the record."""
        try:
            tell()
        except Exception as error:  # any error: the training is worth more than its record
            later = ". Epochs are reported again at the end" if what.startswith("epoch") else ""
            warnings.warn(
                f"{self._name} could not record {what} ({_why(error)}). The training is not "
                f"affected{later}.",
                stacklevel=3,
            )
            return False
        return True


def _why(error: Exception) -> str:
    """Return the type and the first 500 characters of an error, on one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:500]}"
