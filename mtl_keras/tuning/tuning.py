"""The result of a search: its trials, the best of them, and the Pareto front."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import tomli_w
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from mtl_keras.drawing import style
from mtl_keras.drawing.figure import axes, png
from mtl_keras.errors import ConfigError
from mtl_keras.jobs import replace_file
from mtl_keras.plans import Plan

RELATIVE = "relative loss (the baseline's is 0)"


@dataclass(frozen=True)
class Tuning:
    """The trials of a search.

    Attributes:
        plan: The plan whose settings were searched.
        trials: A row per trial: `trial`, `state` (`"complete"`, `"pruned"`, `"failed"`), `score`
            (the mean over the tasks of the validation loss relative to a constant's, minus 1: 0 is
            the constant, lower is better), the relative loss of each task, `epochs`, `seconds`, and
            the settings.
        settings: Names of the settings that were searched.
        tasks: Names of the tasks.
        importances: The share of the score's variance that each setting explains; empty if there
            are too few trials.
        front_of: The tasks whose losses were minimised separately. If empty, the mean of all was
            minimised.
        plans: The plan of each complete trial, by number.

    Example:

    >>> from mtl_keras.plans import Plan
    >>> trials = pd.DataFrame(
    ...     {"trial": [0, 1], "state": "complete", "score": [-0.2, -0.3], "churned": [0.8, 0.7]}
    ... ).set_index("trial")
    >>> Tuning(Plan({"churned": "binary"}), trials, [], ["churned"]).best
    1
    """

    plan: Plan
    trials: pd.DataFrame
    settings: Sequence[str]
    tasks: Sequence[str]
    importances: dict[str, float] = field(default_factory=dict)
    front_of: Sequence[str] = ()
    plans: dict[int, Plan] = field(default_factory=dict)

    @property
    def best(self) -> int:
        """The number of the complete trial with the lowest score.

        Raises:
            ConfigError: if no trial was completed.
        """
        return int(self._complete()["score"].idxmin())

    @property
    def front(self) -> pd.DataFrame:
        """The complete trials that no other one beats in all tasks: the Pareto front.

        The tasks are those in `front_of`, or all. Sorted by the loss of the first.
        """
        complete = self._complete()
        losses = complete[list(self.front_of or self.tasks)].to_numpy()
        beaten = [
            ((losses <= one).all(axis=1) & (losses < one).any(axis=1)).any() for one in losses
        ]
        found = complete[~np.array(beaten)]
        return found.sort_values((self.front_of or self.tasks)[0])

    def experiment(self, trial: int | None = None) -> Plan:
        """Return the experiment of a trial, to train it.

        Args:
            trial: Number of the trial. Default None: the best.

        Raises:
            ConfigError: if there is no complete trial with this number.
        """
        number = self.best if trial is None else trial
        if number not in self.plans:
            raise ConfigError(
                f"There is no complete trial {number}. There are: "
                f"{', '.join(map(str, sorted(self.plans)))}."
            )
        return self.plans[number]

    def figure(self) -> Figure:
        """Return a figure: the losses of two tasks and their front, or the best score so far."""
        figure, grid = axes(1, 1, 6.4, 4.4)
        ax, complete = grid[0, 0], self._complete()
        if len(self.front_of) == 2:
            first, second = self.front_of
            ax.scatter(complete[first], complete[second], s=26, color=style.MUTED, label="a trial")
            front = self.front
            beside: dict[str, Any] = {"textcoords": "offset points", "fontsize": 8}
            ax.plot(
                front[first], front[second], "o-", color=style.COLORS[1], label="best trade-offs"
            )
            for number, row in front.iterrows():
                ax.annotate(f"{number}", (row[first], row[second]), (4, 5), **beside)
            ax.xaxis.set_major_locator(MaxNLocator(5))
            ax.set(xlabel=f"{first}: {RELATIVE}", ylabel=f"{second}: {RELATIVE}")
        else:
            ax.scatter(complete.index, complete["score"], s=26, color=style.MUTED, label="a trial")
            best = complete["score"].cummin()
            ax.step(complete.index, best, where="post", color=style.COLORS[1], label="best so far")
            ax.set(xlabel="trial", ylabel=f"mean {RELATIVE}")
        ax.legend(frameon=False, fontsize=9)
        return figure

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-serialisable values."""
        return {
            "best": self.best,
            "importances": self.importances,
            "front": list(map(int, self.front.index)) if self.front_of else [],
            "trials": json.loads(self.trials.reset_index().to_json(orient="records")),
        }

    def write(self, folder: str | Path, trial: int | None = None) -> Path:
        """Write `tuning.json`, `tuning.png`, and the experiment of a trial as `tuned.toml`.

        Args:
            folder: The folder.
            trial: Number of the trial. Default None: the best.

        Returns:
            The path of `tuned.toml`.
        """
        folder = Path(folder)
        contents: dict[str, str | bytes] = {
            "tuning.json": json.dumps(self.to_dict(), indent=2) + "\n",
            "tuning.png": png(self.figure()),
            "tuned.toml": tomli_w.dumps(self.experiment(trial).to_dict(folder)),
        }
        for name, content in contents.items():
            replace_file(folder / name, content)
        return folder / "tuned.toml"

    def __str__(self) -> str:
        states = self.trials["state"].value_counts()
        counted = ", ".join(f"{count} {state}" for state, count in states.items())
        lines = [f"{len(self.trials)} trials: {counted}"]
        shown = self.front if self.front_of else self._complete().nsmallest(5, "score")
        lines.append("the best trade-offs:" if self.front_of else "the best (lower is better):")
        for number, row in shown.iterrows():
            losses = ", ".join(f"{task} {row[task]:+.4f}" for task in self.tasks)
            settings = ", ".join(f"{name} {_text(row[name])}" for name in self.settings)
            lines.append(f"  trial {number}: score {row['score']:+.4f} ({losses}); {settings}")
        if self.importances:
            ranked = sorted(self.importances.items(), key=lambda item: -item[1])
            lines.append("what mattered: " + ", ".join(f"{n} {100 * v:.0f}%" for n, v in ranked))
        return "\n".join(lines)

    def _complete(self) -> pd.DataFrame:
        complete = self.trials[self.trials["state"] == "complete"]
        if complete.empty:
            raise ConfigError(
                "No trial was completed. Allow more trials or time, or a space whose settings "
                "train."
            )
        return complete


def _text(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
