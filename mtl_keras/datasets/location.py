"""The files of a data set: a folder, a pattern or a list, local or elsewhere.

Files are named by their paths below their common folder, and sorted by these names, so that nothing
depends on the order in which a file system lists them or on where the folder is.
"""

import importlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow as pa
from pyarrow import fs as filesystems

from mtl_keras.datasets import files
from mtl_keras.errors import DataError, nearest, shown

WILD = re.compile(r"[*?\[]")


@dataclass(frozen=True)
class Location:
    """The place of a data set's files.

    Attributes:
        filesystem: Arrow's file system.
        root: The common folder of the files.
        names: The paths of the files below it, ascending.
        shown: The data set as the user named it.
    """

    filesystem: Any
    root: str
    names: tuple[str, ...]
    shown: str

    def path(self, name: str) -> str:
        """Return the whole path of a file, for the file system and for messages."""
        return f"{self.root}/{name}" if self.root else name

    @property
    def suffix(self) -> str:
        """The common suffix of the files.

        Raises:
            DataError: if they are of several kinds.
        """
        kinds = {name: _family(name) for name in self.names}
        first = self.names[0]
        for name, kind in kinds.items():
            if kind != kinds[first]:
                raise DataError(
                    f"The files of {self.shown} must be of one kind. Received: {self.path(first)} "
                    f"and {self.path(name)}. Name the ones to read by a pattern, such as "
                    f"'{self.root}/*.parquet'."
                )
        return kinds[first]


def is_many(source: Any) -> bool:
    """Return whether a source is more than one local file: a folder, pattern, list or URI.

    Example:

    >>> is_many("events/*.parquet"), is_many(["a.csv", "b.csv"]), is_many("events.csv")
    (True, True, False)
    """
    if isinstance(source, (list, tuple)):
        return True
    if not isinstance(source, (str, Path)) or Path(source).is_file():
        return False
    return "://" in str(source) or bool(WILD.search(str(source))) or Path(source).is_dir()


def locate(source: Any) -> Location:
    """Return the files of a path, folder, pattern, URI or list of paths.

    Raises:
        DataError: if there are none.
    """
    if isinstance(source, (list, tuple)):
        return _listed(source)
    text = str(source)
    filesystem, path = _opened(text)
    path = path.rstrip("/") or "/"
    if WILD.search(path):
        root = path[: WILD.search(path).start()].rpartition("/")[0]  # type: ignore[union-attr]
        pattern = _regex(path[len(root) :].lstrip("/"))
        found = [name for name in _below(filesystem, root or ".") if pattern.fullmatch(name)]
    elif filesystem.get_file_info(path).type == filesystems.FileType.File:
        root, _, name = path.rpartition("/")
        return Location(filesystem, root, (name,), text)
    else:
        root = path
        found = [name for name in _below(filesystem, root) if _family(name) != ""]
    if not found:
        raise DataError(
            f"There is no table in {text}. Expected Parquet, CSV or JSON lines files "
            "(.parquet, .csv, .jsonl) in a folder, or a pattern such as 'events/*.parquet'."
        )
    return Location(filesystem, root or ".", tuple(sorted(found)), text)


def _listed(sources: Sequence[Any]) -> Location:
    if not sources:
        raise DataError("There is no file in the list of data. Expected at least one path.")
    opened = [_opened(str(source)) for source in sources]
    paths = [path for _, path in opened]
    for source, (filesystem, path) in zip(sources, opened):
        if filesystem.get_file_info(path).type != filesystems.FileType.File:
            siblings = [file.name for file in Path(path).parent.glob("*.*")]
            raise DataError(f"There is no file {source}.{nearest(Path(path).name, siblings)}")
    twice = sorted({path for path in paths if paths.count(path) > 1})
    if twice:
        raise DataError(f"The list of data names a file more than once: {shown(twice)}.")
    parents = [PurePosixPath(path).parent.parts for path in paths]
    depth = 0
    while all(len(p) > depth and p[depth] == parents[0][depth] for p in parents):
        depth += 1
    root = PurePosixPath(*parents[0][:depth]).as_posix() if depth else "."
    names = sorted(PurePosixPath(path).relative_to(root).as_posix() for path in paths)
    return Location(opened[0][0], root, tuple(names), f"a list of {len(names)} files")


def _opened(text: str) -> tuple[Any, str]:
    """Return the file system of a path or URI, and the path on it."""
    if "://" not in text:
        return filesystems.LocalFileSystem(), Path(text).as_posix()
    scheme, _, rest = text.partition("://")
    wild = WILD.search(rest)  # no part of a URI that Arrow reads
    fixed = rest[: wild.start()].rpartition("/")[0] if wild else rest
    try:
        filesystem, path = filesystems.FileSystem.from_uri(f"{scheme}://{fixed}")
    except (pa.ArrowInvalid, NotImplementedError) as error:
        try:
            fsspec = importlib.import_module("fsspec")
        except ImportError:
            raise DataError(
                f"Arrow cannot open {text}: {error}. For other file systems, run: pip install "
                "fsspec, and the package of the file system."
            ) from error
        try:
            other, path = fsspec.core.url_to_fs(f"{scheme}://{fixed}")
        except (ValueError, ImportError) as reason:
            raise DataError(f"{text} cannot be opened: {reason}") from reason
        filesystem = filesystems.PyFileSystem(filesystems.FSSpecHandler(other))
    return filesystem, path + rest[len(fixed) :]


def _below(filesystem: Any, root: str) -> list[str]:
    """Return the files below a folder by their paths from there, except for hidden ones."""
    selector = filesystems.FileSelector(root, recursive=True)
    try:
        infos = filesystem.get_file_info(selector)
    except OSError as error:
        if not isinstance(filesystem, filesystems.LocalFileSystem):
            raise DataError(
                f"There is no file or folder {root}, or it cannot be reached. Check the address, "
                "or download the files."
            ) from error
        siblings = [str(path) for path in Path(root).parent.glob("*")]
        raise DataError(f"There is no folder {root}.{nearest(root, siblings)}") from error
    names = []
    for info in infos:
        if info.type == filesystems.FileType.File:
            path = info.path.removeprefix("./")
            name = path[len(root) :].lstrip("/") if path.startswith(root) else path
            if not any(part.startswith(("_", ".")) for part in name.split("/")):
                names.append(name)
    return names


def _regex(pattern: str) -> re.Pattern[str]:
    """Return a pattern of paths, in which `*` stays within a folder and `**` does not."""
    parts = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    text = ""
    for piece in re.findall(r"\*\*/|\*\*|\*|\?|\[[^]]+\]|.", pattern):
        bracket = piece.startswith("[") and len(piece) > 1
        text += parts.get(piece, piece.replace("[!", "[^") if bracket else re.escape(piece))
    return re.compile(text)


def _family(name: str) -> str:
    """Return the suffix that stands for a kind of readable file; "" for anything else."""
    try:
        kind, compression = files.kind_of(PurePosixPath(name))
    except DataError:
        return ""
    if kind in files.PARQUET:
        return ".parquet" if compression is None else ""
    if kind in files.JSON:
        return ".jsonl"
    return ".csv" if kind in files.TEXTS and kind else ""
