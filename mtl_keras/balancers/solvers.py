"""Small convex problems over K x K matrices, in TensorFlow: the numerical part of the balancers.

All solvers work in float64 on matrices with entries of order 1, are stateless and run under XLA.
Rows and columns of an absent task are zero, and so is its entry in every result.
"""

from collections.abc import Callable

import tensorflow as tf

Derivatives = Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]


def pseudo_inverse(matrix: tf.Tensor, tolerance: float = 1e-7) -> tf.Tensor:
    """Moore-Penrose inverse of a symmetric positive semi-definite matrix.

    Args:
        matrix: `(K, K)`.
        tolerance: Eigenvalues below `tolerance * K * largest` count as zero. The default suits a
            matrix of products of float32 numbers.
    """
    values, vectors = tf.linalg.eigh(matrix)
    kept = values > tolerance * matrix.shape[-1] * tf.reduce_max(values)
    inverse = tf.cast(kept, values.dtype) / tf.where(kept, values, tf.ones_like(values))
    return tf.matmul(vectors * inverse, vectors, transpose_b=True)


def interior_point(
    derivatives: Derivatives,
    lower: tf.Tensor,
    present: tf.Tensor,
    plane: tf.Tensor | None = None,
    steps: int = 40,
) -> tf.Tensor:
    r"""Minimise a convex function under lower bounds and, optionally, on a plane.

    $$\min_x f(x) \quad \text{s.t.} \quad x \ge l, \quad a^\top x = 1$$

    A primal-dual interior-point method: Newton's method on the optimality conditions
    $\nabla f(x) - z + \nu a = 0$, $(x_i - l_i) z_i = \mu$, with $\mu$ falling tenfold per step
    (Boyd and Vandenberghe, "Convex Optimization", section 11.7).

    Args:
        derivatives: Function from `x`, `(..., K)`, to gradient, `(..., K)`, and Hessian,
            `(..., K, K)`.
        lower: l, `(..., K)`; 0 for absent tasks.
        present: Bool `(K,)`; an absent task's x stays 0.
        plane: a, `(K,)`, zeros and ones, and then l is 0; None for no such constraint.
        steps: Maximum number of Newton steps; stops earlier if the gap falls below 1e-13.

    Returns:
        x, `(..., K)`.
    """
    one = tf.ones([], lower.dtype)
    mask = tf.cast(present, lower.dtype)
    count = tf.reduce_sum(mask)
    pairs = mask[:, None] * mask
    start = lower + mask / count
    if plane is not None:
        plane = mask * plane
        start = tf.where(plane > 0, plane / tf.reduce_sum(plane), lower + mask)

    def step(number: tf.Tensor, x: tf.Tensor, z: tf.Tensor, _: tf.Tensor) -> tuple[tf.Tensor, ...]:
        slack = tf.where(present, x - lower, one)
        gap = tf.reduce_sum(slack * z, -1, keepdims=True) / count
        target = tf.maximum(0.1 * gap, 1e-14) / slack
        gradient, hessian = derivatives(x)
        matrix = tf.linalg.set_diag(
            pairs * hessian, mask * (tf.linalg.diag_part(hessian) + z / slack + 1e-14) + 1 - mask
        )
        right = mask * (target - gradient)
        factor = tf.linalg.cholesky(matrix)
        change = tf.linalg.cholesky_solve(factor, right[..., None])[..., 0]
        if plane is not None:
            normal = tf.linalg.cholesky_solve(factor, plane[:, None])[:, 0]
            over = tf.reduce_sum(plane * (x + change)) - 1
            change -= over / tf.reduce_sum(plane * normal) * normal
        change_z = mask * (target - z - z / slack * change)
        room = tf.maximum(-change / slack, -change_z / tf.where(present, z, one))
        length = 0.99 / tf.maximum(tf.reduce_max(room, -1, keepdims=True), 0.99)
        return number + 1, x + length * change, z + length * change_z, tf.reduce_max(gap)

    _, x, _, _ = tf.while_loop(
        lambda number, x, z, gap: (number < steps) & (gap > 1e-13),
        step,
        (0, start, tf.ones_like(lower) * mask, one),
    )
    return x


def min_norm(gramian: tf.Tensor, present: tf.Tensor) -> tf.Tensor:
    """Weights on the simplex of the shortest vector in the gradients' convex hull."""
    gramian = gramian / tf.reduce_max(tf.linalg.diag_part(gramian))
    return interior_point(
        lambda x: (tf.linalg.matvec(gramian, x), gramian),
        tf.zeros_like(gramian[0]),
        present,
        plane=tf.ones_like(gramian[0]),
    )


