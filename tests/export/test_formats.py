"""Other formats: the answers of the SavedModel, from raw rows or through the reader, or no file."""

import importlib.util
import json
import subprocess
import sys

import keras
import numpy as np
import pandas as pd
import pytest

from mtl_keras import Predictor, load
from mtl_keras import features as kinds
from mtl_keras import tasks as targets
from mtl_keras.cli import main
from mtl_keras.errors import ArtifactError, ConfigError
from mtl_keras.export import encoding_reader
from mtl_keras.export.agreement import Disagreement, difference
from mtl_keras.export.converters import FORMATS, Onnx
from mtl_keras.export.encoding_file import encoding_of, not_read
from mtl_keras.export.formats import Convertible, encoding_path, export
from mtl_keras.export.serving import answer_rows, serving_model
from mtl_keras.features.crossing import Crossing
from mtl_keras.features.encoder import Encoder, raw_columns
from tests import cases
from tests.export.conftest import small_table

for package in ("tf2onnx", "onnxruntime", "ai_edge_litert"):
    pytest.importorskip(package, reason=f"no {package}: pip install 'mtl_keras[onnx,litert]'")


def table(rows: int = 60, seed: int = 0) -> pd.DataFrame:
    made, random = small_table(rows), np.random.default_rng(seed)
    made["amount"] = random.lognormal(3, 2, rows)
    made["member"] = random.choice(["ja", "nein"], rows)
    made["joined"] = pd.Timestamp("2020-01-31") + pd.to_timedelta(
        random.integers(0, 900, rows), "D"
    )
    made["Code"] = random.choice([7.0, 11.0, 13.0], rows)
    for column in ("age", "amount", "town", "member", "joined"):
        made.loc[random.random(rows) < 0.1, column] = None
    return made


def trained(names: list[str], crossings: list[tuple[str, ...]], folder, missing=()) -> Convertible:
    """An artifact's content with a network that is as it was initialised."""
    rows = table()
    every = [
        kinds.Numeric("age"),
        kinds.Numeric("amount", transform="log1p"),
        kinds.Numeric("Code"),
        kinds.Categorical("town"),
        kinds.Boolean("member"),
        kinds.Date("joined"),
    ]
    chosen = [each.but(missing_values=missing) for each in every if each.name in names]
    fitted = [each.fit(each.select(rows)) for each in chosen]
    raw = raw_columns(fitted, rows)
    crossed = [Crossing(names).fit([raw[name] for name in names]) for names in crossings]
    encoder = Encoder(fitted, crossed)
    inputs = encoder.inputs()
    numbers = [keras.ops.cast(each, "float32") for each in inputs.values()]
    hidden = keras.layers.Dense(4, "relu")(keras.layers.Concatenate()(numbers))
    paid = {"column": "spend", "interval": 0.8, "conformal_quantile": 1.3}
    tasks = [
        targets.Binary("left").fit(rows),
        targets.Regression("spend").fit(rows),
        targets.ZeroInflatedLogNormal("paid", **paid).fit(rows),
    ]
    network = keras.Model(inputs, {task.name: task.head(hidden) for task in tasks})
    serving = serving_model(encoder, network, tasks)
    schema = {
        "name": "small",
        "inputs": encoder.input_slugs,
        "outputs": {name: name for name in serving.output},
        "crossings": [each.get_config() for each in crossed],
    }

    def answer(raw):
        answers = serving({name: keras.ops.convert_to_tensor(v) for name, v in raw.items()})
        texts = {name: tensor.numpy() for name, tensor in answers.items()}
        return texts | {"left": np.array([text.decode() for text in texts["left"]], object)}

    return Convertible(folder / "1", schema, fitted, tasks, network, answer)


