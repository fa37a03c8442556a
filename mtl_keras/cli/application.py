"""What all commands share: the application, options, and how a command starts."""

import contextlib
import gc
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from mtl_keras import __version__
from mtl_keras.cli import names
from mtl_keras.cli.arguments import ENCODING
from mtl_keras.cli.terminal import Terminal
from mtl_keras.declaring.error_stream import silenced

INTERRUPTED = 130  # exit code of a process that Ctrl-C ended

app = typer.Typer(
    name="mtl-keras",
    epilog="Begin with: mtl-keras inspect TABLE.csv, then: mtl-keras train TABLE.csv --target "
    "COLUMN. `mtl-keras COMMAND --help` shows an example of each command.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # whose table leaves descriptions 19 of 80 columns
)

Model = Annotated[Path, typer.Argument(help="The model's folder, e.g. saved_models/customers.")]
Trust = Annotated[
    list[str] | None,
    typer.Option(
        "--trust",
        metavar="PACKAGE",
        help="From where the model may import classes. Repeat it for several.",
    ),
]
BadCells = Annotated[
    str,
    typer.Option(
        help="What to do with cells that cannot be read, such as a word in a column of numbers: "
        "refuse, or missing, to continue without them.",
        autocompletion=names.one_of(lambda: ["refuse", "missing"]),
    ),
]
Encoding = Annotated[str, typer.Option(help=ENCODING)]
Address = Annotated[
    str | None,
    typer.Option(
        help="Ray cluster: auto or HOST:PORT. Default: RAY_ADDRESS, else no cluster, only this "
        "machine."
    ),
]
Models = Annotated[Path, typer.Option(help="Folder of all models.")]
Verbose = Annotated[bool, typer.Option("--verbose", help="Show the traceback of an error.")]


@contextlib.contextmanager
def on_interrupt(told: Callable[[], str]) -> Iterator[None]:
    """Within the block, Ctrl-C ends the command with a line on the error stream.

    Args:
        told: A function that returns what is kept and how to continue, in sentences.
    """
    try:
        yield
    except KeyboardInterrupt:
        typer.echo(f"interrupted. {told()}".rstrip(), err=True)
        raise typer.Exit(INTERRUPTED) from None


class Command(TyperCommand):
    """A command whose help ends with an example (its epilog) and keeps its line breaks."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        paragraphs = (self.help or "").split("\n\n")
        self.help = "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
        self.short_help = " ".join(paragraphs[0].split())  # as a whole in the list of commands
        self.epilog = f"Example:\n\n\b\n{self.epilog}"  # \b: lines stay as they are

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except Exception as error:  # of click, or of the copy of it in typer
            told = getattr(error, "message", None) or ""
            if told.startswith("Got unexpected extra argument"):
                option = next(each.opts[0] for each in self.params if each.opts[0].startswith("-"))
                error.message = f"{told}. The value of an option follows its name: {option} VALUE."  # type: ignore[attr-defined]
            raise

    def invoke(self, ctx: Any) -> Any:
        with on_interrupt(str):
            return super().invoke(ctx)


def command(example: str, cls: type[Command] = Command) -> Callable[..., Any]:
    """Return a decorator that makes a function a command, whose help ends with an example."""
    return app.command(cls=cls, epilog=example)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"mtl_keras {__version__}")
        raise typer.Exit


@app.callback()
def common(
    version: Annotated[
        bool,
        typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True),
    ] = False,
) -> None:
    """Train one Keras model for several targets of a table, and use it."""


@contextlib.contextmanager
def started(error: bool = False) -> Iterator[Terminal]:
    """Yield a `Terminal` once TensorFlow is imported, which prints messages at any log level."""
    with contextlib.closing(Terminal(error)) as show:
        show.moving(lambda: ("starting TensorFlow", None))
        with _not_searched(), silenced():
            import tensorflow  # noqa: F401
        show.moving(None)
        yield show


@contextlib.contextmanager
def _not_searched() -> Iterator[None]:
    """Within the block, TensorFlow is imported without searches for garbage, now and later.

    Python searches all that an import makes, again and again, which takes a fifth of the time, and
    later once more in each training. A command needs it until its end.
    """
    if "tensorflow" in sys.modules:
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
    gc.freeze()
