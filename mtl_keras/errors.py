"""The exceptions of the library, and helpers for the common form of their messages.

Every message says what was expected, what was received and what to do about it, and names the
column, task, file or row concerned. All exceptions are `ValueError`s, so that code written for
Keras or scikit-learn catches them.
"""

import contextlib
import difflib
import importlib.util
import inspect
import os
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Self

import numpy as np


class MTLError(ValueError):
    """Base class of every error that a user's input can cause."""


class ConfigError(MTLError):
    """A declaration (an argument, an experiment file, a flag) is invalid."""


class DataError(MTLError):
    """A table, a column or a value does not match the declaration."""


class ArtifactError(MTLError):
    """A saved model folder is missing, damaged or not a model."""


class TrainingError(MTLError):
    """Training cannot continue, e.g. because a task's loss is not finite."""


class LostWorkerError(TrainingError):
    """Another process of the training has gone: what was trained so far can be resumed."""


@contextlib.contextmanager
def naming(path: str | os.PathLike[str]) -> Iterator[None]:
    """Within the block, an error of the operating system that names no file names this one.

    Example:

    >>> with naming("scores.csv"):
    ...     raise OSError(28, "No space left on device")
    Traceback (most recent call last):
    ...
    OSError: [Errno 28] No space left on device: 'scores.csv'
    """
    try:
        yield
    except OSError as error:
        if error.filename is not None:
            raise
        raise OSError(error.errno or 5, error.strerror or str(error), os.fspath(path)) from error


UNREADABLE = (
    *(OSError, EOFError, zipfile.BadZipFile, zlib.error),
    *(ValueError, LookupError, TypeError, AttributeError, MemoryError, RecursionError),
)
"""The errors when reading values and arrays from a truncated or foreign file."""


@contextlib.contextmanager
def reading(what: object) -> Iterator[None]:
    """Within the block, raise an ArtifactError if the content of an artifact's file makes it fail.

    Args:
        what: The file.

    Example:

    >>> with reading("small/1/metrics.json"):
    ...     {"rows": 7}["scores"]
    Traceback (most recent call last):
    ...
    mtl_keras.errors.ArtifactError: small/1/metrics.json is damaged or gone: there is no 'scores'.
    Train and export again.
    """
    try:
        yield
    except ConfigError as error:
        raise ArtifactError(f"{what} cannot be used: {error}") from error
    except MTLError:  # about something else than the file
        raise
    except KeyError as error:
        raise ArtifactError(
            f"{what} is damaged or gone: there is no {error}. Train and export again."
        ) from error
    except UNREADABLE as error:
        why = shown(str(error))[1:-1].rstrip(".")
        raise ArtifactError(
            f"{what} cannot be read ({type(error).__name__}): {why}. Train and export again."
        ) from error


def shown(value: object, limit: int = 200) -> str:
    """`repr(value)`, cut to `limit` characters; NumPy scalars are shown as plain numbers.

    Example:

    >>> shown("a" * 300, limit=10)
    "'aaaaaaaa…"
    """
    text = repr(value.item() if isinstance(value, np.generic) else value)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def nearest(
    name: str, options: Iterable[str], also_called: Mapping[str, Iterable[str]] | None = None
) -> str:
    """A hint naming the option that `name` was probably meant to be, or an empty string.

    Args:
        name: The name.
        options: Those that there are.
        also_called: Options by a name that others give them. Default: none.

    Example:

    >>> nearest("chrned", ["churned", "spend"])
    " Did you mean 'churned'?"
    >>> nearest("bool", ["binary", "count"], {"boolean": ["binary"]})
    " Did you mean 'binary'?"
    >>> nearest("spend", ["churned", "spend next year"])  # the beginning of a single one
    " Did you mean 'spend next year'?"
    >>> nearest("resnet", ["pepnet"])
    ''
    """
    folded = {_folded(other): [*meant] for other, meant in (also_called or {}).items()}
    folded |= {_folded(option): [str(option)] for option in reversed([*options])}
    alike = 0.6 if len(name) < 4 else 0.7  # less than 0.7 of a long name is another name
    matches = difflib.get_close_matches(_folded(name), folded, n=1, cutoff=alike)
    if not matches:
        longer = [each for each in folded if len(name) > 2 and each.startswith(_folded(name))]
        matches = longer if len(longer) == 1 else []
    return f" Did you mean {' or '.join(map(repr, folded[matches[0]]))}?" if matches else ""


