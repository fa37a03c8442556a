"""Small convex problems over K x K matrices, in TensorFlow: the numerical part of the balancers.

All solvers work in float64, are stateless and run under XLA. None depends on the scale of the
gradients, neither on that of all nor on that of one beside the others. Rows and columns of an
absent task are zero, and so is its entry in every result.
"""

from collections.abc import Callable

import tensorflow as tf

Derivatives = Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]

STEPS = 60  # of Newton's method, at most
ROUNDING = 1e-6
"""Eigenvalues of the matrix of cosines that rounding alone may cause.

The Gramian is made of float32 products: each is off by about 1e-7 of the two gradients' lengths,
by more where millions of numbers are summed.
"""


def lengths(gramian: tf.Tensor, present: tf.Tensor) -> tf.Tensor:
    """Lengths of the gradients; 1 for an absent task."""
    return tf.sqrt(tf.where(present, tf.linalg.diag_part(gramian), tf.ones_like(gramian[0])))


def spectrum(gramian: tf.Tensor, present: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Eigenvalues (ascending) and eigenvectors of the matrix of cosines; 0 for an absent task."""
    norms = lengths(gramian, present)
    values, vectors = tf.linalg.eigh(gramian / norms[:, None] / norms)
    return values, vectors


def independent(values: tf.Tensor) -> tf.Tensor:
    """Which eigenvalues of a matrix of cosines are more than rounding."""
    return values > ROUNDING * values.shape[-1]


def definite(gramian: tf.Tensor, present: tf.Tensor) -> tf.Tensor:
    """The Gramian with the eigenvalues of its cosines raised to `ROUNDING` where they are smaller.

    It is the matrix itself for gradients that are clearly independent. Others, which rounding may
    have made negative, get a little length in a direction of their own.
    """
    norms = lengths(gramian, present)
    values, vectors = spectrum(gramian, present)
    missing = tf.maximum(ROUNDING - values, 0.0)
    mask = tf.cast(present, gramian.dtype) * norms
    lift = tf.matmul(vectors * missing, vectors, transpose_b=True)
    return gramian + lift * mask[:, None] * mask


def equal_slopes(
    gramian: tf.Tensor, wanted: tf.Tensor, present: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    r"""The combination of unit gradients whose inner products with them are `wanted`.

    With the matrix of cosines C it is $y = C^{+} w$, a least-squares solution where gradients
    depend on each other; 0 where no direction serves, as for two opposite gradients.

    Returns:
        y, and the inner products reached, $C y$.
    """
    values, vectors = spectrum(gramian, present)
    kept = tf.cast(independent(values), values.dtype)
    along = kept * tf.linalg.matvec(vectors, wanted, transpose_a=True)
    none = tf.norm(along) < 1e-3 * tf.norm(wanted)  # what is left is rounding
    along = tf.where(none, tf.zeros_like(along), along)
    y = tf.linalg.matvec(vectors, along / tf.where(kept > 0, values, tf.ones_like(values)))
    return y, tf.linalg.matvec(vectors, along)


def interior_point(
    derivatives: Derivatives,
    lower: tf.Tensor,
    start: tf.Tensor,
    present: tf.Tensor,
    plane: tf.Tensor | None = None,
) -> tf.Tensor:
    r"""Minimise a convex function under lower bounds and, optionally, on a plane.

    $$\min_x f(x) \quad \text{s.t.} \quad x \ge l, \quad a^\top x = 1$$

    A primal-dual interior-point method: Newton's method on the optimality conditions
    $\nabla f(x) - z + \nu a = 0$, $(x_i - l_i) z_i = \mu$, with $\mu$ falling tenfold per step
    (Boyd and Vandenberghe, "Convex Optimization", section 11.7). It ends where the gap $\mu$ is
    below 1e-13 and the step moves nothing any more.

    Args:
        derivatives: Function from `x`, `(..., K)`, to gradient, `(..., K)`, and Hessian,
            `(..., K, K)`; f of order 1.
        lower: l, `(..., K)`; 0 for absent tasks.
        start: First x, `(..., K)`, above l and on the plane; 0 for absent tasks.
        present: Bool `(K,)`; an absent task's x stays 0.
        plane: a, `(K,)`, zeros and ones; None for no such constraint. A variable that is not on
            the plane falls by at most half per step.

    Returns:
        x, `(..., K)`.
    """
    one = tf.ones([], lower.dtype)
    mask = tf.cast(present, lower.dtype)
    count = tf.reduce_sum(mask)
    pairs = mask[:, None] * mask
    caution = one if plane is None else 2 - plane
    first = mask / tf.where(present, start - lower, one) / count

    def step(number: tf.Tensor, x: tf.Tensor, z: tf.Tensor, *_: tf.Tensor) -> tuple[tf.Tensor, ...]:
        slack = tf.where(present, x - lower, one)
        gap = tf.reduce_sum(slack * z, -1, keepdims=True) / count
        target = tf.maximum(0.1 * gap, 1e-14) / slack
        gradient, hessian = derivatives(x)
        matrix = tf.linalg.set_diag(
            pairs * hessian, mask * (tf.linalg.diag_part(hessian) + z / slack) + 1 - mask
        )
        if plane is not None:  # curvature across the plane changes nothing on it
            size = tf.linalg.trace(pairs * hessian) / count + tf.cast(1e-12, lower.dtype)
            matrix += size * plane[:, None] * plane
        right = mask * (target - gradient)
        factor = tf.linalg.cholesky(matrix)
        change = tf.linalg.cholesky_solve(factor, right[..., None])[..., 0]
        if plane is not None:
            normal = tf.linalg.cholesky_solve(factor, plane[:, None])[:, 0]
            over = tf.reduce_sum(plane * (x + change)) - 1
            change -= over / tf.reduce_sum(plane * normal) * normal
        change_z = mask * (target - z - z / slack * change)
        room = tf.maximum(-caution * change / slack, -change_z / tf.where(present, z, one))
        length = 0.99 / tf.maximum(tf.reduce_max(room, -1, keepdims=True), 0.99)
        moved = tf.reduce_max(tf.abs(change) / tf.where(present, x, one))
        return number + 1, x + length * change, z + length * change_z, tf.reduce_max(gap), moved

    _, x, _, _, _ = tf.while_loop(
        lambda number, x, z, gap, moved: (number < STEPS) & ((gap > 1e-13) | (moved > 1e-5)),
        step,
        (0, start, first, one, one),
    )
    return x


def shortest(gramian: tf.Tensor, present: tf.Tensor) -> tf.Tensor:
    """The squared length of the shortest gradient: the unit of what is on the simplex."""
    return tf.reduce_min(tf.where(present, tf.linalg.diag_part(gramian), float("inf")))


def level(gramian: tf.Tensor, present: tf.Tensor) -> tf.Tensor:
    """Weights on the simplex that make all gradients equally long."""
    weights = tf.cast(present, gramian.dtype) / lengths(gramian, present)
    return weights / tf.reduce_sum(weights)


def min_norm(gramian: tf.Tensor, present: tf.Tensor) -> tf.Tensor:
    """Weights on the simplex of the shortest vector in the gradients' convex hull."""
    gramian = definite(gramian, present) / shortest(gramian, present)
    return interior_point(
        lambda x: (tf.linalg.matvec(gramian, x), gramian),
        tf.zeros_like(gramian[0]),
        level(gramian, present),
        present,
        plane=tf.cast(present, gramian.dtype),
    )


def most_averse(
    gramian: tf.Tensor, mean: tf.Tensor, cone: float, present: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    r"""$\arg\min_w g_0 \cdot g_w + c \lVert g_0 \rVert \lVert g_w \rVert$ on the simplex (CAGrad).

    The length is $\min_{t > 0} \tfrac12 (\lVert g_w \rVert^2 / t + t)$, jointly convex in $w$ and
    $t$, and smooth also where it is 0.

    Returns:
        $w$, and the ratio $\lVert g_0 \rVert / \lVert g_w \rVert$.
    """
    gramian = gramian / shortest(gramian, present)
    linear = tf.linalg.matvec(gramian, mean)
    length = tf.sqrt(tf.maximum(tf.tensordot(mean, linear, 1), 0.0))
    linear = tf.math.divide_no_nan(linear, length)
    gramian = definite(gramian, present)
    start = level(gramian, present)
    first = tf.sqrt(tf.tensordot(start, tf.linalg.matvec(gramian, start), 1))

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

    start = tf.concat([start, [first]], 0)
    x = interior_point(
        derivatives,
        tf.zeros_like(start),
        start,
        tf.concat([present, [True]], 0),
        plane=tf.concat([tf.cast(present, start.dtype), [0]], 0),
    )
    return x[:-1], length / x[-1]


def dual_cone(gramian: tf.Tensor, lower: tf.Tensor, present: tf.Tensor) -> tf.Tensor:
    r"""$\arg\min_v v^\top G v$ subject to $v \ge l$, for one $l$ or several at once."""
    hessian = tf.broadcast_to(gramian, [*lower.shape[:-1], *gramian.shape])
    mask = tf.cast(present, lower.dtype)
    start = lower + mask / tf.reduce_sum(mask)
    return interior_point(lambda x: (tf.linalg.matvec(hessian, x), hessian), lower, start, present)


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
    norms = lengths(gramian, present)
    matrix = definite(gramian, present) + tf.linalg.diag(1 - mask)
    shares = tf.pow(one * 0.5, tf.cast(tf.range(16), gramian.dtype))[:, None]

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
        tried = alpha + shares * change
        values = tf.where(tf.reduce_all(tried > 0, -1), value(tf.abs(tried) + 1e-300), one / 0)
        best = tf.gather(tried, tf.argmin(values))
        residual = tf.reduce_max(tf.abs(gradient) / slope)
        return number + 1, best, residual

    start = tf.pow(preferences / norms**2, power / (1 + power))
    _, alpha, _ = tf.while_loop(
        lambda number, alpha, residual: (number < 50) & (residual > 1e-9), step, (0, start, one)
    )
    return mask * alpha
