"""The encoding of text files: UTF-8, or the one that the user declares. It is never guessed."""

import codecs
import encodings.aliases
import warnings
from pathlib import Path
from typing import Any

from mtl_keras.errors import ConfigError, DataError, nearest, shown

UTF_8 = "utf-8"
WIDE = ("utf-16", "utf-32")  # in which zero bytes are parts of characters
MARKS = {b"\xef\xbb\xbf": UTF_8, b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}


def checked(encoding: Any) -> str:
    """Return Python's name of an encoding.

    Args:
        encoding: Any of its names.

    Raises:
        ConfigError: if Python knows no text encoding of this name.

    Example:

    >>> checked("UTF8"), checked("windows-1252"), checked("latin1")
    ('utf-8', 'cp1252', 'iso8859-1')
    """
    try:
        name = codecs.lookup(encoding).name
        b"some".decode(name, errors="replace")  # fails if it is not for texts, such as "hex"
    except (LookupError, TypeError, ValueError) as error:
        known = {*encodings.aliases.aliases, *encodings.aliases.aliases.values()}
        hint = nearest(encoding, known) if isinstance(encoding, str) else ""
        raise ConfigError(
            "`encoding` must be the name of a text encoding that Python knows, such as 'utf-8', "
            f"'cp1252' (Windows) or 'cp850' (DOS). Received: {shown(encoding)}.{hint}"
        ) from error
    return UTF_8 if name == "utf-8-sig" else name


def warn_of_parquet(shown_as: Any, encoding: str) -> None:
    """Warn that an encoding is declared for Parquet files, which say themselves what they contain.

    Args:
        shown_as: The data, for the message.
        encoding: Name of the encoding.
    """
    if encoding != UTF_8:
        warnings.warn(
            f"{shown_as}: the declared encoding {encoding} has no effect, as texts in Parquet are "
            "always UTF-8. Leave out `encoding` for these data.",
            stacklevel=3,
        )


def check_divisible(shown_as: str, encoding: str) -> None:
    """Raise a DataError if text in an encoding cannot be cut at its line ends.

    It can be if each byte is a character, and the first 128 are those of ASCII; or in UTF-8.

    Args:
        shown_as: The data, for the message.
        encoding: Name of the encoding.

    Example:

    >>> check_divisible("events", "cp1252")
    >>> check_divisible("events", "shift_jis")
    Traceback (most recent call last):
    ...
    mtl_keras.errors.DataError: events cannot be read in pieces as shift_jis. Expected UTF-8 or an
    encoding with one byte per character, such as cp1252. Save the files as UTF-8, or name one file
    that fits into memory.
    """
    every = [bytes([code]) for code in range(256)]
    single = len(b"".join(every).decode(encoding, errors="replace")) == 256
    ascii_ = all(c.decode(encoding, errors="replace") == chr(ord(c)) for c in every[:128])
    if encoding != UTF_8 and not (single and ascii_):
        raise DataError(
            f"{shown_as} cannot be read in pieces as {encoding}. Expected UTF-8 or an encoding "
            "with one byte per character, such as cp1252. Save the files as UTF-8, or name one "
            "file that fits into memory."
        )


def as_utf8(path: Path, content: bytes, encoding: str = UTF_8, first: int = 0) -> bytes:
    """Return the content of a text file as UTF-8, without a byte-order mark.

    Args:
        path: The file, for messages.
        content: Its content.
        encoding: Its encoding, as `checked` returns it. Default UTF-8, or UTF-16 if the content
            begins with a byte-order mark of it.
        first: Number of the first byte within the file, for messages. Default 0.

    Raises:
        DataError: if the content is not in this encoding.

    Example:

    >>> as_utf8(Path("a.csv"), b"Stra\\xdfe", "cp1252").decode()
    'Straße'
    """
    mark = next((name for mark, name in MARKS.items() if content.startswith(mark)), None)
    wide = encoding.startswith(WIDE)
    name = "UTF-8" if encoding == UTF_8 else encoding
    if mark and encoding != UTF_8 and not (wide and mark != UTF_8):
        raise DataError(
            f"{path} is declared as {encoding}, and begins with the byte-order mark of "
            f'{mark.upper()}. Leave out `encoding` for this file, or declare "utf-8".'
        )
    if mark != "utf-16" and not wide and b"\0" in content[:4096]:
        raise DataError(
            f"{path} is not {name} text: it has zero bytes, as UTF-16 has. Save it as UTF-8, "
            'or declare its encoding, such as encoding = "utf-16-le".'
        )
    try:
        text = content.decode("utf-16" if encoding == UTF_8 and mark == "utf-16" else encoding)
    except UnicodeDecodeError as error:
        other = "its encoding" if encoding == UTF_8 else "another encoding"
        raise DataError(
            f"{path} is not {name} text: {error.reason} at byte {first + error.start}. Declare "
            f'{other}, such as encoding = "cp1252" (under [data] of an experiment, or '
            "--encoding cp1252) for a file from Windows; or save it as UTF-8: in Excel as `CSV "
            "UTF-8`."
        ) from error
    if encoding == UTF_8 and not mark:
        return content
    telling = wide or not content.isascii()  # if all is ASCII, most encodings agree
    if encoding != UTF_8 and telling and b"\0" not in content[:4096] and _is_utf8(content):
        warnings.warn(
            f"{path} is read as {encoding}, as declared, but is valid UTF-8, which is hardly a "
            'coincidence. If it is UTF-8, leave out `encoding` for this file, or declare "utf-8".',
            stacklevel=2,
        )
    return text.removeprefix("\ufeff").encode()


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True
