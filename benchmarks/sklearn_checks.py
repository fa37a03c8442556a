"""scikit-learn's own checks of an estimator, on `MultiTaskEstimator`.

    python benchmarks/sklearn_checks.py

Prints for each check whether it passed; some minutes, since each trains several networks.
"""

import os
import warnings

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from collections import Counter
from typing import Any

from sklearn.utils.estimator_checks import check_estimator

from mtl_keras.sklearn import MultiTaskEstimator

SMALL = MultiTaskEstimator(
    architecture={"layers": [8], "members": 1, "number_embedding": "none"},
    training={"epochs": 2, "batch_size": 32},
)


def main() -> None:
    warnings.filterwarnings("ignore")
    found: Counter[str] = Counter()

    def told(*, check_name: str, status: str, exception: Any, **_: Any) -> None:
        found[status] += 1
        why = "" if exception is None else f": {type(exception).__name__}: {str(exception)[:160]}"
        print(f"{status:8} {check_name}{why}", flush=True)

    check_estimator(SMALL, on_fail=None, on_skip=None, callback=told)
    print(", ".join(f"{count} {status}" for status, count in found.items()))


if __name__ == "__main__":
    main()
