"""Names of classes: ours in words, others by module; an artifact imports nothing by itself."""

import dataclasses
import sys

import keras
import pytest
import tensorflow as tf

import mtl_keras as mtl
from mtl_keras import architectures, balancers, features, tasks
from mtl_keras.declaring import references, registry
from mtl_keras.errors import ConfigError
from mtl_keras.plans.readable import check_readable

OWN = f"{__name__}:Halves"


class Halves(balancers.Balancer):
    """A balancer of one's own, with an argument."""

    def __init__(self, share: float = 0.5, **kwargs):
        super().__init__(**kwargs)
        self.share = share

    def weigh(self, losses, present, gramian=None):
        return tf.fill(tf.shape(losses), self.share)


class Changing(balancers.Balancer):
    """It keeps another value than the one that it is given."""

    def __init__(self, share: float = 0.5, **kwargs):
        super().__init__(**kwargs)
        self.share = share / 2


@dataclasses.dataclass(frozen=True, kw_only=True)
class Narrow(architectures.SharedBottom):
    """An architecture of one's own."""

    layers: tuple[int, ...] = (4,)


def inverse_losses(losses, present):
    return 1 / (losses + 1)


def experiment(**changes):
    return mtl.Experiment(tasks={"y": "binary", "z": "regression"}, **changes)


@pytest.mark.parametrize(
    ("room", "name", "meant"),
    [
        (balancers, "dropped_scheduled_task", "'dst'"),
        (balancers, "none", "'fixed'"),
        (balancers, "Equal-Weighting", "'fixed'"),
        (balancers, "uncertainty_weighting", "'uncertainty'"),
        (balancers, "grad_norm", "'gradnorm'"),
        (balancers, "dynamic weight averaging", "'dwa'"),
        (architectures, "hard_sharing", "'shared_bottom'"),
        (architectures, "mixture_of_experts", "'mmoe'"),
        (architectures, "progressive_layered_extraction", "'ple'"),
        (architectures, "customised_gate_control", "'cgc'"),
        (tasks, "classification", "'binary' or 'multiclass'"),
        (tasks, "binary_classification", "'binary'"),
        (tasks, "numeric", "'regression'"),
        (tasks, "mse", "'regression'"),
        (features, "string", "'categorical' or 'text'"),
        (features, "number", "'numeric'"),
        (features, "datetime", "'date'"),
    ],
)
def test_a_name_from_elsewhere_is_answered_with_ours(room, name, meant):
    with pytest.raises(ConfigError, match=f"Did you mean {meant}\\?"):
        room.get({"kind": name})


def test_a_class_of_ones_own_goes_to_a_file_and_back():
    plan = experiment(balancer=Halves(share=0.3), architecture=Narrow(layers=(3,)))
    check_readable(plan)
    config = plan.to_dict()
    assert config["balancer"] == {"kind": OWN, "share": 0.3}
    assert config["architecture"]["kind"] == f"{__name__}:Narrow"
    again = mtl.Experiment.from_dict(config)
    assert again.to_dict() == config and again.architecture == Narrow(layers=(3,))
    assert balancers.get(again.balancer).share == 0.3


def test_a_function_of_a_module_goes_to_a_file_and_back():
    plan = experiment(balancer=inverse_losses)
    check_readable(plan)
    config = plan.to_dict()
    assert config["balancer"] == {"kind": f"{__name__}:inverse_losses"}
    assert balancers.get(mtl.Experiment.from_dict(config).balancer).function is inverse_losses


def test_what_could_not_be_read_back_is_refused_before_anything_is_trained():
    class Local(Halves):
        pass

    for balancer in (lambda losses, present: losses, Local()):
        with pytest.raises(ConfigError, match=r"of the balancer could not be found again.*Define"):
            experiment(balancer=balancer).run("no table is looked for", show=None)
    with pytest.raises(ConfigError, match=r"`balancer` .* changes when .*`get_config`"):
        check_readable(experiment(balancer=Changing(share=0.1)))


