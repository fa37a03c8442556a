"""The Python of the README and of the pages in docs runs as it stands."""

import re
import shutil
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).parents[1]


def blocks(page):
    return re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)


README = blocks("README.md")


@pytest.mark.parametrize("block", README, ids=range(len(README)))
def test_a_block_runs(block, tmp_path, monkeypatch, artifact, capsys):
    (tmp_path / "data").mkdir()
    customers = pd.read_csv(ROOT / "data" / "customers.csv", dtype={"customer_id": str})
    customers.sample(2000, random_state=0).to_csv(tmp_path / "data/customers.csv", index=False)
    shutil.copytree(artifact, tmp_path / "saved_models" / "customers")
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(compile(block, "README.md", "exec"), names)
    if "predictions" in names:
        assert list(names["predictions"]) == ["churned", "churned_probability", "spend"]


@pytest.mark.parametrize("page", ["docs/several_inputs.md", "docs/notes.md", "docs/scale.md"])
def test_a_page_runs_from_top_to_bottom(page, capsys):
    names = {}
    for block in blocks(page):
        exec(compile(block, page, "exec"), names)
