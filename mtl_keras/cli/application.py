"""What all commands share: the application, options, and TensorFlow without its notices."""

import os
import sys
from typing import Annotated

import typer

app = typer.Typer(
    name="mtl-keras",
    help="Train one Keras model for several targets of a table, and use it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Trust = Annotated[
    list[str] | None,
    typer.Option("--trust", help="PACKAGE whose classes the model uses; may be repeated."),
]
Address = Annotated[
    str | None,
    typer.Option(help="Ray cluster: auto or HOST:PORT. Default: RAY_ADDRESS, else this machine."),
]
Verbose = Annotated[bool, typer.Option("--verbose", help="Show the traceback of an error.")]


def load_tensorflow() -> None:
    """Import TensorFlow without the notices that it prints at any log level."""
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        import tensorflow  # noqa: F401
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
