"""The files of `examples/serving`: whether what they name exists, as far as no server is needed."""

import ast
import json
import re
import runpy
import shlex
import shutil
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import NamedTuple

import numpy as np
import yaml
from typer.main import get_command

from mtl_keras.cli import app, main

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "examples" / "serving"


def started(command):
    """The options of a `mtl-keras serve` command, parsed as the command line does."""
    assert command[:2] == ["mtl-keras", "serve"]
    serve = get_command(app).commands["serve"]
    return serve.make_context("serve", list(command[2:])).params


def test_without_mlserver_the_extra_is_named(monkeypatch, capsys):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert main(["serve", "saved_models/customers"]) == 1
    assert "pip install 'mtl_keras[serve]'" in capsys.readouterr().err


def test_the_image_copies_what_is_there_and_starts_the_server():
    lines = (FOLDER / "Dockerfile").read_text().splitlines()
    instructions = [line.split(maxsplit=1) for line in lines if line and line[0] != "#"]
    assert instructions[0][0] == "FROM" and instructions[-1][0] == "ENTRYPOINT"
    copied = [name for key, rest in instructions if key == "COPY" for name in rest.split()[:-1]]
    assert all((ROOT / name).exists() for name in copied if not name.startswith("saved_models"))
    assert started(ast.literal_eval(instructions[-1][1]))["host"] == "0.0.0.0"


def test_the_inference_service_has_what_kserve_requires():
    service = yaml.safe_load((FOLDER / "inferenceservice.yaml").read_text())
    assert service["apiVersion"] == "serving.kserve.io/v1beta1"
    assert (service["kind"], service["metadata"]["name"]) == ("InferenceService", "customers")
    [container] = service["spec"]["predictor"]["containers"]
    assert container["name"] == "kserve-container" and container["image"]
    options = started(container["command"])
    ports = {port["containerPort"] for port in container["ports"]}
    ports |= {container[probe]["httpGet"]["port"] for probe in ("readinessProbe", "livenessProbe")}
    assert ports == {options["port"]}
    metrics = service["metadata"]["annotations"]["prometheus.io/port"]
    assert int(metrics) == options["port"] + 2


class TritonError(NamedTuple):
    message: str
    code: int = 1
    INVALID_ARG = 3


def test_the_model_for_triton_answers(small_artifact, tmp_path, monkeypatch):
    """With Triton's module replaced by one of the few classes that a model sees of it."""
    triton = ModuleType("triton_python_backend_utils")
    triton.Tensor = lambda name, array: SimpleNamespace(name=name, as_numpy=lambda: array)
    triton.TritonError = TritonError
    triton.InferenceResponse = lambda output_tensors=(), error=None: (list(output_tensors), error)
    triton.get_input_tensor_by_name = lambda request, name: request[name]
    monkeypatch.setitem(sys.modules, triton.__name__, triton)
    shutil.copytree(FOLDER / "triton/customers/1", tmp_path / "1")
    shutil.copytree(small_artifact, tmp_path / "1/artifact")
    model = runpy.run_path(str(tmp_path / "1/model.py"))["TritonPythonModel"]()
    model.initialize({"model_repository": str(tmp_path), "model_version": "1"})

    def asked(*texts):
        requests = [
            {"rows": triton.Tensor("rows", np.array([[t.encode()]], object))} for t in texts
        ]
        return model.execute(requests)

    rows = ['{"age": 30, "town": "Bath"}', '{"age": null, "town": "Atlantis"}']
    good = asked(*rows)
    assert all(error is None for _, error in good)
    [tensor], _ = good[1]
    answer = json.loads(tensor.as_numpy()[0, 0])
    assert set(answer) == {"left", "left_probability", "spend"}
    (_, none), (_, malformed), (_, lacking) = asked(rows[0], "{", '{"age": 3}')
    assert none is None and malformed.code == lacking.code == TritonError.INVALID_ARG
    assert "Expecting" in malformed.message and "lacks columns" in lacking.message
    config = (FOLDER / "triton/customers/config.pbtxt").read_text()
    assert set(re.findall(r'name: "(\w+)"', config)) == {"customers", "rows", tensor.name}


def test_the_app_for_litserve_has_the_steps_of_a_model():
    app = ast.parse((FOLDER / "litserve_app.py").read_text())
    methods = {node.name for node in ast.walk(app) if isinstance(node, ast.FunctionDef)}
    assert methods == {"setup", "batch", "predict", "unbatch", "encode_response"}


def test_the_commands_of_the_page_are_accepted():
    page = (ROOT / "docs/serving.md").read_text()
    commands = re.findall(r"^\$ (mtl-keras serve .*)$", page, re.MULTILINE)
    assert commands
    for command in commands:
        started(shlex.split(command, comments=True))
