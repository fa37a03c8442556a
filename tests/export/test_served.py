"""An artifact behind a port: one server, asked for answers and with all that can be wrong."""

import gzip
import json
import shutil
import socket
import sys
from collections import Counter
from random import Random

import numpy as np
import pandas as pd
import pytest

import mtl_keras as mtl
from mtl_keras.errors import ConfigError

pytest.importorskip("mlserver", reason="MLServer is not installed: pip install 'mtl_keras[serve]'")

import grpc
from mlserver.grpc.converters import ModelInferRequestConverter
from mlserver.grpc.dataplane_pb2_grpc import GRPCInferenceServiceStub
from mlserver.types import InferenceRequest

from mtl_keras.serving import serve
from tests.export.malformed import drawn
from tests.export.server import ROWS, Server, free_port, tensors

pytestmark = pytest.mark.xdist_group("small")


@pytest.fixture(scope="module")
def server(small_artifact, tmp_path_factory):
    folder = tmp_path_factory.mktemp("served") / "small"
    shutil.copytree(small_artifact, folder)
    port = free_port()
    command = [sys.executable, "-m", "mtl_keras", "serve", str(folder), "--port", str(port)]
    server = Server([*command, "--largest-request", "0.1"], folder, port)
    yield server
    server.stop()


def frame(answer):
    return pd.DataFrame({output["name"]: output["data"] for output in answer["outputs"]})


def test_both_protocols_answer_as_predict_does(server):
    expected = mtl.load(server.folder).predict(pd.DataFrame(ROWS))
    status, answer = server.ask("v2/models/small/infer", tensors(ROWS))
    assert (status, answer["model_version"]) == (200, "1")
    pd.testing.assert_frame_equal(frame(answer), expected, check_dtype=False, rtol=1e-6)
    path = "v1/models/small:predict"
    by_row = server.ask(path, {"instances": ROWS})[1]["predictions"]
    pd.testing.assert_frame_equal(pd.DataFrame(by_row), expected, check_dtype=False, rtol=1e-6)
    short = expected["spend"].to_numpy().astype(str).astype(float)  # 1.6, not 1.600000023841858
    assert [row["spend"] for row in by_row] == short.tolist()
    columns = {name: [row[name] for row in ROWS] for name in ROWS[0]}
    by_column = server.ask("v1/models/small/versions/1:predict", {"inputs": columns})[1]["outputs"]
    assert pd.DataFrame(by_column).equals(pd.DataFrame(by_row))
    packed = gzip.compress(json.dumps(tensors(ROWS)).encode())
    again = server.ask("v2/models/small/infer", packed, {"Content-Encoding": "gzip"})[1]
    assert frame(again).equals(frame(answer))


def test_what_goes_in_and_comes_out_is_told(server):
    told = server.ask("v2/models/small")[1]
    assert {i["name"]: (i["datatype"], i["parameters"]["kind"]) for i in told["inputs"]} == {
        "age": ("FP32", "numeric"),
        "town": ("BYTES", "categorical"),
    }
    assert {o["name"]: o["datatype"] for o in told["outputs"]} == {
        "left": "BYTES",
        "left_probability": "FP32",
        "spend": "FP32",
    }
    server.ask("v2/models/small/infer", tensors(ROWS))
    metrics = server.ask("metrics", port=server.port + 2)[1]
    assert 'model_infer_request_success_total{model="small"' in metrics


def test_the_command_prints_no_notices_of_tensorflow(server):
    printed = server.log.read_text()
    assert "oneDNN" not in printed and "absl" not in printed


OIP = [(f"v2/models/small/{verb}", tensors(ROWS)) for verb in ("infer", "infer_stream")]
BAD = {
    "a missing column": ({"inputs": tensors(ROWS)["inputs"][:1]}, "lacks columns .* 'town'"),
    "an unknown column": (tensors(ROWS, name="agee"), r"'age' \(numeric\). Did you mean 'agee'\? "),
    "text for a number": (tensors(ROWS, datatype="BYTES", data=["x"] * 3), "'age' is numeric.*'x'"),
    "another data type": (tensors(ROWS, datatype="INT64"), "declared as INT64. Received: 30.5"),
    "another shape": (tensors(ROWS, shape=[2, 1]), r"shape \[2, 1\], but 3 values"),
    "no rows": (tensors([]), "no rows"),
    "an infinite number": (tensors(ROWS, data=[1, 2, 1e300]), "finite numbers"),
    "an object": (tensors(ROWS, data=[{}, 1, 2]), "Received: {}"),
    "a list in a list": (tensors(ROWS, data=[[[1]], 2, 3]), r"Received: \[1\]"),
    "no list": (tensors(ROWS, data="abc"), "must have a list"),
    "an unknown output": ({**tensors(ROWS), "outputs": [{"name": "spent"}]}, "mean 'spend'"),
    "not JSON": (b'{"inputs": [', "JSON decode error"),
    "too large": (tensors([{"age": 1.0, "town": "x" * 200_000}]), "larger than 0.1 MB"),
    "too large, packed": (gzip.compress(b" " * 200_000), "larger than 0.1 MB"),
    "not packed": (b"{}", "not gzip"),
}


