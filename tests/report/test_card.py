"""The model card: metadata that a model hub reads, and true figures."""

import json

import numpy as np
import pytest
import yaml

from tests.export.conftest import small_experiment, small_table


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "small"
    table = small_table(300).rename(columns={"town": "town | or city"})
    small_experiment(3).run(table, show=None).export(folder)
    return folder


def test_the_card_has_metadata_and_the_figures_of_the_test_rows(folder):
    card = (folder / "README.md").read_text()
    _, head, body = card.split("---\n", 2)
    metadata = yaml.safe_load(head)
    assert metadata["pipeline_tag"] == "tabular-classification"
    assert metadata["tags"][-1] == "tabular-regression"
    scores = json.loads((folder / "metrics.json").read_text())["test"]["left"]["scores"]
    left, spend = metadata["model-index"][0]["results"]
    assert left["task"]["name"] == "left" and spend["task"]["type"] == "tabular-regression"
    for metric in left["metrics"]:
        assert metric["value"] == pytest.approx(scores[metric["type"]], rel=1e-5)
    (row,) = [line for line in body.splitlines() if line.startswith("| left |")]
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[:4] == ["left", "binary", "no, yes", "0.5"]
    assert cells[4] == f"roc auc {scores['roc_auc']:.4g}"
    low, high = map(float, cells[5].split(" to "))
    assert low < scores["roc_auc"] <= high <= 1 and np.isfinite(low)
    assert "| town \\| or city |" in body