READER = """
import json, sys
sys.modules |= dict.fromkeys(("tensorflow", "keras", "mtl_keras", "pandas"))  # not to be had
import onnxruntime, encoding_reader
encoding = json.load(open("small.encoding.json", encoding="utf-8"))
inputs = encoding_reader.encode(encoding, json.loads(sys.argv[1]))
session = onnxruntime.InferenceSession("small.onnx")
names = [output.name for output in session.get_outputs()]
answers = session.run(names, {x.name: inputs[x.name] for x in session.get_inputs()})
print(json.dumps({name: values.tolist() for name, values in zip(names, answers)}))
"""


@pytest.fixture(scope="module")
def dated(tmp_path_factory):
    names = ["age", "amount", "Code", "town", "member", "joined"]
    return trained(names, [("town", "member"), ("Code",)], tmp_path_factory.mktemp("dated"))


@pytest.mark.parametrize("form", FORMATS)
def test_rows_with_dates_are_encoded_by_a_reader_that_needs_numpy_alone(form, dated, tmp_path):
    model, path = dated, tmp_path / f"small{FORMATS[form].suffix}"
    exported = export(model, path, table(seed=1))
    assert "encode.joined" in exported.why_encoded and exported.unread == ()
    assert {file.name for file in tmp_path.iterdir()} == {
        path.name, "small.encoding.json", "encoding_reader.py",
    }  # fmt: skip
    raw = model.rows(table(20, seed=2))
    expected = model.answer(raw)
    if form == "onnx":
        rows = {name: [v if v == v else float("nan") for v in raw[name].tolist()] for name in raw}
        command = [sys.executable, "-c", READER, json.dumps(rows)]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        received = {n: np.asarray(v) for n, v in json.loads(done.stdout).items()}
        received["left"] = received["left"].astype(object)
    else:
        encoding = json.loads(encoding_path(path).read_text(encoding="utf-8"))
        answer = FORMATS[form].loaded(path.read_bytes())
        received = answer(encoding_reader.encode(encoding, raw))
    assert difference(expected, received) < 1e-5


def test_onnx_reads_raw_numbers_categories_booleans_and_crossings(tmp_path):
    """And values that count as missing. Without any: see the export by a command."""
    names = ["age", "amount", "Code", "town", "member"]
    model = trained(names, [("town", "member"), ("town", "Code")], tmp_path, ("Ely", 13))
    exported = export(model, tmp_path / "small.onnx", table(seed=1))
    assert exported.why_encoded == "" and "reads raw rows" in str(exported)
    assert [file.name for file in tmp_path.iterdir()] == ["small.onnx"]
    raw = model.rows(table(20, seed=2).assign(town=["Ely", "Rome", None, "Bath"] * 5))
    there = Onnx().loaded((tmp_path / "small.onnx").read_bytes())
    answers = there(raw)
    assert difference(model.answer(raw), answers) < 1e-5
    stated = {**raw, "town": np.where(raw["town"] == "", "Ely", raw["town"])}
    stated["Code"] = np.where(np.isnan(raw["Code"]), np.float32(13), raw["Code"])
    assert difference(there(stated), answers) == 0


