"""Synthetic data with a known relation between the tasks."""

import numpy as np
import pandas as pd

from mtl_keras.errors import check


def correlated_tasks(
    rows: int = 10_000,
    correlation: float = 0.5,
    features: int = 100,
    waves: int = 5,
    scale: float = 1.0,
    noise: float = 0.1,
    seed: int = 0,
) -> pd.DataFrame:
    r"""Return the synthetic data of MMoE: two regression tasks with a chosen relatedness.

    With orthogonal unit vectors $u_1, u_2$: $w_1 = c\, u_1$,
    $w_2 = c\, (p\, u_1 + \sqrt{1 - p^2}\, u_2)$, $x \sim N(0, I)$ and
    $y_k = w_k^\top x + \sum_i \sin(\alpha_i w_k^\top x + \beta_i) + \epsilon_k$. The waves are the
    same for both tasks; the cosine of the two weight vectors is p.

    Args:
        rows: Number of rows. Default 10,000.
        correlation: p, from -1 to 1. Default 0.5.
        features: Number of features. Default 100.
        waves: Number of sines. Default 5.
        scale: c. Default 1.0.
        noise: Standard deviation of epsilon. Default 0.1 (a variance of 0.01, as in the paper).
        seed: Integer seed. Default 0.

    Returns:
        A table with the columns `x1`, ..., `y1` and `y2`.

    Raises:
        ConfigError: if an argument is out of its range.

    References:
        Ma et al.: "Modeling Task Relationships in Multi-task Learning with Multi-gate
        Mixture-of-Experts", KDD 2018, section 3.3. The paper does not give the waves: here
        $\alpha_i, \beta_i \sim N(0, 1)$, drawn until a straight line explains a quarter of the
        variance, because waves that cancel the linear part would leave nothing that can be learned
            quickly.

    Example:

    >>> table = correlated_tasks(rows=1000, correlation=1.0, noise=0.0)
    >>> bool(np.allclose(table["y1"], table["y2"]))
    True
    """
    check(rows >= 1, "rows", "be >= 1", rows)
    check(-1 <= correlation <= 1, "correlation", "be from -1 to 1", correlation)
    check(features >= 2, "features", "be >= 2", features)
    random = np.random.default_rng(seed)
    first, second = np.linalg.qr(random.normal(size=(features, 2)))[0].T
    weights = [first, correlation * first + np.sqrt(1 - correlation**2) * second]
    grid = scale * np.linspace(-3, 3, 601)
    density = np.exp(-0.5 * (grid / scale) ** 2)
    explained = 0.0
    while explained < 0.25:
        alpha, beta = random.normal(size=(2, waves))
        label = grid + np.sin(np.outer(grid, alpha) + beta).sum(axis=1)
        covariance = np.cov(grid, label, aweights=density)
        explained = covariance[0, 1] ** 2 / (covariance[0, 0] * covariance[1, 1])
    x = random.normal(size=(rows, features))
    table = pd.DataFrame(x, columns=[f"x{number}" for number in range(1, features + 1)])
    for number, weight in enumerate(weights, start=1):
        along = scale * x @ weight
        waved = np.sin(np.outer(along, alpha) + beta).sum(axis=1)
        table[f"y{number}"] = along + waved + random.normal(0, noise, rows)
    return table
