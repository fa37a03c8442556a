"""What has changed since a model was trained: columns, predictions, scores."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from mtl_keras.drawing.digits import apart, number, with_intervals
from mtl_keras.evaluation.distribution import (
    MAJOR,
    MODERATE,
    Distribution,
    level,
    missing,
    stability_index,
)
from mtl_keras.evaluation.predicted import Predicted

LEVELS = ("none", "moderate", "major")
LEGEND = (
    f"index: the population stability index; above {MODERATE:g} a change is moderate, above "
    f"{MAJOR:g} major\n"
    "chance: the index that one in 1,000 unchanged columns exceeds; only what is above it counts"
)
TOLD = 0.01  # a smaller share of the rows is not reported for an unchanged column
TRAINED = 0.05  # a smaller share of rows that were trained on is not reported


@dataclass(frozen=True)
class ColumnChange:
    """How a column, or a column of predictions, differs from that in training.

    Attributes:
        name: Name of the feature, or of the prediction.
        kind: Kind of the feature; `"answer"` for a prediction.
        index: The population stability index: see `Distribution.stability_index`. That of known
            and unknown values, if it is larger, as the rare texts of a column share a bin.
        chance: The index that one in 1,000 unchanged columns exceeds.
        missing: Share of missing values, then and now.
        unknown: Share of values that the network does not know, then and now.
        examples: Some of the unknown values, the most frequent first.
        outside: Share of numbers outside the range in the training rows.
        then: The distribution then.
        now: The counts in the same bins now.
        range: The smallest and the largest number then, as strings; None for a column of strings.
        range_now: The smallest and the largest number now.
    """

    name: str
    kind: str
    index: float
    chance: float
    missing: tuple[float, float]
    unknown: tuple[float, float]
    examples: tuple[str, ...]
    outside: float
    then: Distribution
    now: tuple[int, ...]
    range: tuple[str, str] | None = None
    range_now: tuple[str, str] | None = None

    @property
    def level(self) -> str:
        """`"none"`, `"moderate"` or `"major"`."""
        return level(self.index, self.chance)

    @property
    def notes(self) -> str:
        """Return further remarks, in words."""
        said = []
        if abs(self.missing[0] - self.missing[1]) >= TOLD:
            before, now = map(_percent, self.missing)
            said.append(f"{now} missing, {before} in training")
        if self.unknown[1] > self.unknown[0] and self.examples:
            listed = ", ".join(map(repr, self.examples))
            said.append(f"{_percent(self.unknown[1])} unknown values, such as {listed}")
        if self.outside >= TOLD and self.range and self.range_now:
            before, now = (" to ".join(ends) for ends in (self.range, self.range_now))
            beyond = f"now {now}" if now != before else "by less than that"
            said.append(f"{_percent(self.outside)} outside {before}, {beyond}")
        return "; ".join(said)


@dataclass(frozen=True)
class ScoreChange:
    """A task's main measure on the test rows of the training, and on the checked rows.

    Attributes:
        task: Name of the task.
        measure: Name of the measure.
        rows: Number of labelled rows now.
        then: The value on the test rows.
        now: The value on the checked rows.
        then_interval: Its 95% interval, from bootstrap samples of the rows.
        now_interval: Likewise, on the checked rows.
        worse: Whether it is worse than chance explains, at a level of 95%.
    """

    task: str
    measure: str
    rows: int
    then: float
    now: float
    then_interval: tuple[float, float]
    now_interval: tuple[float, float]
    worse: bool


@dataclass(frozen=True)
class Check:
    """The result of a check, to print.

    Attributes:
        rows: Number of rows that were checked.
        columns: The changes of the columns that the model reads.
        answers: The changes of its predictions, compared with those for the test rows.
        scores: The changes of scores, for tasks with labels.
        trained_on: Approximate share of the rows that the model was trained on. Default 0.

    Example:

    >>> result = Check(rows=200, columns=[], answers=[], scores=[])
    >>> result.alarms()
    []
    """

    rows: int
    columns: Sequence[ColumnChange]
    answers: Sequence[ColumnChange]
    scores: Sequence[ScoreChange]
    trained_on: float = 0.0

    def alarms(self, at: str = "major") -> list[str]:
        """Return what has changed so much that someone should look at it, in words.

        Args:
            at: The lowest level of a change that counts: `"moderate"` or `"major"`.
        """
        at_least = LEVELS[LEVELS.index(at) :]
        changes = [("column", self.columns), ("prediction", self.answers)]
        return [
            *(
                f"{what} {change.name}: {change.level} change"
                for what, of_kind in changes
                for change in of_kind
                if change.level in at_least
            ),
            *(f"task {score.task}: its score is worse" for score in self.scores if score.worse),
        ]

    @property
    def limits(self) -> str:
        """What so few rows cannot show, in words; empty if they would show a major change."""
        chance = float(np.median([c.chance for c in self.columns] or [0.0]))
        if chance <= MAJOR:
            return ""
        needed = float(np.median([c.then.rows_to_see(MAJOR) for c in self.columns]))
        rows = f"{self.rows:,} row{'s' * (self.rows != 1)}"
        told = (
            f"{rows} can show little: by chance alone, the stability index of most columns may "
            f"reach {number(chance)}, and a major change begins at {MAJOR:g}. To see one, "
        )
        if np.isfinite(needed):
            return told + f"check about {needed:,.0f} rows or more"
        return told + "the model would have to be trained on more rows, too"

    @property
    def known(self) -> str:
        """How many of the rows were trained on, in words; empty if they are few."""
        if self.trained_on <= TRAINED:
            return ""
        return (
            f"about {self.trained_on:.0%} of these rows were trained on: they have not changed "
            "since, and their scores do not hold for new rows"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-serialisable values."""
        return {
            "rows": self.rows,
            "limits": self.limits,
            "trained_on": self.trained_on,
            "columns": [{"level": c.level, **asdict(c)} for c in self.columns],
            "answers": [{"level": c.level, **asdict(c)} for c in self.answers],
            "scores": [asdict(score) for score in self.scores],
        }

    def __str__(self) -> str:
        lines = [f"{self.rows:,} rows"]
        for title, changes in (("column", self.columns), ("prediction", self.answers)):
            told = [c for c in changes if c.level != "none" or c.notes]
            width = max([len(title), *(len(c.name) for c in told)])
            if told:
                lines.append(f"{title:{width}}  {'change':8}  {'index':>6}  {'chance':>6}")
            lines += [
                f"{c.name:{width}}  {c.level:8}  {c.index:6.3f}  {c.chance:6.3f}  {c.notes}"
                for c in sorted(told, key=lambda c: -c.index)
            ]
            unchanged = sum(change.level == "none" for change in changes)
            lines.append(f"{unchanged} of {len(changes)} {title}s are unchanged")
        if any(c.level != "none" or c.notes for c in (*self.columns, *self.answers)):
            lines.append(LEGEND)
        for score in self.scores:
            ends = (score.now_interval, score.then_interval)
            now, then = with_intervals([score.now, score.then], ends)
            lines.append(
                f"{score.task}: {score.measure} {now} on {score.rows:,} rows, {then} on the test "
                f"rows of the training{': worse' * score.worse}"
            )
        lines += filter(None, [self.known, self.limits])
        return "\n".join(lines)


