"""What a leaderboard says beside its scores."""

from mtl_keras.evaluation.interval import Measured
from mtl_keras.export.leaderboard import Entry, Leaderboard


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
