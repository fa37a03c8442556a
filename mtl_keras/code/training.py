"""The code of a network that the library trained, with how it was trained."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

import keras

from mtl_keras.code.expressions import quoted
from mtl_keras.code.file import About, source
from mtl_keras.features.encoder import Encoder
from mtl_keras.layers import PiecewiseLinearEmbedding
from mtl_keras.model import MultiTaskModel
from mtl_keras.training import Training
from mtl_keras.training.assemble import original_name
from mtl_keras.training.recipe import NOT_DECAYED

ROWS = """\
# The experiment splits the table and encodes its rows.
experiment = mtl.Experiment.from_file({file})
rows = experiment.prepare{prepared}
x, y, weights = rows.data.x, rows.data.y, rows.data.weights

model = build_model()
compile_model(model)
"""
QUANTILE_BINS = """\
# The bins of numbers are computed from the training rows.
for layer in model.layers:
    if isinstance(layer, PiecewiseLinearEmbedding):
        layer.set_edges(quantile_edges(x["train"]["numeric"], layer.bins))
"""
TREE_BINS = """\
# The bins of numbers are computed from the training rows.
labels = [t.distances(y["train"][t.name]) for t in rows.tasks]
for layer in model.layers:
    if isinstance(layer, PiecewiseLinearEmbedding):
        layer.set_edges(tree_edges(x["train"]["numeric"], labels, layer.bins))
