"""The notebook runs from top to bottom, and is stored without outputs."""

import json
from pathlib import Path

from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

NOTEBOOK = Path(__file__).parents[1] / "examples" / "multi_task_learning.ipynb"


def test_the_notebook_runs(monkeypatch):
    monkeypatch.chdir(NOTEBOOK.parent)
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert not any(cell["outputs"] for cell in code)
    shell = InteractiveShell.instance()
    monkeypatch.setattr(shell, "enable_gui", lambda gui=None: None, raising=False)
    pictures = 0
    for cell in code:
        with capture_output() as captured:
            result = shell.run_cell("".join(cell["source"]))
        assert result.success, "".join(cell["source"])
        shown = [output.data for output in captured.outputs]
        shown.append(shell.display_formatter.format(result.result)[0])
        pictures += sum("image/png" in data for data in shown)
    InteractiveShell.clear_instance()
    assert pictures >= 4
