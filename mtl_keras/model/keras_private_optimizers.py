"""Every private name of Keras's optimizers that is relied on: see `keras_private.py`."""

import contextlib
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf


@contextlib.contextmanager
def summed_gradients(optimizer: keras.optimizers.Optimizer) -> Iterator[None]:
    """Within the block, an optimizer takes gradients as already summed over the replicas.

    By itself an optimizer sums them in `_all_reduce_sum_gradients`, after each replica has clipped
    its own. Where there is a single replica, TensorFlow keeps the graph of that sum, and with it
    that of the whole step, as long as the process lives.
    """
    summing = getattr(optimizer, "inner_optimizer", optimizer)
    summing.__dict__["_all_reduce_sum_gradients"] = list
    try:
        yield
    finally:
        summing.__dict__.pop("_all_reduce_sum_gradients", None)  # replicas are threads


def restart_averages(optimizer: keras.optimizers.Optimizer, variables: Sequence[Any]) -> None:
    """Make the running averages of variables, if an optimizer keeps any, start at their values."""
    averages = optimizer._model_variables_moving_average if optimizer.use_ema else []
    for average, variable in zip(averages, variables):
        average.assign(variable)


def schedule_of(optimizer: keras.optimizers.Optimizer) -> Any:
    """The learning rate schedule of an optimizer (`_learning_rate`), or None if it has none."""
    rate = optimizer._learning_rate
    return rate if isinstance(rate, keras.optimizers.schedules.LearningRateSchedule) else None


@contextlib.contextmanager
def counted_once(optimizer: keras.optimizers.Optimizer) -> Iterator[None]:
    """Within the block, an optimizer of Keras computes once a step what all variables need.

    By itself it reads `_iterations` and calls `_get_current_learning_rate` again for each variable
    in `_backend_apply_gradients`: a schedule with a branch would be traced, and run, as many times.
    `update_step` of Adam and `_update_model_variables_moving_average` also derive the same factors
    again for each variable. The public `learning_rate` and `iterations` can only be set for good,
    which would be saved with the model. An optimizer of another package may need the variable
    itself.

    Args:
        optimizer: The optimizer of a single replica; several are threads that share it.
    """
    counting = getattr(optimizer, "inner_optimizer", optimizer)
    if not type(counting).__module__.startswith("keras."):
        yield
        return
    own, cls = counting.__dict__, type(counting)

    def apply(gradients: Any, variables: Any) -> None:
        kept, rate = own["_iterations"], tf.convert_to_tensor(counting.learning_rate)
        once: dict[str, Any] = {"_iterations": tf.convert_to_tensor(kept)}
        once["_get_current_learning_rate"] = lambda: rate
        own.update(once)  # first, because what follows reads the iterations
        try:
            if cls in (keras.optimizers.Adam, keras.optimizers.AdamW) and not counting.amsgrad:
                dtypes = {variable.dtype for variable in variables}
                once["update_step"] = _adam(counting, rate, dtypes)
            if counting.use_ema:
                once["_update_model_variables_moving_average"] = _averaging(counting)
            own.update(once)
            cls._backend_apply_gradients(counting, gradients, variables)
        finally:
            for name in once:
                own.pop(name, None)
            own["_iterations"] = kept

    own["_backend_apply_gradients"] = apply
    try:
        yield
    finally:
        del own["_backend_apply_gradients"]


SMALL, LARGE = 256, 65_536
"""Sizes of variables up to and from which TensorFlow's one kernel for Adam is about twice as fast
as operations. Between them, it starts threads for too little work."""


def _adam(
    optimizer: keras.optimizers.Adam, rate: tf.Tensor, dtypes: Collection[str]
) -> Callable[[Any, Any, Any], None]:
    """`Adam.update_step` in fewer operations.

    In operations, the arithmetic and its order are those of Keras. The kernel takes `1 - beta` from
    float32, where .999 is off by 1e-8, and Keras from Python's floats: the moments differ by 1.3e-5
    of their size, for which `alike` makes up as long as they are growing from 0.
    """
    ops, factors = keras.ops, {}
    betas = optimizer.beta_1, optimizer.beta_2
    first, second = ((1 - np.float32(beta)) / (1 - beta) for beta in betas)
    alike = float(np.sqrt(second) / first)
    for dtype in dtypes:
        step, in_dtype = ops.cast(optimizer.iterations + 1, dtype), ops.cast(rate, dtype)
        powers = [ops.power(ops.cast(beta, dtype), step) for beta in betas]
        constants = (1 - optimizer.beta_1, 1 - optimizer.beta_2, optimizer.epsilon)
        of_operations = [
            in_dtype * ops.sqrt(1 - powers[1]) / (1 - powers[0]),
            *(tf.constant(constant, dtype) for constant in constants),
        ]
        names = ("beta1_power", "beta2_power", "beta1", "beta2", "lr", "epsilon")
        of_kernel = dict(zip(names, (*powers, *betas, in_dtype * alike, optimizer.epsilon)))
        factors[dtype] = of_operations, of_kernel

    def update_step(gradient: Any, variable: Any, learning_rate: Any) -> None:
        if isinstance(gradient, tf.IndexedSlices):
            type(optimizer).update_step(optimizer, gradient, variable, learning_rate)
            return
        dtype = keras.backend.standardize_dtype(variable.dtype)
        (size, new, new_square, epsilon), of_kernel = factors[dtype]
        index = optimizer._get_variable_index(variable)
        m, v = optimizer._momentums[index].value, optimizer._velocities[index].value
        gradient = tf.cast(gradient, variable.dtype)
        if dtype == "float32" and not SMALL < variable.shape.num_elements() < LARGE:
            handles = {"var": variable.handle, "m": m.handle, "v": v.handle}
            tf.raw_ops.ResourceApplyAdam(**handles, **of_kernel, grad=gradient)
            return
        m.assign_add((gradient - m) * new)
        v.assign_add((tf.square(gradient) - v) * new_square)
        variable.assign_sub(m * size / (tf.sqrt(v) + epsilon))

    return update_step


def _averaging(optimizer: keras.optimizers.Optimizer) -> Callable[[Sequence[Any]], None]:
    """`_update_model_variables_moving_average` with the same arithmetic in the same order."""
    shares = {}
    for dtype in {variable.dtype for variable in optimizer._trainable_variables}:
        kept = tf.cast(optimizer.iterations != 0, dtype) * optimizer.ema_momentum
        shares[dtype] = kept, 1 - kept

    def update(variables: Sequence[Any]) -> None:
        for variable, average in zip(variables, optimizer._model_variables_moving_average):
            if average is not None:
                kept, new = shares[variable.dtype]
                average.assign(kept * average.value + new * variable.value)

    return update