def test_a_class_of_a_notebook_is_found_where_it_is_registered_with_keras(monkeypatch):
    class InNotebook(Halves):
        pass

    monkeypatch.setattr(InNotebook, "__module__", "__main__")
    with pytest.raises(ConfigError, match="could not be found again"):
        check_readable(experiment(balancer=InNotebook()))
    keras.saving.register_keras_serializable("shop")(InNotebook)
    plan = experiment(balancer=InNotebook())
    check_readable(plan)
    assert plan.to_dict()["balancer"] == {"kind": "shop>InNotebook"}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("no_such_package:Halves", "cannot be imported: No module named 'no_such_package'"),
        (f"{__name__}:Halvs", "cannot be imported: .* no attribute 'Halvs'"),
        (f"{__name__}:Narrow", "must extend `mtl_keras.balancers.base.Balancer`"),
        ("halvs", "Unknown balancer 'halvs'.*'package.module:Class'"),
        ("shop>Nothing", "nothing is imported automatically here"),
    ],
)
def test_a_name_that_leads_nowhere_says_so(name, message):
    with pytest.raises(ConfigError, match=message):
        experiment(balancer=name)


def test_an_artifact_imports_nothing_but_what_is_trusted(monkeypatch, tmp_path):
    (tmp_path / "from_elsewhere.py").write_text("raise SystemExit('it was imported')")
    monkeypatch.syspath_prepend(tmp_path)
    name = "from_elsewhere:Task"
    with registry.without_imports(), pytest.raises(ConfigError) as error:
        mtl.tasks.get({"kind": name, "name": "y"})
    assert "from_elsewhere" not in sys.modules
    for words in ("'from_elsewhere:Task'", "custom_objects={'Task'", "trusted=['from_elsewhere']"):
        assert words in str(error.value)
    with registry.without_imports(trusted=["from_elsewhere"]), pytest.raises(SystemExit):
        mtl.tasks.get({"kind": name, "name": "y"})
    for key in ("Task", name):
        with registry.without_imports({key: mtl.tasks.Count}):
            assert mtl.tasks.get({"kind": name, "name": "y"}) == mtl.tasks.Count("y")


def test_packages_are_found_wherever_a_class_is_named():
    config = [{"kind": "text", "encoder": [{"kind": "reading.slow:Reader"}]}, {"kind": "own:Task"}]
    assert references.packages_named(config) == {"reading", "own"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"epochs": 4}, r"belongs to the training: training={'epochs': 4}; in a file, under \[tr"),
        ({"lr": 0.1}, r"Did you mean training={'learning_rate': 0.1}\?"),
        ({"layers": [8]}, r"architecture={'layers': \[8\]}"),
        ({"experts": 4}, r"architecture={'kind': 'mmoe', 'experts': 4}"),
        ({"test_size": 0.2}, r"split={'test': 0.2}"),
        ({"balancr": "dwa"}, "Did you mean 'balancer'"),
        ({"zzz": 1}, "'zzz'. Expected one of: tasks, "),
    ],
)
def test_an_experiment_says_where_a_setting_belongs(arguments, message):
    with pytest.raises(ConfigError, match=f"Unknown argument of Experiment: .*{message}"):
        experiment(**arguments)
    with pytest.raises(ConfigError, match=f"Unknown key of the experiment: .*{message}"):
        mtl.Experiment.from_dict({"tasks": {"y": "binary"}, **arguments})


@pytest.mark.parametrize(
    ("make", "name", "nearest"),
    [
        (lambda **of: mtl.tasks.Binary("y", **of), "treshold", "threshold"),
        (lambda **of: mtl.features.Numeric("x", **of), "scalng", "scaling"),
        (mtl.architectures.MMoE, "expert", "experts"),
        (Narrow, "layer", "layers"),
        (mtl.backbones.CNN, "dropuot", "dropout"),
        (mtl.Training, "Epochs", "epochs"),
        (mtl.Split, "stratfy", "stratify"),
        (mtl.Cluster, "worker", "workers"),
    ],
)
def test_an_unknown_argument_is_told_with_the_nearest(make, name, nearest):
    with pytest.raises(ConfigError, match=rf": '{name}'\. Did you mean '{nearest}'\?"):
        make(**{name: 1})


def test_arguments_of_compile_are_not_taken_by_a_model():
    rows = keras.Input((2,))
    with pytest.raises(ConfigError, match=r"`balancer` is an argument of `compile`.*'pcgrad'"):
        mtl.MultiTaskModel(rows, {"y": keras.layers.Dense(1)(rows)}, balancer="pcgrad")
