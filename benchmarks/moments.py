"""A command of mtl_keras that kills itself at a moment.

    MTL_KILL='{"target": "mtl_keras.runs.networks:build"}' python benchmarks/moments.py train

`benchmarks/kills.py` runs it at each of these moments.
"""

import dataclasses
import functools
import importlib
import json
import os
import signal
import sys
import threading
from multiprocessing import current_process
from pathlib import Path
from typing import Any


@dataclasses.dataclass(frozen=True)
class Moment:
    """When a process kills itself.

    Attributes:
        target: The function, `"package.module:attribute"`, as its caller finds it.
        when: `"before"` or `"after"` it; `"amid"`, once half of the file that it writes is there;
            `"soon"`, a few milliseconds later.
        call: The number of the call.
        worker: Whether a comparison's worker dies, not the process that started it.
    """

    target: str
    when: str = "before"
    call: int = 1
    worker: bool = False


FILES = 14  # that describe a version
TRAINING = {
    "while the table is read": Moment("mtl_keras.datasets.table:files.load", "after"),
    "while rows are encoded": Moment("mtl_keras.features.encoder:Encoder.encode", "after", 2),
    "before the network is built": Moment("mtl_keras.runs.networks:build"),
    "before the first epoch": Moment("mtl_keras.training.progress:Progress.on_train_begin"),
    "within an epoch": Moment("mtl_keras.training.progress:Progress.on_epoch_begin", "soon", 3),
    "within a checkpoint": Moment("numpy:savez", "amid", 3),
    "between a checkpoint and its rename": Moment("pathlib:Path.replace", "before", 3),
    "after the last checkpoint": Moment("pathlib:Path.replace", "after", 6),
    "before the test rows are judged": Moment("mtl_keras.runs.story:evaluated"),
    "as the export begins": Moment("mtl_keras.export.artifact:write_saved_model"),
    "after the SavedModel": Moment("mtl_keras.export.artifact:write_saved_model", "after"),
    "within model.keras": Moment("keras:Model.save", "amid"),
    **{
        f"within file {number} of {FILES} of the version": Moment(
            "pathlib:Path.write_bytes", "amid", number
        )
        for number in range(1, FILES + 1)
    },
    "while figures are drawn": Moment("mtl_keras.report:history_figure", "after"),
    "while the model is explained": Moment("mtl_keras.evaluation.explain:importance"),
    "before the report": Moment("mtl_keras.runs.exporting:report_page_of"),
    "before the version's rename": Moment("pathlib:Path.rename"),
    "behind the version's rename": Moment("pathlib:Path.rename", "after"),
    "within the copies beside the versions": Moment("os:replace", "before", 3),
    "before the checkpoint is removed": Moment("mtl_keras.runs.result:Run.discard_checkpoint"),
}
COMPARISON = {
    "in a comparison's worker": Moment("mtl_keras.runs.networks:build", call=2, worker=True),
    "in all of a comparison, between results": Moment(
        "mtl_keras.comparison.trials:Result.save", "after"
    ),
    "while a comparison's result is kept": Moment("numpy:savez_compressed", "amid", 2),
    "before the comparison's page": Moment("mtl_keras.comparison.comparison:comparison_page"),
}
ANSWERS = {"within `predict -o`": Moment("pandas:DataFrame.to_csv", "amid")}


def plant(moment: Moment) -> None:
    """Make this process kill itself at a moment."""
    if moment.worker != (current_process().name != "MainProcess"):  # it has no parent as yet
        return
    module, path = moment.target.split(":")
    owner: Any = importlib.import_module(module)
    *owners, name = path.split(".")
    for part in owners:
        owner = getattr(owner, part)
    original, calls = getattr(owner, name), []

    @functools.wraps(original)
    def dying(*args: Any, **kwargs: Any) -> Any:
        calls.append(1)
        if len(calls) != moment.call:
            return original(*args, **kwargs)
        if moment.when == "before":
            die()
        if moment.when == "soon":
            threading.Timer(0.005, die).start()
            return original(*args, **kwargs)
        result = original(*args, **kwargs)
        if moment.when == "amid":
            halve(args)
        die()
        return result

    static = isinstance(vars(owner).get(name), staticmethod)
    setattr(owner, name, staticmethod(dying) if static else dying)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def halve(args: Any) -> None:
    """Cut the file among the arguments in half."""
    for argument in args:
        if hasattr(argument, "truncate") and hasattr(argument, "flush"):
            argument.flush()
            os.ftruncate(argument.fileno(), argument.tell() // 2)
            return
        if isinstance(argument, Path):
            os.truncate(argument, argument.stat().st_size // 2)
            return
    raise AssertionError("no file among the arguments")


sys.path.insert(0, str(Path(__file__).parents[1]))
if "MTL_KILL" in os.environ:  # in a comparison's workers, too, which import this file
    plant(Moment(**json.loads(os.environ["MTL_KILL"])))
if __name__ == "__main__":
    from mtl_keras.cli import main

    sys.exit(main(sys.argv[1:]))
