"""What methods define, in float64: residuals of weights, and directions to compare with.

`torchjd_agreement.py` holds our balancers against them.
"""

from collections.abc import Callable

import numpy as np

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


def of_equal_slopes(w: np.ndarray, g: np.ndarray) -> float:
    """How unequal the cosines with the gradients are, as a sine."""
    slopes = g @ w / lengths(g)
    if not np.linalg.norm(slopes):
        return 1.0
    return np.sqrt(max(1 - slopes.sum() ** 2 / len(w) / (slopes @ slopes), 0))


# Whether there are weights that meet the definition


def a_direction_lowers_all(rows: np.ndarray) -> bool:
    units = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return float(np.linalg.norm(mgda(units))) > 1e-6


def a_direction_serves_all(rows: np.ndarray) -> bool:
    units = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    reached = units @ np.linalg.pinv(units, rcond=1e-6) @ np.ones(len(rows))
    return float(np.abs(reached - 1).max()) < 1e-6


def always(rows: np.ndarray) -> bool:
    return True


# The references: from the rows to the direction


def mgda(rows: np.ndarray) -> np.ndarray:
    import cvxpy as cp

    w = cp.Variable(len(rows))
    unit = rows / np.linalg.norm(rows, axis=1).min()
    problem = cp.Problem(cp.Minimize(cp.sum_squares(unit.T @ w)), [w >= 0, cp.sum(w) == 1])
    problem.solve(cp.CLARABEL, tol_gap_abs=1e-13, tol_gap_rel=1e-13, tol_feas=1e-13)
    return np.maximum(w.value, 0) / np.maximum(w.value, 0).sum() @ rows


def cagrad(rows: np.ndarray, c: float = 0.5) -> np.ndarray:
    """The primal problem, which has a solution also where the paper's formula divides by 0."""
    import cvxpy as cp

    mean, norms = rows.mean(0), np.linalg.norm(rows, axis=1)
    length = np.linalg.norm(mean)
    if length < 1e-12 * norms.max():
        return mean
    units = rows / norms[:, None]
    basis = np.linalg.svd(units, full_matrices=False)[2]
    u, worst = cp.Variable(len(basis)), cp.Variable()
    limits = [
        units @ basis.T @ (basis @ mean / length + u) >= worst / (norms / norms.min()),
        cp.norm(u) <= c,
    ]
    cp.Problem(cp.Maximize(worst), limits).solve(cp.CLARABEL, tol_gap_abs=1e-12, tol_gap_rel=1e-12)
    return mean + length * (basis.T @ u.value)


def bargained(power: float) -> Callable:
    """Damped Newton steps on the convex problem whose optimum is the definition."""

    def direction(rows: np.ndarray) -> np.ndarray:
        g = rows @ rows.T
        w = np.diag(g) ** (-power / (1 + power))
        for _ in range(500):
            slope = w ** (-1 / power)
            gradient, hessian = g @ w - slope, g + np.diag(slope / w / power)
            change = -np.linalg.lstsq(hessian, gradient, rcond=None)[0]
            decrement = np.sqrt(max(-gradient @ change, 0))
            length = min(1.0, 0.9 / max((-change / w).max(), 0.9))
            w = w + change * (length if decrement < 0.25 else min(length, 1 / (1 + decrement)))
            if np.abs(gradient / slope).max() < 1e-12:
                break
        return w @ rows

    return direction


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
