"""The network as boxes and arrows."""

import keras

from mtl_keras import report


def test_the_boxes_of_the_network_hold_all_its_parameters(run):
    boxes = report.structure(run.outputs)
    assert sum(box["parameters"] for box in boxes) == run.model.count_params()
    assert {task for box in boxes for task in box["tasks"]} == {task.name for task in run.tasks}


def test_the_boxes_are_of_this_network_alone_and_none_stands_apart():
    trunk, heads = keras.layers.Dense(4), {task: keras.layers.Dense(1, name=task) for task in "ab"}
    first, again = keras.Input((3,), name="first"), keras.Input((3,), name="again")
    outputs = {task: head(trunk(first)) for task, head in heads.items()}
    for head in heads.values():
        head(trunk(again))  # as when the network is exported
    boxes = report.structure(outputs)
    assert [box["layers"][0] for box in boxes] == ["first", "a", "b"]
    assert [box["sources"] for box in boxes] == [[], [0], [0]]
