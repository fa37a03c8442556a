"""What a leaderboard says beside its scores."""

from mtl_keras.evaluation.interval import Measured
from mtl_keras.export.leaderboard import Entry, Leaderboard
from mtl_keras.tasks import Quantiles


def test_scores_of_different_rows_are_not_to_be_compared():
    """A model that does not know a class is scored without its rows, which are hard for others."""
    column = ("plan", "accuracy")
    entries = [
        Entry(name, "1", {column: Measured(value, None, None, rows)}, 0.0)
        for name, value, rows in (("few", 0.9, 180), ("all", 0.8, 200))
    ]
    table = Leaderboard(entries, {column: True}, "plan", {})
    assert "plan: the scores are of 180 to 200 rows, because not all models know" in str(table)
    same = Leaderboard(entries[:1], {column: True}, "plan", {})
    assert "do not compare" not in str(same)


def test_scores_of_different_quantiles_are_not_to_be_compared():
    """Levels at the ends have a smaller loss, so that they seemed to be better predictions."""
    column = ("spend", "pinball")
    tasks = Quantiles("spend"), Quantiles("spend", levels=(0.05, 0.95))
    entries = [
        Entry("one", "1", {column: Measured(1.0, None, None, 9)}, 0.0, {"spend": task.scored_on})
        for task in tasks
    ]
    table = str(Leaderboard(entries, {column: False}, "spend", {}))
    assert "different things (quantiles at 0.1, 0.5, 0.9; quantiles at 0.05, 0.95); do" in table
    assert "do not compare" not in str(Leaderboard(entries[:1] * 2, {column: False}, "spend", {}))
