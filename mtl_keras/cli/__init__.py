"""The command line, `mtl-keras`: see `mtl-keras --help`.

Slow packages are imported only when a command needs them.
"""

import errno
import os
import sys
import traceback
import warnings
from collections.abc import Sequence

from mtl_keras.cli import training, trials, using  # noqa: F401 - they add commands to `app`
from mtl_keras.cli.application import app
from mtl_keras.cli.bash import whole_words
from mtl_keras.declaring.error_stream import one_line_once
from mtl_keras.errors import MTLError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code.

    A mistake of the user prints one message to the error stream and gives the exit code 1;
    `--verbose` adds the traceback.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow's start-up notices
    whole_format, warnings.formatwarning = warnings.formatwarning, one_line_once()
    if os.getcwd() not in sys.path:  # where the user's own classes are, as with `python -m`
        sys.path.append(os.getcwd())
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    try:
        with whole_words():
            code = app(args=arguments, prog_name="mtl-keras", standalone_mode=True)
    except (MTLError, OSError) as error:
        if "--verbose" in arguments:
            traceback.print_exc()
        print(f"error: {_sentence(error)}", file=sys.stderr)
        return 1
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    finally:
        warnings.formatwarning = whole_format
    return int(code or 0)


def _sentence(error: Exception) -> str:
    """Return what went wrong; for errors of the system, with the file and what may help."""
    if not isinstance(error, OSError):
        return str(error)
    where = f"{error.filename}: " if error.filename else ""
    hints = {
        errno.ENOSPC: " Make room on the disk, or write to another folder.",
        errno.EDQUOT: " Make room on the disk, or write to another folder.",
        errno.EACCES: " Write to another folder, or change its permissions.",
        errno.EROFS: " Write to another folder.",
    }
    return f"{where}{error.strerror or error}.{hints.get(error.errno or 0, '')}"