def _folded(name: object) -> str:
    return str(name).casefold().replace("-", "_").replace(" ", "_")


def unknown(
    what: str,
    name: object,
    options: Iterable[str],
    instead: str = "",
    also_called: Mapping[str, Iterable[str]] | None = None,
) -> str:
    """The message for a name that is not among `options`.

    Args:
        what: The word for it.
        name: The name.
        options: Those that there are.
        instead: A sentence that says what to do. Default: the nearest option.
        also_called: See `nearest`.

    Example:

    >>> unknown("balancer", "fixd", ["fixed", "uncertainty"])
    "Unknown balancer 'fixd'. Did you mean 'fixed'? Expected one of: fixed, uncertainty."
    """
    options = [str(option) for option in options]
    hint = f" {instead}" if instead else nearest(str(name), options, also_called)
    return f"Unknown {what} {shown(name)}.{hint} Expected one of: {', '.join(options)}."


def no_column(name: str, why: str, columns: Iterable[object]) -> DataError:
    """The error for a table without a column that is needed.

    Args:
        name: The column.
        why: What needs it, to follow "which".
        columns: Those that there are.

    Example:

    >>> print(no_column("spnd", "is a target", ["churned", "spend"]))
    The table has no column 'spnd', which is a target. Did you mean 'spend'? Its columns: churned,
    spend.
    """
    listed = [str(column) for column in columns]
    return DataError(
        f"The table has no column {name!r}, which {why}.{nearest(name, listed)} Its columns: "
        f"{', '.join(listed[:30])}."
    )


def check(condition: bool, argument: str, expected: str, received: object) -> None:
    """Raise a `ConfigError` for an argument that does not satisfy `condition`.

    Args:
        condition: Whether the argument is valid.
        argument: Name of the argument, as the caller wrote it.
        expected: What it must be, worded to follow "must".
        received: The value received.

    Raises:
        ConfigError: if `condition` is false.

    Example:

    >>> check(-1 > 0, "weight", "be > 0", -1)
    Traceback (most recent call last):
    ...
    mtl_keras.errors.ConfigError: `weight` must be > 0. Received: weight=-1
    """
    if not condition:
        name = argument.rsplit(".", 1)[-1]
        raise ConfigError(f"`{argument}` must {expected}. Received: {name}={shown(received)}")


def check_installed(what: str, extra: str, *packages: str) -> None:
    """Raise a `ConfigError` if a package that is needed is not installed.

    Args:
        what: What needs it.
        extra: The extra of mtl_keras that installs it.
        packages: The packages, as they are imported.

    Raises:
        ConfigError: if one is missing.

    Example:

    >>> check_installed("A chart", "charts", "no_such_package")
    Traceback (most recent call last):
    ...
    mtl_keras.errors.ConfigError: A chart needs no_such_package. Run: pip install
    'mtl_keras[charts]'
    """
    missing = [name for name in packages if importlib.util.find_spec(name) is None]
    if missing:
        raise ConfigError(
            f"{what} needs {', '.join(missing)}. Run: pip install 'mtl_keras[{extra}]'"
        )


class Checked:
    """Base class whose constructor refuses an argument that it does not have, in a sentence.

    Raises:
        ConfigError: for such an argument.

    Example:

    >>> class K(Checked):
    ...     def __init__(self, cups=4): ...
    >>> K(cup=2)
    Traceback (most recent call last):
    ...
    mtl_keras.errors.ConfigError: Unknown argument of K: 'cup'. Did you mean 'cups'? Expected one
    of: cups.
    """

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        signature = inspect.signature(cls)
        try:
            signature.bind_partial(*args, **kwargs)
        except TypeError:
            accepted = list(signature.parameters)
            for name in kwargs:
                if name not in accepted:
                    where = cls.argument_hint(name, kwargs[name])
                    what = f"argument of {cls.__name__}:"
                    raise ConfigError(unknown(what, name, accepted, where)) from None
        return super().__new__(cls)

    @classmethod
    def argument_hint(cls, name: str, value: object) -> str:
        """Where an argument belongs that is not one of this class, in a sentence. Default: ""."""
        return ""
