"""Gradients for the tests of balancers, and what a balancer makes of them."""

import numpy as np
import tensorflow as tf

from mtl_keras.balancers import GramianBalancer, Setup

A = np.array([[-4.0, 1, 1], [6, 1, 1]])
B = np.array([[1.0, 0, 2, -1], [-2, 1, 0, 0.5], [0.5, 0.5, -1, 3]])


def name(balancer) -> str:
    return type(balancer).__name__


def solved(balancer: GramianBalancer, jacobian: np.ndarray, preferences=None, present=None):
    """Weights as the model uses them, from a fresh copy of a balancer."""
    fresh = balancer.fresh()
    tasks = len(jacobian)
    fresh.setup(Setup([f"t{i}" for i in range(tasks)], loss_weights=preferences))
    gramian = tf.constant(jacobian @ jacobian.T, tf.float32)
    present = tf.constant([True] * tasks if present is None else present)
    decision = fresh.decided(gramian, tf.ones(tasks), present)  # eagerly: nothing to compile
    return decision.weights.numpy().astype(float)


def residual(balancer: GramianBalancer, jacobian: np.ndarray) -> float:
    """What the logs say of the weights for a Jacobian."""
    fresh, tasks = balancer.fresh(), len(jacobian)
    fresh.setup(Setup([f"t{i}" for i in range(tasks)]))
    gramian = tf.constant(jacobian @ jacobian.T, tf.float32)
    return float(fresh.decided(gramian, tf.ones(tasks), tf.constant([True] * tasks)).record[-1])


def matrices(tasks=(2, 3, 5), sizes=(2, 9), spread=1.0, independent=False):
    """Random Jacobians of many ranks and scales."""
    random = np.random.default_rng(7)
    for k in tasks:
        for n in sizes:
            if independent and n < k + 3:
                continue
            yield random.normal(size=(k, n)) * 10 ** random.uniform(-spread, spread, (k, 1))
