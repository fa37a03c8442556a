"""How the model was trained: epochs, losses, what was tried, how tasks were balanced."""

import tomllib

from mtl_keras.report import figures
from mtl_keras.report.content import Content
from mtl_keras.report.section import Section
from mtl_keras.training.best_epoch import own_best


def training(content: Content, draw: figures.Drawer) -> Section:
    """The epochs in use, the losses, what was tried, and what the balancer did."""
    names = [task.name for task in content.tasks]
    return Section(
        "training",
        "Training",
        {
            "training_text": _epochs(content),
            "curves": figures.curves(content, names, draw),
            "tried": content.metrics.get("search"),
            "grouping": figures.grouping(content, draw),
            "balancing": figures.balancing(content, names, draw),
            "balancer": tomllib.loads(content.experiment)["balancer"]["kind"],
        },
    )


def _epochs(content: Content) -> str:
    epochs = content.metrics["epochs"]
    lowest = content.metrics.get("lowest_epochs", {})
    listed = ", ".join(
        f"{task} from epoch {epoch}{own_best(epoch, lowest.get(task, epoch))}"
        for task, epoch in content.metrics["best_epochs"].items()
    )
    seconds = content.metrics["seconds"].get("fit", 0.0)
    return f"{epochs} epochs in {seconds:.0f} s. Answered: {listed}."
