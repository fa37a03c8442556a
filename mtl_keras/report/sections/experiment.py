"""The experiment, as it can be run again."""

import tomllib

from mtl_keras.report.content import Content
from mtl_keras.report.figures import Drawer
from mtl_keras.report.section import Section


def experiment(content: Content, draw: Drawer) -> Section:
    """The file of the experiment, versions, seed and times."""
    seconds = content.metrics["seconds"]
    return Section(
        "experiment",
        "Experiment",
        {
            "experiment": content.experiment,
            "versions": ", ".join(f"{k} {v}" for k, v in content.schema["versions"].items()),
            "seed": tomllib.loads(content.experiment)["seed"],
            "timings": ", ".join(f"{stage} {value:.1f} s" for stage, value in seconds.items()),
        },
    )
