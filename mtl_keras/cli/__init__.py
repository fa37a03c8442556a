"""The command line: `mtl-keras train | predict | evaluate | inspect`.

Nothing heavy is imported until a command needs it.
"""

import os
import sys
import traceback
from collections.abc import Sequence

from mtl_keras.cli.app import app
from mtl_keras.errors import MTLError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code.

    A user's mistake is told in one message, on the error stream, with exit code 1; `--verbose` adds
    the traceback.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow's start-up notices
    if os.getcwd() not in sys.path:  # where classes of the user's own are, as with `python -m`
        sys.path.append(os.getcwd())
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = app(args=arguments, standalone_mode=True)
    except MTLError as error:
        if "--verbose" in arguments:
            traceback.print_exc()
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; a training goes on with --resume", file=sys.stderr)
        return 130
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    return int(code or 0)
