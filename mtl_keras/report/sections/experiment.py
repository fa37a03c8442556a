"""The experiment, as it can be run again."""

from mtl_keras.report.content import Content
from mtl_keras.report.figures import Drawer
from mtl_keras.report.section import Section
from mtl_keras.report.wording import without_folders


def experiment(content: Content, draw: Drawer) -> Section:
    """The file of the experiment, its seed, and how long each stage took."""
    seconds = content.metrics["seconds"]
    return Section(
        "experiment",
        "Experiment",
        {
            "experiment": without_folders(content.experiment_text),
            "seed": content.experiment["seed"],
            "timings": ", ".join(
                f"{stage} {value:,.1f}\u00a0s" for stage, value in seconds.items() if value >= 0.05
            ),
        },
    )