@pytest.mark.parametrize("feature", cases.FEATURES, ids=repr)
def test_the_reader_encodes_as_the_layers_do_or_says_that_it_cannot(feature):
    table, random = cases.rich_table(), np.random.default_rng(0)
    fitted = feature.fit(feature.select(table))
    encoder = Encoder([fitted])
    observed = fitted.observed(fitted.raw(fitted.select(table)))
    if observed is None:
        observed = random.choice([np.nan, 0.0, -10.0, 10.0], len(table))
    slug = encoder.input_slugs[fitted.name]
    raw = np.concatenate([
        fitted.raw(fitted.select(table)), fitted.examples(observed, random)
    ])  # fmt: skip
    wanted = {name: t.numpy() for name, t in encoder.model({slug: keras.ops.array(raw)}).items()}
    encoding = json.loads(json.dumps(encoding_of(encoder)))
    given = not_read(encoding, encoder, {slug: raw})
    assert bool(given) == (feature.kind in ("text", "image"))
    if given:
        with pytest.raises(ValueError, match=r"no encoding of .* pass its arrays as `given`"):
            encoding_reader.encode(encoding, {slug: raw})
    encoded = encoding_reader.encode(encoding, {slug: raw}, given)
    for name, values in wanted.items():
        assert encoded[name].dtype == values.dtype
        np.testing.assert_allclose(encoded[name], values, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("form", FORMATS)
def test_an_artifact_is_exported_by_one_command(small_artifact, form, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    assert main(["export", str(small_artifact), "--format", form]) == 0
    out, err = capfd.readouterr()
    assert "reads raw rows. It predicts the same as the SavedModel" in out and err == ""
    predictor, rows = load(small_artifact), small_table(20)
    answer = FORMATS[form].loaded((tmp_path / f"small{FORMATS[form].suffix}").read_bytes())
    slugs = predictor.schema["inputs"]
    raw = {slugs[name]: v for name, v in raw_columns(predictor.features, rows).items()}
    answers, expected = answer(raw), predictor.predict(rows)
    np.testing.assert_allclose(answers["spend"], expected["spend"], rtol=1e-5)
    assert answers["left"].tolist() == expected["left"].tolist()


def test_nothing_is_written_if_the_answers_differ(small_artifact, tmp_path, monkeypatch):
    predictor = load(small_artifact)
    names = {name: name for name in predictor._signature.structured_outputs}

    def tampered(rows):
        answers = answer_rows(predictor._answer, rows, 500, names)
        return {**answers, "spend": answers["spend"] * np.float32(1.001)}

    monkeypatch.setattr(Onnx, "converted", lambda self, folder: b"")
    monkeypatch.setattr(Onnx, "loaded", lambda self, content: tampered)
    monkeypatch.setattr("mtl_keras.export.encoding_reader.encode", lambda _, raw, given: raw)
    with pytest.raises(
        ArtifactError, match=r"small\.onnx was not written: the predictions 'spend'"
    ):
        predictor.export(tmp_path / "small.onnx")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("wanted", "given"),
    [
        ([1.0, 2.0], [1.0, 2.0001]),
        ([1.0], [np.nan]),
        (["a"], ["b"]),
        ([True], [False]),
        ([1.0], []),
    ],
)
def test_a_difference_is_told_with_its_row(wanted, given):
    with pytest.raises(Disagreement, match=r"'spend' (differ|has the shape)"):
        difference({"spend": np.array(wanted)}, {"spend": np.array(given)})
    with pytest.raises(Disagreement, match="'spend' is missing"):
        difference({"spend": np.array(wanted)}, {})


def test_what_cannot_be_exported_is_said_before_any_work(small_artifact, tmp_path, monkeypatch):
    predictor = load(small_artifact)
    with pytest.raises(ConfigError, match=r"small\.pb: Unknown suffix '\.pb'.*\.onnx, \.tflite"):
        predictor.export("small.pb")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    hint = r"A \.tflite file needs ai_edge_litert\. .*pip install 'mtl_keras\[litert\]'"
    with pytest.raises(ConfigError, match=hint):
        predictor.export("small.tflite")


def test_an_older_artifact_is_told_what_it_lacks(small_artifact, monkeypatch):
    predictor: Predictor = load(small_artifact)
    predictor.schema["crossings"] = [{"features": ["age"], "known": 3}]
    with pytest.raises(ArtifactError, match="does not contain the values of its crossings"):
        predictor.export("small.onnx")
    predictor.schema["crossings"] = []
    monkeypatch.setattr("mtl_keras.export.formats.STATISTICS", "none.json")
    with pytest.raises(ArtifactError, match=r"has no none\.json .*--check TABLE"):
        predictor.export("small.onnx")


def test_options_that_contradict_each_other_are_refused(small_artifact, capsys):
    for options, message in {
        ("--format", "coreml"): "--format must be one of onnx, litert",
        ("--format", "onnx", "-o", "small.tflite"): "--output must end in .onnx for onnx",
        (): "Name a --format, or an --output",
    }.items():
        assert main(["export", str(small_artifact), *options]) == 1
        assert message in capsys.readouterr().err
