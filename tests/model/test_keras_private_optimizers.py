"""What is relied on of Keras's optimizers without a promise: see `test_keras_private.py`."""

import contextlib

import keras
import numpy as np
import pytest
import tensorflow as tf

from mtl_keras.model import keras_private_optimizers


def test_an_optimizer_sums_gradients_over_replicas_in_one_method():
    variable = keras.Variable([1.0])
    optimizer = keras.optimizers.SGD(1.0)
    optimizer.build([variable])
    seen = []

    def summed(pairs):
        seen.extend(pairs)
        return pairs

    optimizer.__dict__["_all_reduce_sum_gradients"] = summed
    optimizer.apply([tf.constant([0.25])])
    assert len(seen) == 1, (
        "the optimizer no longer calls `_all_reduce_sum_gradients`: on several replicas gradients "
        "are summed twice, on one each training step's graph is kept for the life of the process"
    )
    with keras_private_optimizers.summed_gradients(optimizer):
        optimizer.apply([tf.constant([0.25])])
    assert variable.numpy() == [0.5]
    assert "_all_reduce_sum_gradients" not in vars(optimizer)


class Schedule(keras.optimizers.schedules.LearningRateSchedule):
    calls = 0

    def __call__(self, step):
        self.calls += 1
        return 0.1 / (keras.ops.cast(step, "float32") + 1)


def test_an_optimizer_keeps_its_schedule():
    schedule, schedule_of = Schedule(), keras_private_optimizers.schedule_of
    kept = schedule_of(keras.optimizers.Adam(schedule))
    assert kept is schedule, "a schedule of the user's own is taken for one of Keras's"
    assert schedule_of(keras.optimizers.Adam(0.1)) is None


@pytest.mark.parametrize("every", [None, 2])
def test_an_optimizer_reads_its_step_and_learning_rate_once_and_takes_the_same_step(
    every, monkeypatch
):
    monkeypatch.setattr(keras_private_optimizers, "SMALL", 0)  # no kernel, whose steps are below

    def after_steps(within):
        variables, schedule = [keras.Variable([1.0, 2.0]), keras.Variable([3.0])], Schedule()
        options = {"weight_decay": 0.1, "use_ema": True, "gradient_accumulation_steps": every}
        optimizer = keras.optimizers.AdamW(schedule, **options)
        optimizer.build(variables)
        missing = {"_iterations"} - set(vars(optimizer))
        missing |= {"_backend_apply_gradients", "_get_current_learning_rate"} - set(dir(optimizer))
        assert not missing, f"optimizers have no {missing} any more: `counted_once` patches nothing"
        for size in (1.0, 0.5, 0.25, 0.125):
            schedule.calls = 0
            with within(optimizer):
                optimizer.apply([tf.fill(v.shape, size) for v in variables])
        assert optimizer.variables[0].numpy() == 4
        left = {"_backend_apply_gradients", "_get_current_learning_rate"} & set(vars(optimizer))
        assert not left, f"{left} stay with the optimizer"
        return schedule.calls, [v.numpy() for v in [*variables, *optimizer.variables[1:]]]

    calls, expected = after_steps(lambda optimizer: contextlib.nullcontext())
    assert calls > 1, "an optimizer reads its learning rate once by itself: `counted_once` can go"
    once, found = after_steps(keras_private_optimizers.counted_once)
    assert once == 1, "an optimizer reads its learning rate in another way: traces take longer"
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)


def graph_of_steps(optimizer, variables, steps, within):
    """The graph of a step, after some of them."""

    @tf.function(autograph=False)
    def take(gradients):
        with within(optimizer):
            optimizer.apply(gradients, variables)

    for gradients in steps:
        take(gradients)
    return take.get_concrete_function(steps[0]).graph


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "options", [{}, {"gradient_accumulation_steps": 2, "ema_overwrite_frequency": 3}]
)
def test_adam_and_averages_in_fewer_operations_are_those_of_keras_bit_by_bit(
    options, dtype, monkeypatch
):
    monkeypatch.setattr(keras_private_optimizers, "SMALL", 0)  # no kernel
    random = np.random.default_rng(0)
    start = [random.normal(size=shape) for shape in [(5, 3), (7,), (4, 2)]]
    steps = [[tf.constant(random.normal(size=w.shape), dtype) for w in start] for _ in range(5)]
    if not options:  # a variable whose rows are looked up
        for step in steps:
            step[2] = tf.IndexedSlices(step[2][:2], tf.constant([3, 1]), tf.constant([4, 2]))

    def after_steps(within):
        variables = [keras.Variable(value, dtype=dtype) for value in start]
        optimizer = keras.optimizers.AdamW(Schedule(), weight_decay=0.1, use_ema=True, **options)
        optimizer.build(variables)
        names = {"_momentums", "_velocities", "_get_variable_index", "update_step"}
        names |= {"_model_variables_moving_average", "_update_model_variables_moving_average"}
        missing = names - set(dir(optimizer))
        assert not missing, f"Adam has no {missing} any more: its step is written anew in vain"
        graph = graph_of_steps(optimizer, variables, steps, within)
        assert not names & {"update_step"} & set(vars(optimizer)), "`update_step` stays"
        inner = [f.graph for f in graph._functions.values() if hasattr(f, "graph")]
        size = sum(len(each.get_operations()) for each in [graph, *inner])
        return size, [v.numpy() for v in [*variables, *optimizer.variables]]

    size, expected = after_steps(lambda optimizer: contextlib.nullcontext())
    smaller, found = after_steps(keras_private_optimizers.counted_once)
    assert smaller < 0.8 * size, "Keras's own step has few operations: `_adam` can go"
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(
            one, other, "Adam or the averages of Keras compute something else"
        )


def test_the_kernel_of_adam_takes_the_steps_of_its_operations_on_small_and_large_variables():
    random = np.random.default_rng(0)
    start = [random.normal(size=shape).astype("float32") for shape in [(7,), (30, 30), (300, 300)]]
    steps = [[tf.constant(random.normal(size=w.shape), "float32") for w in start] for _ in range(9)]

    def after_steps(within):
        variables = [keras.Variable(value) for value in start]
        optimizer = keras.optimizers.Adam(0.01)
        optimizer.build(variables)
        graph = graph_of_steps(optimizer, variables, steps, within)
        kinds = [operation.type for operation in graph.get_operations()]
        return kinds.count("ResourceApplyAdam"), variables, optimizer.variables[2:]

    none, expected, expected_moments = after_steps(lambda optimizer: contextlib.nullcontext())
    kernels, found, moments = after_steps(keras_private_optimizers.counted_once)
    assert (none, kernels) == (0, 2), "the kernel is for variables that are small or large"
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)
    for one, other in zip(moments, expected_moments, strict=True):
        np.testing.assert_allclose(one, other, rtol=3e-5, atol=1e-7)
