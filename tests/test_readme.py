"""The README's Python runs as it stands."""

import re
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BLOCKS = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_a_block_runs(block, tmp_path, monkeypatch, artifact, capsys):
    (tmp_path / "data").mkdir()
    shutil.copy(ROOT / "data" / "customers.csv", tmp_path / "data")
    shutil.copytree(artifact, tmp_path / "saved_models" / "customers")
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(compile(block, "README.md", "exec"), names)
    if "predictions" in names:
        assert list(names["predictions"]) == ["churned", "churned_probability", "spend"]
