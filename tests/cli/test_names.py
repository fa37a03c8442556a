"""Names that are completed and listed without TensorFlow; the help of each command."""

import os
import shlex
import subprocess
import sys
from types import SimpleNamespace

import pytest
import typer

from mtl_keras import __version__, architectures, balancers, features, tasks
from mtl_keras.cli import main, names
from mtl_keras.cli.application import app
from mtl_keras.declaring import registry
from mtl_keras.plans import presets

ROOMS = {
    "tasks": (tasks, tasks.Task),
    "features": (features, features.Feature),
    "architectures": (architectures, architectures.Architecture),
    "balancers": (balancers, balancers.Balancer),
}
COMMANDS = app.registered_commands


@pytest.mark.parametrize("room", ROOMS)
def test_the_names_are_those_that_are_found(room):
    assert list(names.names(room)) == sorted(registry.classes(*ROOMS[room]))


@pytest.mark.parametrize("room", ROOMS)
def test_what_others_call_them_is_what_the_registry_finds(room):
    found = registry.other_names(registry.classes(*ROOMS[room]))
    assert names.other_names(room) == {other: sorted(meant) for other, meant in found.items()}
    assert found and not set(found) & set(names.names(room))


def test_a_kind_of_another_name_is_named_without_tensorflow(capsys):
    arguments = ["train", "data/customers.csv", "--target", "churned:softmax"]
    assert main(arguments) == 1
    assert "'softmax'. Did you mean 'multiclass'?" in capsys.readouterr().err


def test_the_presets_are_those_that_there_are():
    assert names.presets() == tuple(presets.PRESETS)


def test_the_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"mtl_keras {__version__}\n"


@pytest.mark.parametrize("command", COMMANDS, ids=lambda each: each.callback.__name__)
def test_help_ends_with_an_example_that_the_command_accepts(command, capsys):
    name = command.callback.__name__
    assert main([name, "--help"]) == 0
    told = capsys.readouterr().out
    assert f"Usage: mtl-keras {name} " in told  # also where `python -m` started it
    lines = [f"  {line}\n" for line in command.epilog.splitlines()]
    assert f"Example:\n\n{''.join(lines)}" in told
    words = shlex.split(command.epilog.replace("\\\n", " "))
    typer.main.get_command(app).commands[name].make_context(name, words[2:])


def test_a_value_without_the_name_of_its_option_is_told_how_it_is_written(capsys):
    assert main(["export", "saved_models/shop", "onnx"]) == 2
    assert "(onnx). The value of an option follows its name: --format" in capsys.readouterr().err


def test_the_list_of_commands_says_what_each_does(capsys):
    assert main(["--help"]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "Optuna, on its validation rows. predict Predict for each row of a table" in told


def completed(words: str, **environment: str) -> list[str]:
    """What bash offers for the last of some words; TensorFlow is not imported."""
    script = (
        "import sys; sys.argv = ['mtl-keras']\n"
        "from mtl_keras.cli import main; main()\n"
        "assert 'tensorflow' not in sys.modules and 'pandas' not in sys.modules"
    )
    given = {
        "_MTL_KERAS_COMPLETE": "complete_bash",
        "COMP_WORDS": "\n".join(["mtl-keras", *words.split(" ")]),
        "COMP_CWORD": str(len(words.split(" "))),
    }
    command = [sys.executable, "-c", script]
    done = subprocess.run(
        command, env={**os.environ, **given, **environment}, capture_output=True, text=True
    )
    assert not done.stderr
    return done.stdout.split("\n")[:-1] or done.stdout.split()


def test_bash_completes_a_balancer():
    assert completed("train shop.csv --balancer gra") == [
        *("graddrop", "gradient_similarity", "gradnorm", "gradvac")
    ]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--target", "spend", ":", "re"], ["regression"]),
        (["--target", "spend", ":"], list(names.names("tasks"))),
        (["--target", "a", ":", "b", ":", "bi"], ["binary"]),
        (["--target", "spend:co"], ["spend:count"]),  # bash was told not to divide at colons
        (["--target", "=", "acc"], ["account\\ balance"]),
    ],
)
def test_bash_completes_a_word_that_it_divided(words, expected, tmp_path, monkeypatch, capsys):
    (tmp_path / "shop.csv").write_text("account balance;a:b;spend\n1;2;3\n")
    parts = ["mtl-keras", "train", str(tmp_path / "shop.csv"), *words]
    monkeypatch.setenv("_MTL_KERAS_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", "\n".join(parts))
    monkeypatch.setenv("COMP_CWORD", str(len(parts) - 1))
    main([])
    assert capsys.readouterr().out.splitlines() == expected


@pytest.mark.parametrize(
    ("complete", "text", "expected"),
    [
        (names.one_of(names.architectures), "a", ["adapters", "aitm", "auto"]),
        (names.one_of(names.presets), "", ["fast", "default", "best"]),
    ],
)
def test_values_are_completed(complete, text, expected):
    assert complete(text) == expected


def test_columns_are_completed_and_then_kinds(tmp_path):
    class Context:
        params = {"source": str(tmp_path / "shop.csv")}  # noqa: RUF012

    (tmp_path / "shop.csv").write_text('\ufeffage,"b, c",art\n1,2,3\n', encoding="utf-8")
    complete = names.column_and_kind("tasks")
    assert complete(Context, "a") == ["age", "art"]
    assert complete(Context, "art:m") == ["art:multiclass", "art:multilabel"]
    (tmp_path / "shop.csv").write_text("a:b;age\n1;2\n", encoding="utf-8")
    assert complete(Context, "a:b") == ["a:b", "a:binary"]
    (tmp_path / "shop.csv").rename(tmp_path / "shop.TSV")
    unread = SimpleNamespace(params={}, args=[str(tmp_path / "shop.TSV")])  # as after an option
    assert complete(unread, "a") == ["a:b", "age"]
    assert complete(object(), "a") == []


def test_columns_are_completed_in_the_declared_encoding(tmp_path):
    """Without one, names that are no UTF-8 are left out: they would not be found."""
    (tmp_path / "shop.csv").write_bytes("Größe;Gruppe\n".encode("cp1252"))
    given = {"source": str(tmp_path / "shop.csv")}
    for encoding, found in [("cp1252", 2), (None, 1), ("utf-8", 1), ("utf-16", 0), ("cp", 0)]:
        context = SimpleNamespace(params={**given, "encoding": encoding}, args=[])
        assert names.column(context, "Gr") == ["Größe", "Gruppe"][2 - found :], encoding


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_has_a_script(shell, monkeypatch, capsys):
    monkeypatch.setenv("_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION", "1")
    assert main(["--show-completion", shell]) == 0
    script = capsys.readouterr().out
    assert f"_MTL_KERAS_COMPLETE=complete_{shell}" in script and "mtl-keras" in script
