"""No public class without a case."""

import inspect

import pytest

from mtl_keras import architectures, balancers, features, layers, tasks
from tests import cases


@pytest.mark.parametrize(
    ("package", "base", "declared"),
    [
        (tasks, tasks.Task, cases.TASKS),
        (features, features.Feature, cases.FEATURES),
        (balancers, balancers.Balancer, cases.BALANCERS),
        (architectures, architectures.Architecture, cases.ARCHITECTURES),
    ],
    ids=["tasks", "features", "balancers", "architectures"],
)
def test_every_public_class_has_a_case(package, base, declared):
    public = {
        value
        for value in (getattr(package, name) for name in package.__all__)
        if inspect.isclass(value)
        and issubclass(value, base)
        and value is not base
        and vars(value).get("listed", True)
    }
    assert {type(case) for case in declared} == public


@pytest.mark.parametrize("name", layers.__all__)
def test_every_layer_keeps_all_its_arguments_in_its_config(name):
    cls = getattr(layers, name)
    makers = [vars(c).get("__init__") for c in cls.__mro__ if "mtl_keras" in c.__module__]
    names = [name for made in makers if made for name in inspect.signature(made).parameters]
    arguments = [name for name in names if name not in ("self", "args", "kwargs")]
    given = {
        "vocabulary": ["a"],
        "sizes": [3],
        "values": ["no", "yes"],
        "labels": ["a", "b"],
        "members": 2,
        "units": 3,
        "columns": 2,
        "reader": "a",
        "sources": ["e", "f"],
        "streams": ["a", "b"],
        "classes": 3,
        "weights": [0.5, 0.5],
        "subspaces": 2,
    }
    layer = cls(**{key: value for key, value in given.items() if key in arguments})
    assert set(arguments) <= set(layer.get_config())
    assert cls.from_config(layer.get_config()).get_config() == layer.get_config()
