"""The command `code`: a network as Python, to go on with by hand."""

import typer

from mtl_keras.cli.application import Trust, Verbose, app, load_tensorflow
from mtl_keras.cli.using import Model


@app.command()
def code(model: Model, trust: Trust = None, verbose: Verbose = False) -> None:
    """Print a model's network as a Python file of Keras code, to change and train by hand."""
    load_tensorflow()
    from mtl_keras import load

    typer.echo(load(model, trusted=trust or []).code(), nl=False)
