"""The result of a comparison, as numbers, text and files."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mtl_keras.comparison.candidates import JOINT, SINGLE
from mtl_keras.drawing import notebook
from mtl_keras.drawing.digits import numbers, signed
from mtl_keras.evaluation import Difference, Measure
from mtl_keras.evaluation.difference import verdicts
from mtl_keras.export.artifact import as_json
from mtl_keras.jobs import replace_file
from mtl_keras.report import comparison_page
from mtl_keras.report.wording import in_a_list

LEANING = 0.2
"""Probability of a difference by chance below which more seeds may well give a verdict."""


@dataclass(repr=False)
class Comparison:
    """The result of a comparison.

    Attributes:
        name: Name of the experiment.
        tasks: Names of the tasks.
        measures: The name of each task's measure.
        units: The unit of each task's measure; "" if it has none.
        values: The measure on the test rows by candidate and task, one number per seed.
        differences: The gain over single-task models by candidate and task.
        costs: Seconds (mean over seeds), parameters and bytes by candidate.
        chosen: What was chosen on the validation rows, by candidate and seed.
        rows: Number of rows of each part of the split.
        about: What was compared, when and with what, as strings by heading. Default: empty.

    Example:

    >>> from mtl_keras.evaluation import Difference
    >>> gain = {"churned": Difference(0.02, 0.01, 0.03)}
    >>> compared = Comparison(
    ...     name="shop",
    ...     tasks=["churned"],
    ...     measures={},
    ...     units={"churned": ""},
    ...     values={"joint": {"churned": [0.72]}, "single-task": {"churned": [0.70]}},
    ...     differences={"joint": gain},
    ...     costs={},
    ...     chosen={},
    ...     rows={"test": 1000},
    ... )
    >>> compared.verdict("churned")
    'helped'
    """

    name: str
    tasks: list[str]
    measures: dict[str, Measure]
    units: dict[str, str]
    values: dict[str, dict[str, list[float]]]
    differences: dict[str, dict[str, Difference]]
    costs: dict[str, dict[str, float]]
    chosen: dict[str, list[str]]
    rows: dict[str, int]
    about: dict[str, str] = field(default_factory=dict)

    @property
    def seeds(self) -> int:
        """Number of seeds."""
        return len(self.values[JOINT][self.tasks[0]])

    def verdict(self, task: str, candidate: str = JOINT) -> str:
        """Return `"helped"`, `"no difference seen"` or `"hurt"`: see `verdicts`."""
        return verdicts(self.differences[candidate])[task]

    def delta_m(self, candidate: str) -> tuple[float, float]:
        r"""Return $\Delta_m$ in per cent, its mean and deviation over seeds; below 0 is better.

        $\Delta_m = \frac{100}{K} \sum_k (-1)^{\delta_k} (M_k - B_k) / |B_k|$ with B the measure of
        single-task models and $\delta_k = 1$ if higher is better. Tasks whose B is almost 0 are
        left out.
        """
        per_seed = []
        for seed in range(self.seeds):
            parts = []
            for task in self.tasks:
                base = self.values[SINGLE][task][seed]
                gain = self.values[candidate][task][seed] - base
                if abs(base) > 1e-9:
                    better = -1 if self.measures[task].higher_is_better else 1
                    parts.append(better * gain / abs(base))
            per_seed.append(100 * float(np.mean(parts)) if parts else np.nan)
        spread = float(np.std(per_seed, ddof=1)) if len(per_seed) > 1 else np.nan
        return float(np.mean(per_seed)), spread

    def _in_words(self, candidate: str, task: str) -> str:
        """Return a verdict in words that fit the candidate: simple models share nothing."""
        if candidate == SINGLE:
            return ""
        verdict = self.verdict(task, candidate)
        if self.costs[candidate]["parameters"]:
            return verdict
        return {"helped": "better", "hurt": "worse"}.get(verdict, verdict)

    def mean_rank(self) -> dict[str, float]:
        """Return the mean rank over tasks by candidate; 1 is the best."""
        ranks: dict[str, list[float]] = {name: [] for name in self.values}
        for task in self.tasks:
            means = pd.Series({name: np.mean(v[task]) for name, v in self.values.items()})
            ranked = means.rank(ascending=not self.measures[task].higher_is_better)
            for name, rank in ranked.items():
                ranks[str(name)].append(float(rank))
        return {name: float(np.mean(positions)) for name, positions in ranks.items()}

    def advice(self) -> str:
        """Return whether to train the tasks together, in a sentence."""
        verdicts = {task: self.verdict(task) for task in self.tasks}
        helped = [task for task in self.tasks if verdicts[task] == "helped"]
        hurt = [task for task in self.tasks if verdicts[task] == "hurt"]
        if helped and not hurt:
            return f"Train them together: sharing helped {in_a_list(helped)} and hurt none."
        if hurt and not helped:
            return (
                f"Train them apart, or share less: sharing hurt {in_a_list(hurt)} and helped none. "
                + self._otherwise('Try architecture = "single_task", "mmoe" or "grouped".')
            )
        if helped and hurt:
            return (
                f"It is a trade-off: sharing helped {in_a_list(helped)} and "
                f"hurt {in_a_list(hurt)}. "
                + self._otherwise(
                    'Try an architecture that shares less, such as "ple", or "grouped".'
                )
            )
        one, many = (self.costs[name]["seconds"] for name in (JOINT, SINGLE))
        cheaper = f" One model took {one:.0f} s to train, the single ones {many:.0f} s together."
        return (
            "No difference was seen: choose whichever is simpler to maintain."
            + cheaper
            + self._undecided()
        )

    def _undecided(self) -> str:
        """Return which tasks lean to one side, for which more seeds may give a verdict."""
        gains = {task: self.differences[JOINT][task] for task in self.tasks}
        told = [
            f"whether sharing {verb} {in_a_list(tasks)}"
            for verb, sign in (("hurts", -1), ("helps", 1))
            if (tasks := [t for t, g in gains.items() if g.chance < LEANING and g.gain * sign > 0])
        ]
        return f" Compare with more seeds to see {' and '.join(told)}." if told else ""

    def _otherwise(self, advice: str) -> str:
        """Return which other candidates hurt no task, best first; otherwise the advice."""
        networks = [n for n in self.values if self.costs[n]["parameters"] and n != SINGLE]
        good = [n for n in networks if all(self.verdict(t, n) != "hurt" for t in self.tasks)]
        if not good:
            return advice
        ranked = sorted(good, key=lambda name: self.delta_m(name)[0])
        return f"Of the other candidates, {in_a_list(ranked)} hurt none."

    def to_frame(self) -> pd.DataFrame:
        """Return a table with a row per candidate and task."""
        rows = []
        for name, values in self.values.items():
            for task in self.tasks:
                gain = self.differences[name][task]
                rows.append(
                    {
                        "candidate": name,
                        "task": task,
                        "measure": self.measures[task].name,
                        "value": float(np.mean(values[task])),
                        "gain": gain.gain,
                        "low": gain.low,
                        "high": gain.high,
                        "verdict": self._in_words(name, task),
                    }
                )
        return pd.DataFrame(rows)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values."""
        ranks = self.mean_rank()
        return {
            "name": self.name,
            "seeds": self.seeds,
            "rows": self.rows,
            "advice": self.advice(),
            "about": self.about,
            "measures": {t: m.name for t, m in self.measures.items()},
            "units": self.units,
            "higher_is_better": {t: m.higher_is_better for t, m in self.measures.items()},
            "results": self.to_frame().to_dict("records"),
            "values": self.values,
            "candidates": {
                name: {
                    "delta_m": self.delta_m(name)[0],
                    "delta_m_sd": self.delta_m(name)[1],
                    "mean_rank": ranks[name],
                    **self.costs[name],
                    "chosen": self.chosen[name],
                }
                for name in self.values
            },
        }

    def write(self, folder: str | Path) -> Path:
        """Write `comparison.json` and `comparison.html` to a folder; return the page's path."""
        folder = Path(folder)
        content = self.to_dict()
        replace_file(folder / "comparison.json", as_json(content))
        return replace_file(folder / "comparison.html", comparison_page(content))

    def __str__(self) -> str:
        lines = [f"{self.name}: {self._seeds()}, {self.rows['test']:,} test rows", self.advice()]
        wide = max(map(len, self.values)) + 2
        for task in self.tasks:
            lines += ["", self._title(task)]
            lines.append(f"  {'':{wide}}{'value':>10}  gain over single-task, 95% interval")
            for name, (value, gain, interval, words) in self._rows(task).items():
                text = f"  {name:{wide}}{value:>10}  {gain:>8}  {interval:24}  {words}"
                lines.append(text.rstrip())
        lines += ["", f"  {'':{wide}}{'gain %':>8}{'rank':>7}{'seconds':>9}{'parameters':>12}"]
        for name, gain, rank, seconds, parameters in self._costs():
            lines.append(f"  {name:{wide}}{gain:>8}{rank:>7.2f}{seconds:>9,}{parameters:>12,}")
        return "\n".join(lines)

    def _seeds(self) -> str:
        return f"{self.seeds} seed{'s' * (self.seeds != 1)}"

    def _title(self, task: str) -> str:
        """Return a task, its measure with the unit, and which direction is better."""
        measure = self.measures[task]
        unit = f" in {self.units[task]}" if self.units[task] else ""
        better = "higher" if measure.higher_is_better else "lower"
        return f"{task}: {measure.name}{unit} ({better} is better)"

    def _rows(self, task: str) -> dict[str, tuple[str, str, str, str]]:
        """Return each candidate's value, gain, interval and verdict in words."""
        gains = {name: self.differences[name][task] for name in self.values}
        ends = [(gain.low, gain.high) for name, gain in gains.items() if name != SINGLE]
        values = numbers([float(np.mean(v[task])) for v in self.values.values()], intervals=ends)
        rows = {}
        for (name, gain), value in zip(gains.items(), values):
            text, low, high = signed([gain.gain, gain.low, gain.high], ends)
            shown = (text, f"{low} to {high}", self._in_words(name, task))
            rows[name] = (value, *(("", "", "") if name == SINGLE else shown))
        return rows

    def _costs(self) -> list[tuple[str, str, float, int, int]]:
        """Return a row per candidate: mean relative gain in per cent, rank, seconds, parameters."""
        ranks = self.mean_rank()
        return [
            (
                name,
                f"{round(-self.delta_m(name)[0], 2) + 0.0:+.2f}",
                ranks[name],
                round(cost["seconds"]),
                round(cost["parameters"]),
            )
            for name, cost in self.costs.items()
        ]

    def __repr__(self) -> str:
        gains = [f"  {task}: {' '.join(self._rows(task)[JOINT][1:])}" for task in self.tasks]
        about = f"Comparison of {self.name!r}, {self._seeds()}. {self.advice()}"
        return "\n".join([about, *gains])

    def _repr_html_(self) -> str:
        gains = [
            (self._title(task) if number == 0 else "", name, *row)
            for task in self.tasks
            for number, (name, row) in enumerate(self._rows(task).items())
        ]
        columns = ["task", "candidate", "value", "gain over single-task", "95% interval", ""]
        costs = ["candidate", "mean gain %", "rank", "seconds", "parameters"]
        return notebook.block(
            f"{self.name}: did sharing help?",
            notebook.line(self.advice()),
            notebook.table(columns, gains),
            notebook.table(costs, self._costs()),
            notebook.line(f"{self._seeds()}, {self.rows['test']:,} test rows each", quiet=True),
        )