"""
WEIGHTS = """
# To start from the trained weights:
# trained = keras.models.load_model({trained})
# for layer in model.layers:
#     if layer.weights:
#         layer.set_weights(trained.get_layer(layer.name).get_weights())
"""
WEIGHTS_OF_COPIES = """
# To start from the trained weights:
# trained = keras.models.load_model({trained})
# for layer in model.layers:
#     if layer.weights:
#         for epoch in {epochs}:  # a copy for each; the last one counts
#             if layer.name + epoch in [each.name for each in trained.layers]:
#                 copy = trained.get_layer(layer.name + epoch)
#                 layer.set_weights(copy.get_weights())
"""
FIT = """
callbacks = [
    keras.callbacks.EarlyStopping(
        "val_loss", patience={patience}, restore_best_weights=True
    ),
{averaged}]
model.fit(
    x["train"],
    y["train"],
    sample_weight=weights["train"],
    batch_size={batch_size},
    epochs={epochs},
    validation_data=(x["validation"], y["validation"], weights["validation"]),
    callbacks=callbacks,
)
print(model.evaluate(x["test"], y["test"], return_dict=True))
"""


@dataclass(frozen=True)
class Trained:
    """A network that the library trained, with what its code says about the training.

    Attributes:
        model: The network, compiled.
        encoder: The encoder of its inputs.
        name: The experiment's name.
        training: The recipe.
        rows: Number of training rows.
        epochs: The epoch that each task is predicted from.
        folder: The artifact, which contains the experiment.
        table: The table of the experiment, or None.
        target_aware: Whether the bins of numbers were placed by the labels.

    Example:

    >>> import mtl_keras as mtl
    >>> run = mtl.Experiment.from_file("data/customers.toml").run()  # doctest: +SKIP
    >>> print(run.code())  # doctest: +SKIP
    """

    model: MultiTaskModel
    encoder: Encoder
    name: str
    training: Training
    rows: int
    epochs: Mapping[str, int]
    folder: PurePath
    table: Any
    target_aware: bool

    def code(self) -> str:
        """Return a Python file that builds, compiles and trains the network.

        Raises:
            ConfigError: see `mtl_keras.code.source`.
        """
        about = About(
            title=" ".join(f"The network of {self.name}, as Keras code.".split()),
            notes=self._notes(),
            columns=self._columns(),
            after_optimizer=[
                f"{self._decaying}.exclude_from_weight_decay(var_names={_list(NOT_DECAYED)})"
            ],
            training=self._training(),
            imports=self._imports(),
        )
        return source(self.model, about, original_name if self._copied else lambda name: name)

    @property
    def _decaying(self) -> str:
        """The optimizer that decays weights, which in half precision is within another one."""
        scaled = isinstance(self.model.optimizer, keras.optimizers.LossScaleOptimizer)
        return "optimizer.inner_optimizer" if scaled else "optimizer"

    @property
    def _copied(self) -> bool:
        """Whether the network consists of copies, for tasks whose best epochs differ."""
        made = [layer.name for layer in self.model.layers if layer.weights]
        return all(name != original_name(name) for name in made)

    def _notes(self) -> list[str]:
        notes = [
            "The outputs are those of the tasks' heads. mtl.load(...).predict also applies what "
            "follows them: calibration, labels, units, intervals and sets."
        ]
        if self.training.networks > 1:
            notes.append(
                f"The library trains its {self.training.networks} networks one by one, and then "
                "weights their outputs on the validation rows. Here, they are trained as one."
            )
        if self.training.best_epoch == "task":
            best = ", ".join(f"{task}: {epoch}" for task, epoch in self.epochs.items())
            notes.append(
                f"The library predicts each task from its own best epoch ({best}), and a task that "
                "overfits is trained no further while others still improve. Here, all tasks use "
                "the epoch with the lowest total loss."
            )
        if self.training.refit:
            notes.append(
                "Where no task has an interval or a set, the library then trains the last "
                f"{self.training.refit} epochs again, on the training and validation rows together."
            )
        notes.append(
            "mtl.MultiTaskModel is a keras.Model that also balances the tasks, takes missing "
            "labels (NaN), and trains each member of an ensemble on its own loss. With keras.Model "
            "in its place, and without `balancer`, the same network is trained on the plain sum of "
            "the losses, and needs all labels."
        )
        return notes

    def _columns(self) -> dict[str, list[str]]:
        """For each input of the network, the features that it holds."""
        columns: dict[str, list[str]] = {}
        for feature, groups in self.encoder.columns.items():
            for group in groups:
                columns.setdefault(group, []).append(feature)
        crossed = [" × ".join(crossing.features) for crossing in self.encoder.crossings]
        return {**columns, "crossed": crossed} if crossed else columns

    @property
    def _has_bins(self) -> bool:
        return any(isinstance(layer, PiecewiseLinearEmbedding) for layer in self.model.layers)

    def _imports(self) -> dict[str, list[str]]:
        imports: dict[str, list[str]] = {}
        if self._has_bins:
            edges = "tree_edges" if self.target_aware else "quantile_edges"
            imports["mtl_keras.architectures.bins"] = [edges]
        if self.training.average:
            imports["mtl_keras.training.averaged"] = ["AveragedWeights"]
        return imports

    def _training(self) -> list[str]:
        """The lines that prepare the rows, train the network, and score it."""
        folder = self.folder.as_posix()
        file = quoted(f"{folder}/experiment.toml")
        table = quoted(f"{self.name}.csv")
        text = ROWS.format(
            file=file,
            prepared="()" if self.table else f"({table})  # the table that it was trained on",
        )
        if self._has_bins:
            text += TREE_BINS if self.target_aware else QUANTILE_BINS
        text += self._weights(folder)
        text += FIT.format(
            patience=self.training.patience,
            averaged="    AveragedWeights(),\n" if self.training.average else "",
            batch_size=self.training.rows_per_step(self.rows),
            epochs=self.training.epochs,
        )
        return text.splitlines()

    def _weights(self, folder: str) -> str:
        """How to begin with the trained weights, as a comment."""
        trained = quoted(f"{folder}/model.keras")
        if not self._copied:
            return WEIGHTS.format(trained=trained)
        suffixes = dict.fromkeys(f"_epoch_{epoch}" for epoch in self.epochs.values())
        return WEIGHTS_OF_COPIES.format(trained=trained, epochs=_list(suffixes))


def _list(texts: Any) -> str:
    return f"[{', '.join(map(quoted, texts))}]"
