"""Directions of our balancers beside those of TorchJD, on Jacobians of many kinds.

Ours sees the float32 Gramian, as in training, with XLA and without; TorchJD gets the same numbers
in float64. What TorchJD solves only roughly, or draws at random, is computed anew: MGDA and the
projections by an interior-point solver (cvxpy), CAGrad too, Nash-MTL and FairGrad by Newton's
method in float64, PCGrad and GradVac by their loops over tasks in the order of the tasks.

A case agrees where the directions differ by less than 1e-3 of their length. Where they do not, the
*residual* says who is right: how far each is from the method's definition, free of any scale. Run
with `python benchmarks/torchjd_agreement.py` (`pip install -e .[benchmarks]`).
"""

import argparse
import warnings
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from mtl_keras import balancers
from mtl_keras.balancers import Setup
from mtl_keras.balancers.decision import Measured

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


# The definitions, in float64: `weights` of the paper's scale in, a relative residual out


def lengths(gramian: np.ndarray) -> np.ndarray:
    return np.sqrt(np.diag(gramian))


def of_mgda(w: np.ndarray, g: np.ndarray) -> float:
    """No loss falls less than by the squared length, on the simplex."""
    off = max(abs(w.sum() - 1), -w.min())
    return max(off, (w @ g @ w - (g @ w).min()) / (np.abs(w) @ lengths(g)) ** 2)


def of_cagrad(w: np.ndarray, g: np.ndarray, c: float = 0.5) -> float:
    """Duality gap of the best step for the worst task, and the distance from the ball."""
    mean = np.full(len(w), 1 / len(w))
    added = w - mean
    if added.sum() <= 0:
        return 1.0
    dual = added / added.sum()
    radius = c * np.sqrt(mean @ g @ mean)
    best = dual @ g @ mean + radius * np.sqrt(max(dual @ g @ dual, 0))
    size = (1 + c) / c * radius * (dual @ lengths(g))
    outside = np.sqrt(max(added @ g @ added, 0)) / radius - 1
    return max((best - (g @ w).min()) / size, outside, -dual.min())


def of_fairgrad(power: float) -> Callable:
    def residual(w: np.ndarray, g: np.ndarray) -> float:
        return 1.0 if w.min() <= 0 else np.abs((g @ w) * w ** (1 / power) - 1).max()

    return residual


def of_projection(each: bool) -> Callable:
    """Optimality conditions of the projection onto the dual cone; of a sum of K of them."""

    def residual(w: np.ndarray, g: np.ndarray) -> float:
        matrix = g / np.trace(g) + 1e-4 * np.eye(len(w))
        slopes, length = matrix @ w, np.sqrt(w @ matrix @ w)
        below = (-slopes / lengths(matrix)).max() / length
        if each:  # of the sum only the cone itself is known
            return max(below, 0.0)
        over = w - 1 / len(w)
        return max(below, np.abs(over * slopes).max() / length**2, -over.min() * len(w))

    return residual


def of_equal_slopes(w: np.ndarray, g: np.ndarray) -> float:
    """How unequal the cosines with the gradients are, as a sine."""
    slopes = g @ w / lengths(g)
    if not np.linalg.norm(slopes):
        return 1.0
    return np.sqrt(max(1 - slopes.sum() ** 2 / len(w) / (slopes @ slopes), 0))


# The references


def by_cvxpy(objective: Callable, n: int, lower: np.ndarray | float, plane: bool) -> np.ndarray:
    import cvxpy as cp

    w = cp.Variable(n)
    limits = [w >= lower] + ([cp.sum(w) == 1] if plane else [])
    cp.Problem(cp.Minimize(objective(cp, w)), limits).solve(
        cp.CLARABEL, tol_gap_abs=1e-13, tol_gap_rel=1e-13, tol_feas=1e-13
    )
    return w.value


def mgda(rows: np.ndarray) -> np.ndarray:
    unit = rows / np.linalg.norm(rows, axis=1).min()
    w = by_cvxpy(lambda cp, w: cp.sum_squares(unit.T @ w), len(rows), 0.0, plane=True)
    return np.maximum(w, 0) / np.maximum(w, 0).sum()


