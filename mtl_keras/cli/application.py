"""What all commands share: the application, options, and TensorFlow without its notices."""

from typing import Annotated

import typer

from mtl_keras.errors import silenced

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
    with silenced():
        import tensorflow  # noqa: F401
