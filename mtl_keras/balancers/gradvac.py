"""Gradient vaccine (Wang et al., 2021)."""

from typing import Any

import keras
import tensorflow as tf

from mtl_keras.balancers.pcgrad import PCGrad
from mtl_keras.errors import check


@keras.saving.register_keras_serializable("mtl_keras")
class GradVac(PCGrad):
    r"""Turns each gradient towards the others until their usual similarity is reached.

    Keeps running averages $\hat\varphi_{ij}$ of the cosines. For each task, in a random order of
    the others, with $\varphi = \cos(p, g_j)$: if $\varphi < \hat\varphi_{ij}$,

    $$p \leftarrow p + \frac{\lVert p \rVert (\hat\varphi \sqrt{1 - \varphi^2} -
    \varphi \sqrt{1 - \hat\varphi^2})}{\lVert g_j \rVert \sqrt{1 - \hat\varphi^2}}\, g_j,$$

    after which $\cos(p, g_j) = \hat\varphi$; then $\hat\varphi \leftarrow (1 - \beta) \hat\varphi +
    \beta \varphi$. The update is the sum of all $p$. Applied to the whole shared model (the paper
    also applies it to groups of parameters). With $\hat\varphi = 0$ it is PCGrad.

    Args:
        beta: $\beta$ in (0, 1]. Default 0.01 (paper; LibMTL and TorchJD have 0.5).

    References:
        Wang, Tsvetkov, Firat, Cao: "Gradient Vaccine: Investigating and Improving Multi-task
        Optimization in Massively Multilingual Models", ICLR 2021,
        https://arxiv.org/abs/2010.05874, algorithm 1.

    Example:

    >>> from mtl_keras.balancers import Setup
    >>> balancer = GradVac()
    >>> balancer.setup(Setup(["a", "b"]))
    >>> gramian = tf.constant([[1.0, -0.5], [-0.5, 1.0]], tf.float64)
    >>> balancer.weigh(tf.ones(2), tf.constant([True, True]), gramian).numpy()
    array([1.5, 1.5])
    """

    also_called = "gradient_vaccine"
    identifier = "gradvac"
    when = "Many related tasks (languages, domains) whose gradients usually agree."

    def __init__(self, beta: float = 0.01, shuffle: bool = True, seed: int = 0, **kwargs: Any):
        check(0 < beta <= 1, "beta", "be > 0 and <= 1", beta)
        super().__init__(shuffle=shuffle, seed=seed, **kwargs)
        self.beta = beta

    def build(self, input_shape: tuple[int, ...]) -> None:
        super().build(input_shape)
        self.targets = self.add_state((input_shape[0], input_shape[0]), name="targets")

    def weigh(self, losses: tf.Tensor, present: tf.Tensor, gramian: tf.Tensor) -> tf.Tensor:
        tasks, dtype = gramian.shape[0], gramian.dtype
        order = self.order(tasks)
        rows = tf.eye(tasks, dtype=dtype)
        norms = tf.sqrt(tf.linalg.diag_part(gramian))
        targets = tf.cast(tf.convert_to_tensor(self.targets.value), dtype)
        itself = tf.range(tasks, dtype=order.dtype)
        for turn in range(tasks):
            other = tf.one_hot(order[:, turn], tasks, dtype=dtype)
            image = tf.matmul(rows, gramian)
            length = tf.sqrt(tf.maximum(tf.reduce_sum(rows * image, -1), 0.0))
            norm = tf.linalg.matvec(other, norms)
            met = present & (norm > 0) & (length > 0) & (order[:, turn] != itself)
            size = tf.where(met, length * norm, 1)
            cosine = tf.clip_by_value(tf.reduce_sum(image * other, -1) / size, -1.0, 1.0)
            target = tf.reduce_sum(targets * other, -1)
            wanted = tf.clip_by_value(target, -1 + 1e-6, 1 - 1e-6)
            sine, wanted_sine = tf.sqrt(1 - cosine**2), tf.sqrt(1 - wanted**2)
            share = length * (wanted * sine - cosine * wanted_sine)
            share = share / (tf.where(met, norm, 1) * wanted_sine)
            rows += tf.where(met & (cosine < wanted), share, 0)[:, None] * other
            moved = tf.where(met, self.beta * (cosine - target), 0)
            targets += moved[:, None] * other
        self.targets.assign(tf.cast(targets, tf.float32))
        return tf.reduce_sum(rows * tf.cast(present, dtype)[:, None], 0)