def cagrad(rows: np.ndarray, c: float = 0.5) -> np.ndarray:
    """The primal problem, which has a solution also where the paper's formula divides by 0."""
    import cvxpy as cp

    mean = rows.mean(0)
    norms = np.linalg.norm(rows, axis=1)
    basis = np.linalg.svd(rows / norms[:, None], full_matrices=False)[2]
    units, middle = rows / norms[:, None] @ basis.T, basis @ mean / np.linalg.norm(mean)
    u, worst = cp.Variable(len(basis)), cp.Variable()
    scale = norms / norms.min()
    limits = [units @ (middle + u) >= worst / scale, cp.norm(u) <= c]
    cp.Problem(cp.Maximize(worst), limits).solve(cp.CLARABEL, tol_gap_abs=1e-12, tol_gap_rel=1e-12)
    return mean + np.linalg.norm(mean) * (basis.T @ u.value)


def bargained(rows: np.ndarray, power: float) -> np.ndarray:
    """Damped Newton steps on the convex problem, in the lengths' units."""
    g, n = rows @ rows.T, len(rows)
    w = np.diag(g) ** (-power / (1 + power))
    for _ in range(500):
        slope = w ** (-1 / power)
        gradient, hessian = g @ w - slope, g + np.diag(slope / w / power)
        change = -np.linalg.solve(hessian, gradient)
        decrement = np.sqrt(max(-gradient @ change, 0))
        length = min(1.0, 0.9 / max((-change / w).max(), 0.9))
        w = w + change * (length if decrement < 0.25 else min(length, 1 / (1 + decrement)))
        if np.abs(gradient / slope).max() < 1e-12:
            break
    return w[:n]


def projected(rows: np.ndarray, each: bool) -> np.ndarray:
    g = rows @ rows.T
    root = np.linalg.cholesky(g / np.trace(g) + 1e-4 * np.eye(len(g))).T
    lowers = np.eye(len(g)) / len(g) if each else [np.full(len(g), 1 / len(g))]
    return sum(
        by_cvxpy(lambda cp, w: cp.sum_squares(root @ w), len(g), lower, plane=False)
        for lower in lowers
    )


def pcgrad(rows: np.ndarray) -> np.ndarray:
    total = np.zeros(rows.shape[1])
    for i, own in enumerate(rows):
        p = own.copy()
        for j, other in enumerate(rows):
            if i != j and p @ other < 0:
                p -= (p @ other) / (other @ other) * other
        total += p
    return total


def gradvac(rows: np.ndarray) -> np.ndarray:
    """The second of two equal steps from targets of 0."""
    targets, beta = np.zeros((len(rows), len(rows))), 0.5
    for _ in range(2):
        total = np.zeros(rows.shape[1])
        for i, own in enumerate(rows):
            p = own.copy()
            for j, other in enumerate(rows):
                if i == j:
                    continue
                size = np.linalg.norm(p) * np.linalg.norm(other)
                cosine, target = p @ other / size, targets[i, j]
                if cosine < target:
                    sines = np.sqrt(1 - cosine**2), np.sqrt(1 - target**2)
                    share = target * sines[0] - cosine * sines[1]
                    p += np.linalg.norm(p) * share / np.linalg.norm(other) / sines[1] * other
                targets[i, j] += beta * (cosine - target)
            total += p
    return total


def of_torchjd(make: Callable) -> Callable:
    def direction(rows: np.ndarray) -> np.ndarray:
        import torch
        import torchjd.aggregation as aggregation

        return make(aggregation)(torch.from_numpy(rows)).numpy()

    return direction


# Our balancer; the reference, a function from the rows to the direction or the weights; the
# definition's residual, if the weights alone decide
METHODS: dict[str, tuple] = {
    "mgda": (balancers.MGDA(), mgda, of_mgda),
    "cagrad": (balancers.CAGrad(rescale=False), cagrad, of_cagrad),
    "nash_mtl": (balancers.NashMTL(), lambda rows: bargained(rows, 1.0), of_fairgrad(1.0)),
    "fairgrad": (balancers.FairGrad(), lambda rows: bargained(rows, 2.0), of_fairgrad(2.0)),
    "upgrad": (balancers.UPGrad(), lambda rows: projected(rows, True), of_projection(True)),
    "dual_proj": (balancers.DualProj(), lambda rows: projected(rows, False), of_projection(False)),
    "aligned_mtl": (balancers.AlignedMTL(), of_torchjd(lambda jd: jd.AlignedMTL()), None),
    "imtl_g": (balancers.IMTLG(), of_torchjd(lambda jd: jd.IMTLG()), of_equal_slopes),
    "config": (balancers.ConFIG(), of_torchjd(lambda jd: jd.ConFIG()), of_equal_slopes),
    "pcgrad": (balancers.PCGrad(shuffle=False), pcgrad, None),
    "gradvac": (balancers.GradVac(beta=0.5, shuffle=False), gradvac, None),
}


