"""The network of an artifact, and its training, as code."""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mtl_keras.code import Trained
from mtl_keras.errors import reading
from mtl_keras.export.artifact import EXTRA, latest, read_json
from mtl_keras.features import Feature
from mtl_keras.features.crossing import Crossing
from mtl_keras.features.encoder import Encoder
from mtl_keras.model import MultiTaskModel
from mtl_keras.training import Training


def code_of(
    version: Path, schema: Mapping[str, Any], features: Sequence[Feature], model: MultiTaskModel
) -> str:
    """Return the network of a version as a Python file.

    Args:
        version: The folder.
        schema: The content of its `schema.json`.
        features: Its features.
        model: Its compiled network.

    Raises:
        ArtifactError: if a file of the version is damaged.
        ConfigError: if no code can be written for a part of the network.
    """
    path = version / EXTRA / "experiment.toml"
    metrics = read_json(version / EXTRA / "metrics.json")
    newest = version.name.isdigit() and latest(version.parent) == version
    with reading(f"{path} or metrics.json beside it"):
        experiment = tomllib.loads(path.read_text("utf-8"))
        recipe = {**experiment["training"]}
        for elsewhere in ("tensorboard", "tracking"):  # where the training was recorded
            recipe.pop(elsewhere, None)
        crossings = [Crossing.from_config(each) for each in schema.get("crossings", ())]
        trained = Trained(
            model=model,
            encoder=Encoder(features, crossings),
            name=schema["name"],
            training=Training(**recipe),
            rows=metrics["rows"]["train"],
            epochs=metrics["best_epochs"],
            folder=version.parent if newest else version / EXTRA,
            table=experiment["data"].get("path") if newest else None,
            target_aware=experiment["architecture"]["number_embedding"] == "target_aware",
        )
    return trained.code()
