"""The notebook is shipped with the outputs of its full run, and runs from top to bottom."""

import contextlib
import json
from pathlib import Path

from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from tests import without
from tests.comparison.planted import planted

NOTEBOOK = Path(__file__).parents[1] / "examples" / "multi_task_learning.ipynb"
CELLS = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
CODE = [cell for cell in CELLS if cell["cell_type"] == "code"]
PICTURES = 6


def test_the_notebook_has_the_outputs_of_its_full_run():
    assert [cell["execution_count"] for cell in CODE] == [*range(1, len(CODE) + 1)]
    outputs = [output for cell in CODE for output in cell["outputs"]]
    assert not [o for o in outputs if o["output_type"] == "error" or o.get("name") == "stderr"]
    assert sum("image/png" in output.get("data", {}) for output in outputs) == PICTURES
    assert "/home/" not in json.dumps(outputs) and str(NOTEBOOK.parents[1]) not in json.dumps(
        outputs
    )


def test_the_notebook_runs(monkeypatch):
    monkeypatch.chdir(NOTEBOOK.parent)
    monkeypatch.setenv("QUICK", "1")
    # A comparison trains four networks; these answers are probabilities, amounts and counts.
    planted(monkeypatch, lambda task, truth, joint, random: random.uniform(0.1, 0.9, len(truth)))
    shell = InteractiveShell.instance()
    monkeypatch.setattr(shell, "enable_gui", lambda gui=None: None, raising=False)
    pictures = 0
    for cell in CODE:
        source = "".join(cell["source"])
        # Of this run, the notebook shows the structure alone.
        structure_alone = "soft = experiment" in source
        untrained = without.training() if structure_alone else contextlib.nullcontext()
        with capture_output() as captured, untrained:
            result = shell.run_cell(source)
        assert result.success, source
        shown = [output.data for output in captured.outputs]
        shown.append(shell.display_formatter.format(result.result)[0])
        pictures += sum("image/png" in data for data in shown)
    InteractiveShell.clear_instance()
    assert pictures == PICTURES
