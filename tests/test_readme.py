"""The README and the pages of the site run as they stand, from top to bottom."""

import re
import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pytest

from mtl_keras.cli import main

ROOT = Path(__file__).parents[1]
QUICK = ["several_inputs", "scale", "notes", "experiment", "tutorials/own_model"]
LONG = ["sklearn", "tutorials/table", "tutorials/texts", "tutorials/images"]


def blocks(page, language="python"):
    """The code blocks of a page, or, for several languages, each with its language."""
    found = re.findall(r"```(\w+)\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL)
    return [code for kind, code in found if kind == language] if language else found


@pytest.fixture()
def clone(small_presets, tmp_path, monkeypatch):
    """What the README's first command leaves, with a tenth of the rows; trainings of one epoch."""
    (tmp_path / "data").mkdir()
    customers = pd.read_csv(ROOT / "data/customers.csv", dtype={"customer_id": str})
    customers[::10].to_csv(tmp_path / "data/customers.csv", index=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def in_shell(line):
    """Run a line of a console block, our own commands in this process."""
    command, *arguments = line.split("#")[0].split()
    if command == "mtl-keras":
        assert main(arguments) == 0, line
    elif command != "pip":
        subprocess.run(line, shell=True, check=True)


@pytest.mark.filterwarnings("ignore:.*of these rows were trained on")
def test_every_line_of_the_readme_runs(clone, artifact, capsys):
    shutil.copytree(artifact, clone / "saved_models" / "customers")
    for language, code in blocks("README.md", language=None):
        capsys.readouterr()
        if language == "python":
            exec(compile(code, "README.md", "exec"), {})
            assert capsys.readouterr().out, f"prints nothing:\n{code}"
        else:
            for line in re.findall(r"^\$ (.*)", code, flags=re.MULTILINE):
                in_shell(line)
    assert len(pd.read_csv("predictions.csv")) == len(pd.read_csv("new_customers.csv")) > 100


@pytest.mark.parametrize("name", [*QUICK, *(pytest.param(n, marks=pytest.mark.slow) for n in LONG)])
def test_a_page_runs_from_top_to_bottom(name, tmp_path, monkeypatch, capsys):
    (tmp_path / "data").symlink_to(ROOT / "data")
    monkeypatch.chdir(tmp_path)
    names = {}
    for block in blocks(f"docs/{name}.md"):
        exec(compile(block, name, "exec"), names)