def column_change(
    name: str,
    kind: str,
    then: Distribution,
    values: np.ndarray,
    unknown: tuple[float, float] = (0.0, 0.0),
    examples: tuple[str, ...] = (),
    shown: Callable[[Sequence[float]], list[str]] = apart,
    groups: np.ndarray | None = None,
) -> ColumnChange:
    """Return how values differ from a distribution.

    Args:
        name: Name of the column.
        kind: Its kind.
        then: The distribution.
        values: Numbers (NaN: missing) or strings (empty: missing).
        unknown: Share of unknown values, then and now. Default: none.
        examples: Some of them. Default: none.
        shown: A function that writes some of the numbers. Default: with as many digits as it takes
            to tell different numbers from each other.
        groups: The group of each value. Default None: no groups.
    """
    present = values[~missing(values)]
    ends = () if then.low is None or then.high is None else (then.low, then.high)
    ends_now = (present.min(), present.max()) if ends and len(present) else ()
    written = shown([*ends, *ends_now])
    known = [
        (rows * share, rows * (1 - share))
        for rows, share in zip((sum(then.counts), len(values)), unknown)
    ]
    return ColumnChange(
        name=name,
        kind=kind,
        index=max(then.stability_index(values), stability_index(*known)),
        chance=then.chance(len(values), then.clustering_of(values, groups)),
        missing=(then.missing, float(missing(values).mean())),
        unknown=unknown,
        examples=examples,
        outside=then.outside(values),
        then=then,
        now=then.counted(values),
        range=(written[0], written[1]) if ends else None,
        range_now=(written[2], written[3]) if ends_now else None,
    )


def score_change(then: Predicted, now: Predicted) -> ScoreChange | None:
    """Return how a task's main measure has changed; None if it is not defined.

    Args:
        then: Labels, predictions and groups of the test rows.
        now: Those of the rows to check.
    """
    task = then.task
    if then.truth.ndim > 1:  # a label that is missing now would make the scores those of others
        known = ~np.isnan(now.truth).all(axis=0)
        then = replace(then, truth=np.where(known, then.truth, np.nan))
    (before,), (after,) = (rows.labelled.measured([task.measure]) for rows in (then, now))
    if before.interval is None or after.interval is None:
        return None
    assert before.error is not None and after.error is not None
    lost = (
        before.value - after.value if task.measure.higher_is_better else after.value - before.value
    )
    return ScoreChange(
        task=task.name,
        measure=task.measure.name,
        rows=after.rows,
        then=before.value,
        now=after.value,
        then_interval=before.interval,
        now_interval=after.interval,
        worse=bool(lost > 1.96 * np.hypot(before.error, after.error)),
    )


def _percent(share: float) -> str:
    """Return a share as a short string: `7%`, `below 1%`."""
    return "below 1%" if 0 < share < 0.01 else f"{share:.0%}"