def most_averse(
    gramian: tf.Tensor, linear: tf.Tensor, cone: tf.Tensor, present: tf.Tensor
) -> tf.Tensor:
    r"""$\arg\min_w b^\top w + c \sqrt{w^\top G w}$ on the simplex (the dual problem of CAGrad).

    The root is $\min_{t > 0} \tfrac12 (w^\top G w / t + t)$, jointly convex in $w$ and $t$, and
    smooth also where the root is not.
    """

    def derivatives(x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        w, t = x[:-1], x[-1]
        slope = tf.linalg.matvec(gramian, w) / t
        square = tf.tensordot(w, slope, 1) / t
        gradient = tf.concat([linear + cone * slope, [0.5 * cone * (1 - square)]], 0)
        side = -cone * slope[:, None] / t
        hessian = tf.concat(
            [
                tf.concat([cone * gramian / t, side], 1),
                tf.concat([tf.transpose(side), [[cone * square / t]]], 1),
            ],
            0,
        )
        return gradient, hessian

    zeros = tf.zeros_like(linear)
    return interior_point(
        derivatives,
        tf.concat([zeros, [1e-4]], 0),  # t: keeps the Hessian bounded where the optimum is 0
        tf.concat([present, [True]], 0),
        plane=tf.concat([zeros + 1, [0]], 0),
    )[:-1]


def dual_cone(gramian: tf.Tensor, lower: tf.Tensor, present: tf.Tensor) -> tf.Tensor:
    r"""$\arg\min_v v^\top G v$ subject to $v \ge l$, for one $l$ or several at once."""
    hessian = tf.broadcast_to(gramian, [*lower.shape[:-1], *gramian.shape])
    return interior_point(lambda x: (tf.linalg.matvec(hessian, x), hessian), lower, present)


def bargain(
    gramian: tf.Tensor, preferences: tf.Tensor, present: tf.Tensor, power: float = 1.0
) -> tf.Tensor:
    r"""The positive solution of $G \alpha = p\, \alpha^{-1/a}$.

    It is the unique minimum of the strictly convex $\tfrac12 \alpha^\top G \alpha - \sum_i p_i
    u(\alpha_i)$ with $u = \log$ for $a = 1$, else $u(\alpha) = \alpha^{1 - 1/a} / (1 - 1/a)$:
    Newton's method, which tries sixteen step lengths at once and takes the best.

    Args:
        gramian: G, `(K, K)`.
        preferences: p > 0, `(K,)`.
        present: Bool `(K,)`.
        power: a > 0.
    """
    one = tf.ones([], gramian.dtype)
    mask = tf.cast(present, gramian.dtype)
    preferences = preferences + 1 - mask
    norms = tf.sqrt(tf.linalg.diag_part(gramian)) + 1 - mask
    matrix = gramian + tf.linalg.diag(1 - mask)
    lengths = tf.pow(one * 0.5, tf.cast(tf.range(16), gramian.dtype))[:, None]

    def value(alpha: tf.Tensor) -> tf.Tensor:
        """The objective of each row."""
        if power == 1.0:
            utility = tf.math.log(alpha)
        else:
            utility = tf.pow(alpha, 1 - 1 / power) / (1 - 1 / power)
        quadratic = 0.5 * tf.reduce_sum(alpha * tf.matmul(alpha, matrix), -1)
        return quadratic - tf.reduce_sum(preferences * utility, -1)

    def step(number: tf.Tensor, alpha: tf.Tensor, _: tf.Tensor) -> tuple[tf.Tensor, ...]:
        slope = preferences * tf.pow(alpha, -1 / power)
        gradient = tf.linalg.matvec(matrix, alpha) - slope
        hessian = matrix + tf.linalg.diag(slope / alpha / power)
        change = -tf.linalg.cholesky_solve(tf.linalg.cholesky(hessian), gradient[:, None])[:, 0]
        tried = alpha + lengths * change
        values = tf.where(tf.reduce_all(tried > 0, -1), value(tf.abs(tried) + 1e-300), one / 0)
        best = tf.gather(tried, tf.argmin(values))
        residual = tf.reduce_max(tf.abs(gradient) / slope)
        return number + 1, best, residual

    start = tf.pow(preferences / norms**2, power / (1 + power))
    _, alpha, _ = tf.while_loop(
        lambda number, alpha, residual: (number < 50) & (residual > 1e-9),
        step,
        (0, start, one),
    )
    return mask * alpha
