"""What an artifact's author may plant, and the commands that must not carry it out."""

import json
import os
from pathlib import Path

import keras

from mtl_keras.cli import main

RUN = Path("ran")  # what a payload leaves in the working directory if it runs
EVIL = """
import keras
from pathlib import Path
Path("ran").touch()
class Layer(keras.layers.Layer): pass
def make(*args): return Layer()
"""
USING = {
    "predict": ("predict", "small", "table.csv"),
    "evaluate": ("evaluate", "small", "table.csv"),
    "report": ("report", "small"),
    "inspect": ("inspect", "small"),
}


class Pickled:
    """Leaves the mark when it is unpickled."""

    def __reduce__(self):
        return (os.system, (f"touch {RUN}",))


def keras_object(module, name, config, registered=None):
    return {"module": module, "class_name": name, "config": config, "registered_name": registered}


LAYERS = {
    "os.system": keras_object("os", "function", "system", "function"),
    "builtins.eval": keras_object("builtins", "function", "eval", "function"),
    "a class to import": keras_object("evil", "Layer", {}),
    "a lambda": keras.saving.serialize_keras_object(
        keras.layers.Lambda(lambda x: RUN.touch() or x)
    ),
    "another model": keras_object("keras.layers", "TFSMLayer", {"filepath": "1"}),
    "a function of Keras": keras_object(
        "keras.config", "function", "enable_unsafe_deserialization"
    ),
    "no object": 3,
}


def said(capsys, *arguments, fails=True) -> str:
    """What a command says that has to fail in one line; or that may, unless `fails`."""
    code = main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    assert code == 1 if fails else code in (0, 1)
    lines = [line for line in captured.err.splitlines() if not line.startswith("warning")]
    assert len(lines) == code, lines
    return lines[0] if code else captured.out


def change(path: Path, **changes) -> None:
    """Change entries of a JSON file."""
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