def ours(balancer: balancers.GramianBalancer, rows: np.ndarray, xla: bool) -> np.ndarray:
    """Weights on the paper's scale."""
    fresh = balancer.fresh()
    tasks = len(rows)
    fresh.setup(Setup([f"t{i}" for i in range(tasks)]))
    short = tf.constant(rows, tf.float32)
    gramian = tf.matmul(short, short, transpose_b=True)
    losses, present = tf.ones(tasks), tf.constant([True] * tasks)
    measured = Measured(losses, gramian)
    decide = (
        (lambda: fresh.decide(measured, present))
        if xla
        else (lambda: fresh.decided(gramian, losses, present))
    )
    if isinstance(balancer, balancers.GradVac):
        decide()
    weights = decide().weights.numpy().astype(float)
    count = (np.abs(rows).sum(1) > 0).sum()
    return weights / (count if balancer.paper_reduction == "mean" and count > 1 else 1)


def judged(name: str, rows: np.ndarray, xla: bool) -> tuple[float, float, float]:
    """Relative distance of the directions, our residual and the reference's (NaN without one)."""
    balancer, reference, residual = METHODS[name]
    used = np.abs(rows).sum(1) > 0
    weights = ours(balancer, rows, xla)[used]
    rows = rows[used]
    gramian = rows @ rows.T
    if len(rows) < 2:  # one task: the plain gradient, by the library's rule
        return np.abs(weights - 1).max(initial=0), np.nan, np.nan
    if not np.isfinite(weights).all():
        return np.inf, np.inf, np.inf
    found = reference(rows)
    theirs = np.nan
    if len(found) == len(rows) and found.ndim == 1 and len(rows) != SIZE:
        theirs = residual(found, gramian) if residual else np.nan
        found = found @ rows
    elif residual:
        solved = np.linalg.lstsq(rows.T, found, rcond=None)[0]
        theirs = residual(solved, gramian)
    distance = np.linalg.norm(weights @ rows - found) / max(np.linalg.norm(found), 1e-300)
    return distance, residual(weights, gramian) if residual else np.nan, theirs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--tasks", type=int, nargs="*", default=COUNTS)
    parser.add_argument("--only", nargs="*", default=list(METHODS))
    parser.add_argument("--kinds", nargs="*", default=[])
    parser.add_argument("--no-xla", action="store_true")
    parser.add_argument("--verbose", action="store_true")
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore")  # of cvxpy's, about inaccurate solutions
    kinds = arguments.kinds or list(jacobians(2, 0))
    print("| method | " + " | ".join(kinds) + " |")
    print("|---|" + "---:|" * len(kinds))
    for name in arguments.only:
        cells = []
        for kind in kinds:
            worst, known = 0.0, ""
            for tasks in arguments.tasks:
                for seed in range(arguments.seeds):
                    rows = jacobians(tasks, seed)[kind]
                    for xla in (False, True)[: 1 if arguments.no_xla else 2]:
                        try:
                            distance, mine, theirs = judged(name, rows, xla)
                        except Exception as error:  # a solver of the references gave up
                            distance, mine, theirs = np.inf, np.nan, np.nan
                            print(name, kind, tasks, seed, repr(error)[:100])
                        value, mark = distance, ""
                        if distance > 1e-3 and mine <= max(1e-3, theirs):
                            value, mark = mine, "*"
                        if arguments.verbose and distance > 1e-3:
                            print(
                                f"{name} {kind} K={tasks} {seed} xla={xla}: {distance:.1e} "
                                f"residual {mine:.1e} reference {theirs:.1e}"
                            )
                        if value >= worst:
                            worst, known = value, mark
            cells.append(f"{worst:.0e}{known}")
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
