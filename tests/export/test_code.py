"""The code of an artifact runs by itself."""

from mtl_keras.cli import main
from tests.export.conftest import small_table


def test_the_code_of_an_artifact_trains_its_network(small_artifact, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    small_table().to_csv("small.csv", index=False)
    assert main(["code", str(small_artifact)]) == 0
    text = capsys.readouterr().out
    exec(compile(text, "model.py", "exec"), {"__name__": "__main__"})
    assert "'spend_mae'" in capsys.readouterr().out.splitlines()[-1]
