"""Base classes of the balancers that use the tasks' gradients."""

import functools
from typing import Any

import tensorflow as tf

from mtl_keras.balancers.base import Balancer, Setup
from mtl_keras.balancers.decision import Decision, Measured
from mtl_keras.balancers.tracker import GradientFacts, step_record
from mtl_keras.errors import check


class GradientBalancer(Balancer):
    """Base class of all gradient-based balancers.

    Only the gradient of the *shared* parameters (those that reach two tasks or more) is balanced.
    In every batch the method sees the tasks that are present and whose gradient is finite and not
    zero. A single such task has weight 1; if there is none, or the method finds no finite weights
    (counted in the logs as `balancer_failures`), all tasks have equal weights.

    Weights are scaled as in a sum: if all tasks have the same gradient, each has the weight 1, so
    that a learning rate that suits the plain sum also suits the method. Methods with a step length
    of their own describe it in `weight_if_alike`.

    Args:
        gradients: `"parameters"`: gradients of the shared parameters. `"representation"`: of the
            tensors where shared layers meet task-specific ones, which costs about one backward pass
            in total. `"last_layer"`: of the parameters of the last shared layers, at a similar
            cost.
        update_every: Integer >= 1, number of steps after which new weights are computed; in
            between, the weights are kept and a step costs one backward pass. Default 1.
        scale_heads: Whether the weights also scale the gradients of task-specific parameters.
            Default False: those get the plain gradient of their task.
        clip_norm: Float > 0: each task's gradient is first clipped to this norm. Default None.
        reduction: `"sum"`, or `"mean"` to divide the update by the number of tasks.
        diagnostics: Whether to log weights, norms, cosines and conflicts. Default True.
    """

    modes: tuple[str, ...] = ("parameters", "representation", "last_layer")
    paper_reduction = "sum"
    """What the weights from `weigh` add up to for equal gradients: the number of tasks, or 1."""
    own_preferences = False
    """Whether the method itself uses the preferences; else they scale the losses beforehand."""
    weighs_one = False
    """Whether the method also weighs a task that takes part alone; else it has the weight 1."""

    def __init__(
        self,
        gradients: str = "parameters",
        update_every: int = 1,
        scale_heads: bool = False,
        clip_norm: float | None = None,
        reduction: str = "sum",
        diagnostics: bool = True,
        **kwargs: Any,
    ) -> None:
        modes = ", ".join(map(repr, self.modes))
        check(gradients in self.modes, "gradients", f"be one of {modes}", gradients)
        whole = isinstance(update_every, int) and update_every >= 1
        check(whole, "update_every", "be an integer >= 1", update_every)
        check(clip_norm is None or clip_norm > 0, "clip_norm", "be None or > 0", clip_norm)
        check(reduction in ("sum", "mean"), "reduction", "be 'sum' or 'mean'", reduction)
        super().__init__(diagnostics=diagnostics, **kwargs)
        self.gradients = gradients
        self.update_every = update_every
        self.scale_heads = scale_heads
        self.clip_norm = clip_norm
        self.reduction = reduction

    def setup(self, facts: Setup) -> None:
        if not hasattr(self, "epochs") and self.update_every > 1:
            tasks, first = (len(facts.tasks),), facts.loss_weights or 1.0
            self.kept_weights = self.add_state(tasks, first, name="kept_weights")
            self.kept_own = self.add_state(tasks, first, name="kept_own")
            self.step = self.add_state((), name="step")
        super().setup(facts)

    # Weights that stay for `update_every` steps

    def is_due(self) -> tf.Tensor:
        """Whether the coming step computes new weights, bool `()`."""
        return tf.equal(tf.convert_to_tensor(self.step.value) % self.update_every, 0)

    def count_step(self) -> None:
        """Count a step."""
        self.step.assign_add(1.0)

    def keep(self, decision: Decision, present: tf.Tensor) -> None:
        """Keep the weights of a decision for the next steps; of an absent task, the earlier one.

        Its weight in the decision is 0, and it may have labels in the next steps.
        """
        self.kept_weights.assign(tf.where(present, decision.weights, self.kept_weights))
        self.kept_own.assign(tf.where(present, decision.own_weights, self.kept_own))

    def kept_decision(self, present: tf.Tensor) -> Decision:
        """The kept weights; the record has no gradient facts, since none were computed."""
        weights = tf.convert_to_tensor(self.kept_weights.value)
        own_weights = tf.convert_to_tensor(self.kept_own.value)
        tasks = len(self.tasks)
        none = GradientFacts(
            norms=tf.zeros([tasks]),
            cosines=tf.zeros([tasks, tasks]),
            used=tf.zeros([tasks], tf.bool),
            failed=tf.zeros([]),
            residual=tf.zeros([]),
        )
        return Decision(weights, own_weights, step_record(weights, present, none))

    # What all methods have around them

    def own_weights(self, weights: tf.Tensor, losses: tf.Tensor, present: tf.Tensor) -> tf.Tensor:
        return weights if self.scale_heads else tf.constant(self.preferences)

    def residual(self, weights: tf.Tensor, gramian: tf.Tensor, present: tf.Tensor) -> tf.Tensor:
        """How far `weights` (as `weigh` returns them) are from the method's condition."""
        return tf.zeros([], gramian.dtype)

    def scales(
        self, gramian: tf.Tensor, present: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Factors by preferences and clipping; which tasks take part; the gradients' norms."""
        squares = tf.linalg.diag_part(gramian)
        used = present & tf.math.is_finite(squares) & (squares > 0)
        norms = tf.sqrt(tf.where(used, squares, tf.zeros_like(squares)))
        scale = tf.ones_like(norms)
        if self.clip_norm is not None:
            scale = tf.minimum(scale, self.clip_norm / tf.maximum(norms, 1e-300))
        if not self.own_preferences:
            scale *= tf.constant(self.preferences, gramian.dtype)
        return scale, used, norms

    def cosines(self, gramian: tf.Tensor, used: tf.Tensor, norms: tf.Tensor) -> tf.Tensor:
        """Cosines between the gradients in use."""
        mask = tf.cast(used, gramian.dtype)
        inverse = tf.math.divide_no_nan(mask, norms)
        pairs = used[:, None] & used[None]
        return tf.where(pairs, gramian, tf.zeros_like(gramian)) * inverse[:, None] * inverse

    def finish(
        self, weights: tf.Tensor, scale: tf.Tensor, used: tf.Tensor, present: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """The weights of the raw gradients, scaled like a sum; and whether the method failed."""
        mask = tf.cast(used, weights.dtype)
        count = tf.reduce_sum(mask)
        good = tf.reduce_all(tf.math.is_finite(weights))
        several = count > (0.5 if self.weighs_one else 1.5)
        if self.paper_reduction == "mean":
            weights = weights * count
        equal = tf.where(count > 0.5, mask, tf.cast(present, weights.dtype)) * scale
        if self.own_preferences:
            equal *= tf.constant(self.preferences, weights.dtype)
        weights = tf.where(several & good, weights * scale * mask, equal)
        if self.reduction == "mean":
            weights = weights / tf.maximum(
                tf.reduce_sum(tf.cast(present, weights.dtype)), tf.ones_like(count)
            )
        return tf.cast(weights, tf.float32), tf.cast(several & ~good, tf.float32)


class GramianBalancer(GradientBalancer):
    r"""Base class of balancers that need only the Gramian $G = J J^\top$ of the per-task gradients.

    To write one, define `weigh(losses, present, gramian)`. It returns a weight per task, and may
    use any TensorFlow operations that XLA can compile, because it runs as one small compiled
    program per step.

    ```python
    @keras.saving.register_keras_serializable("my_package")
    class UnitGradients(mtl_keras.balancers.GramianBalancer):
        def weigh(self, losses, present, gramian):
            return tf.math.rsqrt(tf.linalg.diag_part(gramian))
    ```

    Example:

    >>> class Shortest(GramianBalancer):
    ...     '''Weighs only the task with the shortest gradient.'''
    ...     def weigh(self, losses, present, gramian):
    ...         lengths = tf.where(present, tf.linalg.diag_part(gramian), float("inf"))
    ...         return tf.one_hot(tf.argmin(lengths), len(self.tasks), dtype=gramian.dtype)
    >>> balancer = Shortest()
    >>> balancer.setup(Setup(["a", "b"]))
    >>> gramian = tf.constant([[4.0, 0.0], [0.0, 1.0]])
    >>> balancer.weigh(tf.ones(2), tf.constant([True, True]), gramian).numpy()
    array([0., 1.], dtype=float32)
    """

    listed = False
    needs = "gramian"
    xla = True
    """Whether `decide` is compiled with XLA, whose eigenvalues are off by 1e-6 of the largest."""

    def decide(self, measured: Measured, present: tf.Tensor) -> Decision:
        """`weigh` and everything around it that all methods share, compiled with XLA."""
        return self._compiled(measured.gramian, measured.losses, present, measured.halves)

    @functools.cached_property
    def _compiled(self) -> Any:
        return tf.function(self.decided, autograph=False, jit_compile=self.xla or None)

    def decided(
        self,
        gramian: tf.Tensor,
        losses: tf.Tensor,
        present: tf.Tensor,
        halves: tf.Tensor | None = None,
    ) -> Decision:
        """What `decide` compiles; called directly where compiling is not worth it."""
        gramian = tf.cast(gramian, tf.float64)
        scale, used, norms = self.scales(gramian, present)
        pairs = used[:, None] & used[None]
        products = gramian if halves is None else tf.cast(halves, tf.float64)
        seen = tf.where(pairs, products, tf.zeros_like(products)) * scale[:, None] * scale
        raw = tf.cast(self.weigh(losses, used, seen), tf.float64)
        raw = tf.where(used, raw, tf.zeros_like(raw))
        weights, failed = self.finish(raw, scale, used, present)
        cosines = self.cosines(gramian, used, norms)
        residual = self.residual(raw, seen, used)
        facts = GradientFacts(norms, cosines, used, failed, residual)
        return Decision(
            weights,
            self.own_weights(weights, losses, present),
            step_record(weights, present, facts),
        )


class HalvesBalancer(GramianBalancer):
    r"""Base class of balancers that need gradients of two independent mini-batches.

    Each batch is split in two: its rows with an even number and those with an odd one, which are
    independent where rows are shuffled. With $J_1$ and $J_2$ the gradients of the tasks' mean
    losses on the halves, the third argument of `weigh` is the matrix $J_1 J_2^\top$, which is
    neither symmetric nor positive definite. The weights apply to the gradients of the whole batch.
    A task with labels in one half only has a row and a column of zeros.

    It costs two backward passes per task, on parameters only.

    Example:

    >>> class Agreeing(HalvesBalancer):
    ...     '''Weighs the tasks whose gradients on the two halves point the same way.'''
    ...     def weigh(self, losses, present, halves):
    ...         return tf.cast(tf.linalg.diag_part(halves) > 0, halves.dtype)
    >>> balancer = Agreeing()
    >>> balancer.setup(Setup(["a", "b"]))
    >>> halves = tf.constant([[-4.0, 0.0], [0.0, 1.0]])
    >>> balancer.weigh(tf.ones(2), tf.constant([True, True]), halves).numpy()
    array([0., 1.], dtype=float32)
    """

    listed = False
    needs = "halves"
    modes: tuple[str, ...] = ("parameters",)

    @staticmethod
    def in_both(products: tf.Tensor, present: tf.Tensor) -> tf.Tensor:
        """Which tasks have labels in both halves."""
        return present & (tf.linalg.diag_part(products) != 0)