@pytest.mark.parametrize("wrong", BAD)
def test_a_wrong_request_is_told_what_is_wrong(server, wrong):
    body, message = BAD[wrong]
    headers = {"Content-Encoding": "gzip"} if "packed" in wrong else {}
    status, answer = server.ask("v2/models/small/infer", body, headers)
    assert 400 <= status < 500
    assert pd.Series([json.dumps(answer, ensure_ascii=False)]).str.contains(message)[0], answer


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"instances": [{"age": 1}]}, "lacks columns .* 'town'"),
        ({"instances": [{**ROWS[0], "id": 3}]}, "Unknown column 'id'"),
        ({"instances": [ROWS[0], {"age": 3}]}, "Row 1 and the first one differ in \\['town'\\]"),
        ({"instances": [{**ROWS[0], "age": [1]}]}, "'age' is numeric"),
        ({"instances": []}, "no rows"),
        ({"inputs": {"age": [1], "town": []}}, "one value per row"),
        ({"inputs": {"age": 1, "town": 2}}, "list of values"),
        ({}, 'Expected {"instances"'),
        ([1], 'Expected {"instances"'),
        ({"instances": ROWS, "signature_name": "x"}, "Unknown signature_name"),
        (b"[" * 5000, "not JSON"),
        (b"\xff", "not JSON"),
    ],
    ids=range(12),
)
def test_a_wrong_request_in_tensorflow_servings_json(server, body, message):
    status, answer = server.ask("v1/models/small:predict", body)
    assert status == 400
    assert pd.Series([answer["error"]]).str.contains(message)[0], answer


def test_no_malformed_request_is_an_error_of_the_server(server):
    random = Random(0)
    statuses = Counter()
    for _ in range(60):
        for path, body in (("v1/models/small:predict", {"instances": ROWS}), *OIP):
            status, answer = server.ask(path, drawn(body, random))
            assert status in (200, 400, 422), (status, answer)
            statuses[status] += 1
    assert statuses[400] > 30 and statuses[422] > 30


def test_nothing_is_decoded_as_a_request_says(server):
    hints = {"content_type": "pickle"}
    expected = frame(server.ask("v2/models/small/infer", tensors(ROWS))[1])
    for hint in ("pickle", "pd_json", "np", "base64", "datetime"):
        body = tensors(ROWS, parameters={"content_type": hint}) | {"parameters": hints}
        assert frame(server.ask("v2/models/small/infer", body)[1]).equals(expected)


def test_a_new_version_is_rolled_in_and_a_damaged_one_is_not(server):
    reload = ("v2/repository/models/small/load", b"")
    damaged = server.folder / "2"
    shutil.copytree(server.folder / "1", damaged)
    (damaged / "saved_model.pb").write_bytes(b"damaged")
    status, answer = server.ask(*reload)
    assert status == 400 and f"The SavedModel in {damaged} is damaged" in answer["error"]
    versions = {"": "1", "versions/1/": "1"}
    for path, version in versions.items():
        answer = server.ask(f"v2/models/small/{path}infer", tensors(ROWS))[1]
        assert answer["model_version"] == version
    shutil.copytree(server.folder / "1", server.folder / "3")
    assert server.ask(*reload)[0] == 200
    for path, version in {"": "3", "versions/1/": "1", "versions/3/": "3"}.items():
        answer = server.ask(f"v2/models/small/{path}infer", tensors(ROWS))[1]
        assert answer["model_version"] == version
    assert server.ask("v2/models/small")[1]["versions"] == ["1", "3"]
    assert server.ask("v1/models/small/versions/1:predict", {"instances": ROWS})[0] == 200
    assert server.ask("v1/models/small/versions/2:predict", {"instances": ROWS})[0] == 404


def test_grpc(server):
    channel = grpc.insecure_channel(f"127.0.0.1:{server.port + 1}")
    request = ModelInferRequestConverter.from_types(
        InferenceRequest(
            inputs=[
                {"name": "age", "shape": [2], "datatype": "FP32", "data": [30.5, np.nan]},
                {"name": "town", "shape": [2], "datatype": "BYTES", "data": [b"Bath", b"Atlantis"]},
            ]
        ),
        "small",
    )
    infer = GRPCInferenceServiceStub(channel).ModelInfer
    answers = {output.name: output.contents for output in infer(request).outputs}
    expected = mtl.load(server.folder).predict(pd.DataFrame(ROWS[:2]))
    assert list(answers["spend"].fp32_contents) == pytest.approx(expected["spend"], rel=1e-6)
    assert [t.decode() for t in answers["left"].bytes_contents] == list(expected["left"])
    for field, value, message in (
        ("name", "agee", r"lacks columns .* 'age'"),
        ("datatype", "STRING", "Unknown datatype 'STRING'"),
        ("contents", None, "raw_input_contents .* cannot be read"),
    ):
        wrong = type(request)()
        wrong.CopyFrom(request)
        if field == "contents":
            wrong.inputs[0].ClearField(field)
            wrong.raw_input_contents.append(b"raw")
        else:
            setattr(wrong.inputs[0], field, value)
        with pytest.raises(grpc.RpcError, match=message) as refused:
            infer(wrong)
        assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    channel.close()


def test_a_port_that_is_taken_is_told(small_artifact):
    port = free_port()
    taken = pytest.raises(ConfigError, match=f"Port {port + 1} of 127.0.0.1 .* in use")
    with socket.create_server(("127.0.0.1", port + 1)), taken:
        serve([small_artifact], port=port)
