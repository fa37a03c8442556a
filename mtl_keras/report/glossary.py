"""What each metric says, in a sentence for readers who do not know it."""

from collections.abc import Iterable

from mtl_keras.report.wording import measure

MEANINGS = {
    "roc_auc": "The probability that a random positive row gets a higher probability than a random "
    "negative one. Guessing gives 0.5, a perfect ranking 1.",
    "mean_auc": "The ROC AUC of each label (how well it ranks the rows that have the label above "
    "those that do not), averaged over the labels. Guessing gives 0.5.",
    "average_precision": "The precision averaged over all recalls, the area under the "
    "precision-recall curve. Guessing gives the share of positives.",
    "log_loss": "The mean of −ln(probability given to the actual class). Confident mistakes cost "
    "most.",
    "brier": "The mean squared difference between the probability and what happened, 0 or 1.",
    "accuracy": "The share of rows whose class is predicted correctly. The threshold of a binary "
    "task is the one with the highest F1 on the validation rows, unless its threshold or costs are "
    "declared, so its accuracy may be below the baseline.",
    "f1": "The harmonic mean of precision (how many predicted positives are positive) and recall "
    "(how many positives are found).",
    "macro_f1": "The F1 of each class or label, averaged with equal weight: rare ones count as "
    "much as frequent ones.",
    "micro_f1": "The F1 over all labels of all rows taken together: frequent labels count most.",
    "quadratic_kappa": "Agreement beyond chance, where a mistake counts by the square of its "
    "distance in classes. Guessing gives 0, perfect predictions 1.",
    "classes_off": "How many classes the prediction is away from the actual one, on average.",
    "rmse": "The root of the mean squared error. Large errors count most.",
    "mae": "The mean absolute error: how far predictions are off on average. The best constant is "
    "the median, so a model that predicts the mean may be worse than the baseline, for example if "
    "most labels are 0.",
    "median_absolute_error": "Half of the predictions are off by less, half by more.",
    "r2": "The share of the variance that the predictions explain: 1 is perfect, 0 is no better "
    "than the mean, and below 0 is worse.",
    "poisson_deviance": "How poorly the predicted means fit the counts or amounts, if these follow "
    "a Poisson distribution; 0 is perfect.",
    "pinball": "The loss of predicted quantiles: for a high quantile, predictions that are too low "
    "cost more; for a low one, those that are too high.",
    "coverage": "The share of labels between the lowest and the highest predicted quantile.",
    "interval_width": "How far apart the lowest and the highest predicted quantile are on average.",
    "conformal_coverage": "The share of labels that the intervals or sets contain; it should be "
    "near the declared coverage.",
    "conformal_coverage_se": "How far the coverage may be off by chance: its standard error.",
    "conformal_width": "How wide the intervals are on average.",
    "conformal_set_size": "How many labels a set has on average.",
}
"""By the name of a measure."""


def glossary(names: Iterable[str]) -> dict[str, str]:
    """What some measures say, by their names as a page writes them, in alphabetical order.

    Args:
        names: Names of measures; those of classes of a user's own are left out.

    Example:

    >>> list(glossary(["rmse", "mae", "my_own"]))
    ['MAE', 'RMSE']
    """
    known = {measure(name): MEANINGS[name] for name in names if name in MEANINGS}
    return dict(sorted(known.items(), key=lambda item: item[0].lower()))
