"""The command `code`: a network as Python code, to edit by hand."""

import typer

from mtl_keras.cli.application import Command, Model, Trust, Verbose, app, load_tensorflow
from mtl_keras.cli.terminal import terminal


@app.command(cls=Command, epilog="mtl-keras code saved_models/shop")
def code(model: Model, trust: Trust = None, verbose: Verbose = False) -> None:
    """Print a model's network as a Python file of Keras code, to edit and train by hand."""
    with terminal(error=True) as show:
        load_tensorflow(show)
        from mtl_keras import load

        written = load(model, trusted=trust or []).code()
    typer.echo(written, nl=False)
