"""Directions agree with TorchJD's, and with general solvers', on Jacobians of many kinds.

`benchmarks/torchjd_agreement.py --golden` computes what is expected, in float64, and says how.
"""

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks import torchjd_agreement as agreement

GOLDEN = json.loads(Path(__file__).with_name("agreement.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", GOLDEN)
def test_directions_agree(name):
    _, _, residual, _ = agreement.METHODS[name]
    for kind, cases in GOLDEN[name].items():
        for tasks, slopes in cases.items():
            rows = agreement.jacobians(int(tasks), 0)[kind]
            weights = agreement.ours(name, rows)
            used = np.abs(rows).sum(1) > 0
            rows, weights = rows[used], weights[used]
            assert np.isfinite(weights).all()
            if slopes is None:  # no weights meet the definition
                continue
            distance = agreement.distance(weights, rows, np.array(slopes))
            if distance > 1e-3 and residual is not None:
                distance = residual(weights, rows @ rows.T)  # more than one direction does
            assert distance < 1e-3, f"{name}, {kind}, {tasks} tasks: {distance}"


def test_every_method_is_compared():
    assert set(GOLDEN) == set(agreement.METHODS)
