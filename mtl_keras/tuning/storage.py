"""Where the trials of a search are stored: a file, a database, or memory."""

import contextlib
import importlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mtl_keras.errors import ConfigError
from mtl_keras.jobs import exclusive

START = 5  # number of trials before any is pruned
WARM_UP = 4  # number of epochs before a trial may be pruned
JOURNAL = "trials.log"


@dataclass(frozen=True)
class StudyStorage:
    """Where the trials of a search are stored.

    Attributes:
        name: Name of the study, which is different if anything that matters differs.
        folder: The folder of a journal, or None.
        storage: An Optuna storage or its URL, or None.
    """

    name: str
    folder: Path | None
    storage: Any

    @property
    def journal(self) -> Path | None:
        """The file of the trials, if that is where they are kept.

        Its path is absolute, since Optuna's lock is a link to it: one that leads nowhere is not
        given up when its owner is killed.
        """
        return (self.folder / JOURNAL).resolve() if self.storage is None and self.folder else None

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Within the block, no other search writes to the file of the trials.

        What a process that was killed left there is removed: its lock, and a line without an end.
        """
        if self.journal is None:
            yield
            return
        with exclusive(self.journal.with_name("lock"), f"a search into {self.folder}"):
            for left in self.journal.parent.glob(f"{JOURNAL}.lock*"):
                left.unlink()
            if self.journal.is_file():
                os.truncate(self.journal, self.journal.read_bytes().rfind(b"\n") + 1)
            yield

    def study(self, optuna: Any, seed: int, front: int) -> Any:
        """Create the study, or continue it."""
        storage = self.storage
        if self.journal is not None:
            self.journal.parent.mkdir(parents=True, exist_ok=True)
            backend = optuna.storages.journal.JournalFileBackend(str(self.journal))
            storage = optuna.storages.JournalStorage(backend)
        elif isinstance(storage, str):
            storage = _opened(optuna, storage)
        optuna.logging.set_verbosity(optuna.logging.ERROR)  # what ends a trial is told by us
        return optuna.create_study(
            study_name=self.name,
            storage=storage,
            load_if_exists=True,
            directions=["minimize"] * max(1, front),
            sampler=optuna.samplers.TPESampler(seed=seed, constant_liar=True),
            pruner=optuna.pruners.MedianPruner(START, WARM_UP),
        )


def _opened(optuna: Any, address: str) -> Any:
    """Return the storage at an address."""
    of_database = importlib.import_module("sqlalchemy.exc").SQLAlchemyError  # Optuna needs it
    try:
        return optuna.storages.get_storage(address)
    except (of_database, ImportError, ValueError, optuna.exceptions.OptunaError) as error:
        raise ConfigError(
            f"The storage {address!r} cannot be opened: {str(error).rstrip('.')}. Expected an "
            "address such as sqlite:///trials.db or postgresql://user@host/name."
        ) from error
