"""No public class without a case."""

import inspect

import keras
import pytest

from mtl_keras import architectures, backbones, balancers, features, tasks
from tests import cases

LAYERS = {
    name: cls
    for name, cls in keras.saving.get_custom_objects().items()
    if name.startswith("mtl_keras>")
    and issubclass(cls, keras.layers.Layer)
    and not issubclass(cls, (keras.Model, balancers.Balancer))
}


@pytest.mark.parametrize(
    ("package", "base", "declared"),
    [
        (tasks, tasks.Task, cases.TASKS),
        (features, features.Feature, cases.FEATURES),
        (balancers, balancers.Balancer, cases.BALANCERS),
        (architectures, architectures.Architecture, cases.ARCHITECTURES),
        (backbones, backbones.Backbone, cases.BACKBONES),
    ],
    ids=["tasks", "features", "balancers", "architectures", "backbones"],
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


@pytest.mark.parametrize("name", LAYERS)
def test_every_layer_keeps_all_its_arguments_in_its_config(name):
    cls = LAYERS[name]
    makers = [vars(c).get("__init__") for c in cls.__mro__ if "mtl_keras" in c.__module__]
    parameters = [p for made in makers if made for p in inspect.signature(made).parameters.values()]
    arguments = [p.name for p in parameters if p.name not in ("self", "args", "kwargs")]
    needed = {p.name for p in parameters if p.default is p.empty}
    given = {
        "vocabulary": ["a"],
        "sizes": [3],
        "values": ["no", "yes"],
        "combinations": [3],
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
        "temperature": 2.0,
        "knots": [[[0.2, 0.6], [0.1, 0.9]]],
        "center": [0.0],
        "scale": [1.0],
        "length": 2,
        "height": 2,
        "width": 2,
        "size": 3,
        "dimension": 2,
        "bins": 3,
        "reach": 0.9,
        "tail": 1.5,
        "indices": [1, 0],
        "tokenizer": keras.layers.TextVectorization(vocabulary=["a"]),
    }
    layer = cls(**{key: value for key, value in given.items() if key in needed})
    assert set(arguments) <= set(layer.get_config())
    assert cls.from_config(layer.get_config()).get_config() == layer.get_config()
