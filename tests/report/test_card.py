"""The model card: metadata that a model hub reads, and true figures."""

import json

import pytest
import yaml

from mtl_keras import report
from mtl_keras.drawing.digits import numbers
from mtl_keras.export.artifact import latest, read_files
from mtl_keras.report import card


def test_the_card_has_metadata_and_the_figures_of_the_test_rows(artifact, run):
    text = (artifact / "README.md").read_text()
    _, head, body = text.split("---\n", 2)
    metadata = yaml.safe_load(head)
    assert metadata["pipeline_tag"] == "tabular-classification"
    assert metadata["tags"][-1] == "tabular-regression"
    tested = json.loads((artifact / "metrics.json").read_text())["test"]
    results = {each["task"]["name"]: each for each in metadata["model-index"][0]["results"]}
    assert set(results) == {task.name for task in run.tasks}
    for name, result in results.items():
        for metric in result["metrics"]:
            assert metric["value"] == pytest.approx(tested[name]["scores"][metric["type"]], 1e-5)
    (row,) = [line for line in body.splitlines() if line.startswith("| left |")]
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[:3] == ["left", "binary", "no, yes"] and float(cells[3]) == 0.5
    ends = tested["left"]["intervals"]["roc_auc"]
    (score,) = numbers([tested["left"]["scores"]["roc_auc"]], intervals=[ends])
    assert cells[4] == f"ROC AUC {score}"
    low, high = map(float, cells[5].split(" to "))
    assert 0 <= low < tested["left"]["scores"]["roc_auc"] <= high <= 1


def test_names_stand_in_the_metadata_as_they_are_and_do_not_break_the_tables(artifact):
    odd, name = 'the "town" | or city', "shop <2024>"
    files = {
        file: text.replace('"spend"', json.dumps(odd)) if isinstance(text, str) else text
        for file, text in read_files(latest(artifact)).items()
    }
    files["schema.json"] = json.dumps({**json.loads(files["schema.json"]), "name": name})
    _, head, body = card.model_card(report.content(files)).split("---\n", 2)
    [model] = yaml.safe_load(head)["model-index"]
    assert odd in [result["task"]["name"] for result in model["results"]]
    assert model["name"] == name and "\n# shop &lt;2024>\n" in body
    assert f"`mtl-keras check '{name}' new_rows.csv`" in body
    assert '\n| the "town" \\| or city | ' in body
    assert card.cell("town | or\ncity") == "town \\| or city"
