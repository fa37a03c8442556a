"""Directions of our balancers beside those of TorchJD and of general solvers, on many Jacobians.

Ours see the float32 Gramian, as in training, with XLA and without; the references get the same
numbers in float64: TorchJD itself where it solves its problem exactly (UPGrad, DualProj,
Aligned-MTL, IMTL-G, ConFIG), an interior-point solver (cvxpy, Clarabel) for MGDA and CAGrad,
Newton's method for Nash-MTL and FairGrad, and for PCGrad and GradVac, which TorchJD draws in a
random order, their loops over tasks.

A case agrees where the directions differ by less than 1e-3 of their length. Where they do not, the
*residual* decides: how far our weights are from the method's definition, free of any scale. Run
with `python benchmarks/torchjd_agreement.py` (`pip install -e .[benchmarks]`); `--golden` writes
the cases that `tests/balancers/test_agreement.py` checks without TorchJD.
"""

import argparse
import functools
import json
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tensorflow as tf

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.reference_directions import (  # noqa: E402
    a_direction_lowers_all,
    a_direction_serves_all,
    always,
    bargained,
    cagrad,
    gradvac,
    mgda,
    of_cagrad,
    of_equal_slopes,
    of_fairgrad,
    of_mgda,
    of_torchjd,
    pcgrad,
)
from mtl_keras import balancers  # noqa: E402
from mtl_keras.balancers import Setup  # noqa: E402
from mtl_keras.balancers.decision import Measured  # noqa: E402

GOLDEN = ROOT / "tests" / "balancers" / "agreement.json"
GOLDEN_COUNTS = (5,)
COUNTS = (1, 2, 3, 5, 8, 12)
SIZE = 40


