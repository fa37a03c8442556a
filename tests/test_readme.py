"""The README and the pages of the site run as they stand, from top to bottom."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pytest
import typer

from mtl_keras.cli import main
from mtl_keras.cli.application import app
from tests import cases

ROOT = Path(__file__).parents[1]
QUICK = [
    *("several_inputs", "scale", "notes", "experiment", "tutorials/own_model"),
    *("choosing_a_task", "weighting", "weak_models", "own_layers"),
]
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
def test_every_line_of_the_readme_runs(clone, artifact, without_report, capsys):
    """Reports are looked at in `tests/report/`; `.ci/run` makes that of the first command."""
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


OTHERS = {  # and why they do not run from top to bottom
    "checking": "needs a trained model: see below",
    "tracking": "needs other packages; tests/tracking has the trackers",
    "tutorials/cluster": "needs a cluster",
    "tutorials/server": "needs a server; tests/export/test_serving_examples.py has one",
}


def test_every_page_with_python_runs_or_is_known_not_to():
    pages = {path.relative_to(ROOT / "docs").with_suffix("") for path in ROOT.glob("docs/**/*.md")}
    with_python = {str(page) for page in pages if blocks(f"docs/{page}.md")}
    assert with_python == {*QUICK, *LONG, *OTHERS}


def test_the_commands_of_the_pages_exist_with_their_options():
    """Parsed, not run: a wrong command, option or type raises an error."""
    commands = typer.main.get_command(app).commands
    known = 0
    for page in ROOT.glob("docs/**/*.md"):
        for code in blocks(page.relative_to(ROOT), "console"):
            for line in re.findall(r"^\$ mtl-keras (.*)", code.replace("\\\n", " "), re.MULTILINE):
                name, *arguments = shlex.split(line, comments=True)
                commands[name].make_context(name, arguments).close()
                known += 1
    assert known > 30


@pytest.mark.filterwarnings("ignore:.*of these rows were trained on")
def test_the_example_of_a_check_runs(clone, artifact, capsys):
    shutil.copytree(artifact, clone / "saved_models" / "customers")
    cases.table().to_csv("new_customers.csv", index=False)
    (code,) = blocks("docs/checking.md")
    exec(compile(code, "checking", "exec"), {})
    assert "on the test rows" in capsys.readouterr().out


@pytest.mark.parametrize("name", [*QUICK, *(pytest.param(n, marks=pytest.mark.slow) for n in LONG)])
def test_a_page_runs_from_top_to_bottom(name, tmp_path, monkeypatch, capsys):
    (tmp_path / "data").symlink_to(ROOT / "data")
    monkeypatch.chdir(tmp_path)
    names = {}
    for block in blocks(f"docs/{name}.md"):
        exec(compile(block, name, "exec"), names)