def jacobians(tasks: int, seed: int) -> dict[str, np.ndarray]:
    """One Jacobian of every kind, float32 numbers."""
    random = np.random.default_rng((seed, tasks))
    plain = random.normal(size=(tasks, SIZE))
    axis = random.normal(size=SIZE)
    sign = np.where(np.arange(tasks) % 2, -1.0, 1.0)[:, None]
    scale = np.ones((tasks, 1))
    scale[tasks // 2] = 1e4
    low = random.integers(-3, 4, size=(tasks, max(1, tasks // 2)))  # exact in float32
    low += (np.abs(low).sum(1) == 0)[:, None]
    base = np.round(random.normal(size=(low.shape[1], SIZE)) * 256) / 256
    found = {
        "gaussian": plain,
        "conflicting": 0.3 * plain + sign * axis,
        "collinear": axis + 0.03 * plain,
        "duplicated": plain[np.arange(tasks) // 2],
        "zero row": np.where(np.arange(tasks)[:, None] == tasks // 2, 0.0, plain),
        "one 1e4": plain * scale,
        "one 1e-4": plain / scale,
        "low rank": low @ base,
        "antiparallel": np.vstack([plain[:1], -2 * plain[:1], plain[2:]])[:tasks],
    }
    return {name: rows.astype("float32").astype(float) for name, rows in found.items()}


# Our balancer, its reference, the definition's residual, and whether it can be met
METHODS: dict[str, tuple] = {
    "mgda": (balancers.MGDA(), mgda, of_mgda, always),
    "cagrad": (balancers.CAGrad(rescale=False), cagrad, of_cagrad, always),
    "nash_mtl": (balancers.NashMTL(), bargained(1.0), of_fairgrad(1.0), a_direction_lowers_all),
    "fairgrad": (balancers.FairGrad(), bargained(2.0), of_fairgrad(2.0), a_direction_lowers_all),
    "upgrad": (balancers.UPGrad(), of_torchjd(lambda jd: jd.UPGrad()), None, always),
    "dual_proj": (balancers.DualProj(), of_torchjd(lambda jd: jd.DualProj()), None, always),
    "aligned_mtl": (balancers.AlignedMTL(), of_torchjd(lambda jd: jd.AlignedMTL()), None, always),
    "imtl_g": (
        balancers.IMTLG(),
        of_torchjd(lambda jd: jd.IMTLG()),
        of_equal_slopes,
        a_direction_serves_all,
    ),
    "config": (
        balancers.ConFIG(),
        of_torchjd(lambda jd: jd.ConFIG()),
        of_equal_slopes,
        a_direction_serves_all,
    ),
    "pcgrad": (balancers.PCGrad(shuffle=False), pcgrad, None, always),
    "gradvac": (balancers.GradVac(beta=0.5, shuffle=False), gradvac, None, always),
}


@functools.cache
def prepared(name: str, tasks: int, xla: bool) -> tuple[balancers.GramianBalancer, Callable]:
    """A balancer, and its decision as a graph, which XLA compiles or not."""
    balancer = METHODS[name][0].fresh()
    balancer.setup(Setup([f"t{i}" for i in range(tasks)]))
    if xla:
        return balancer, lambda g, *rest: balancer.decide(Measured(rest[0], g), rest[1])
    return balancer, tf.function(balancer.decided, autograph=False)


def ours(name: str, rows: np.ndarray, xla: bool = False) -> np.ndarray:
    """Weights on the paper's scale."""
    balancer, decide = prepared(name, len(rows), xla)
    for variable in balancer.variables:
        variable.assign(tf.zeros_like(variable))
    short = tf.constant(rows, tf.float32)
    gramian = tf.matmul(short, short, transpose_b=True)
    losses, present = tf.ones(len(rows)), tf.constant([True] * len(rows))
    for _ in range(2 if name == "gradvac" else 1):
        weights = decide(gramian, losses, present).weights.numpy().astype(float)
    count = (np.abs(rows).sum(1) > 0).sum()
    return weights / (count if balancer.paper_reduction == "mean" and count > 1 else 1)


def distance(weights: np.ndarray, rows: np.ndarray, slopes: np.ndarray) -> float:
    """How far a direction is from one with these inner products with the rows, relative to it.

    In a direction shorter than a thousandth of its summands, float32 leaves no digits: it counts
    as that long.
    """
    units = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    basis = np.linalg.pinv(units, rcond=1e-6)
    found, wanted = basis @ (units @ (weights @ rows)), basis @ slopes
    least = 1e-3 * np.abs(weights) @ np.linalg.norm(rows, axis=1)
    return float(np.linalg.norm(found - wanted) / max(np.linalg.norm(wanted), least, 1e-300))


def expected(name: str, rows: np.ndarray) -> np.ndarray | None:
    """Slopes of the reference's direction along the unit gradients; None if there is none."""
    _, reference, _, possible = METHODS[name]
    if len(rows) > 1 and not possible(rows):
        return None
    direction = reference(rows) if len(rows) > 1 else rows.sum(0)  # one task: its gradient
    return rows @ direction / np.linalg.norm(rows, axis=1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--tasks", type=int, nargs="*", default=COUNTS)
    parser.add_argument("--only", nargs="*", default=list(METHODS))
    parser.add_argument("--kinds", nargs="*", default=list(jacobians(2, 0)))
    parser.add_argument("--no-xla", action="store_true")
    parser.add_argument("--verbose", action="store_true", help="tell each case above 1e-3")
    parser.add_argument("--golden", action="store_true", help="write the cases of the test")
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore")  # of cvxpy's, about inaccurate solutions
    if arguments.golden:
        write_golden()
        return
    print("| method | " + " | ".join(arguments.kinds) + " |")
    print("|---|" + "---:|" * len(arguments.kinds))
    for name in arguments.only:
        cells = [cell(name, kind, arguments) for kind in arguments.kinds]
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


def cell(name: str, kind: str, arguments: argparse.Namespace) -> str:
    """The worst case of a method and a kind of Jacobian."""
    _, _, residual, _ = METHODS[name]
    worst, mark, impossible = 0.0, "", False
    for tasks in arguments.tasks:
        for seed in range(arguments.seeds):
            whole = jacobians(tasks, seed)[kind]
            used = np.abs(whole).sum(1) > 0
            rows = whole[used]
            if not len(rows):
                continue
            slopes = expected(name, rows)
            for xla in (False,) if arguments.no_xla else (False, True):
                weights = ours(name, whole, xla)[used]
                if slopes is None:
                    assert np.isfinite(weights).all()
                    impossible = True
                    continue
                value, by = distance(weights, rows, slopes), ""
                if value > 1e-3 and residual is not None:
                    left = residual(weights, rows @ rows.T)
                    if arguments.verbose:
                        print(f"{name}, {kind}, {tasks}, {seed}, {xla}: {value:.1e}, {left:.1e}")
                    value, by = (left, "*") if left < 1e-3 else (value, "")
                if not value <= worst:
                    worst, mark = value, by
    return f"{worst:.0e}{mark}{' –' if impossible else ''}"


def write_golden() -> None:
    """Slopes of the references' directions, by method, kind and number of tasks."""
    golden: dict[str, dict[str, dict[str, list[float] | None]]] = {}
    for name in METHODS:
        golden[name] = {}
        for kind in jacobians(2, 0):
            cases = golden[name][kind] = {}
            for tasks in GOLDEN_COUNTS:
                rows = jacobians(tasks, 0)[kind]
                slopes = expected(name, rows[np.abs(rows).sum(1) > 0])
                cases[str(tasks)] = (
                    slopes if slopes is None else [float(f"{s:.7g}") for s in slopes]
                )
    lines = [f"{json.dumps(name)}: {json.dumps(cases)}" for name, cases in golden.items()]
    GOLDEN.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
