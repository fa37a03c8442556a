"""A server without its port: which versions it loads, what it refuses, how it reads a request."""

import asyncio
import gzip
import json
import shutil
import sys
from pathlib import Path

import pytest

from mtl_keras import features
from mtl_keras.errors import ArtifactError, DataError

pytest.importorskip("mlserver", reason="MLServer is not installed: pip install 'mtl_keras[serve]'")

from mlserver import ModelSettings
from mlserver.batching import load_batching
from mlserver.cli.serve import load_settings
from mlserver.registry import MultiModelRegistry
from mlserver.repository.repository import SchemalessModelRepository
from mlserver.rest import RESTServer
from mlserver.settings import ModelParameters
from mlserver.types import InferenceRequest

from mtl_keras.export import artifact
from mtl_keras.serving import Artifacts, Runtime
from mtl_keras.serving.middleware import LimitedBody, RefusedStream
from mtl_keras.serving.requests import checked, of_json
from tests.export.server import ROWS, tensors

pytestmark = pytest.mark.xdist_group("small")


def test_mlserver_start_finds_all_it_needs_in_the_folder(small_artifact, tmp_path, caplog):
    folder = tmp_path / "small"
    shutil.copytree(small_artifact, folder)

    async def answered(repository, registry):
        [settings] = await repository.find("small")
        model = await registry.load(settings)
        answer = await model.predict(InferenceRequest(**tensors(ROWS)))
        return answer.model_version, answer.outputs[2].data.root

    async def started():
        repository, registry = SchemalessModelRepository(str(folder)), MultiModelRegistry()
        first = await answered(repository, registry)
        shutil.copytree(folder / "1", folder / "2")
        return first, await answered(repository, registry)

    (first, before), (second, after) = asyncio.run(started())
    assert (first, second) == ("1", "2")
    assert before == after
    assert "is served without the settings of mtl_keras: the size of a request" in caplog.text


def test_a_version_that_was_replaced_is_loaded_again(small_artifact, tmp_path):
    """A model that was removed and trained again has the same number; the old one was served."""
    folder = shutil.copytree(small_artifact, tmp_path / "small")
    models = Artifacts(artifacts=[folder])

    def found():
        return asyncio.run(models.find("small"))[-1].parameters.extra["loaded"]

    first = found()
    assert found() is first
    path = artifact.latest(folder) / artifact.EXTRA / "schema.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "trained_at": "2031-01-01"}))
    assert found().model.schema["trained_at"] == "2031-01-01"


@pytest.mark.filterwarnings("ignore::pydantic.PydanticDeprecatedSince20")  # MLServer's own
def test_mlserver_start_refuses_what_serve_refuses(small_artifact, tmp_path, monkeypatch):
    folder = tmp_path / "small"
    shutil.copytree(small_artifact, folder)
    shutil.copytree(folder / "1", folder / "2")
    for version in "12":
        (folder / version / "saved_model.pb").write_bytes(b"damaged")
    monkeypatch.setattr(sys, "path", [*sys.path])  # to which MLServer adds the folder
    monkeypatch.setattr(Runtime, "served", {})
    with pytest.raises(
        ArtifactError, match=r"No version of 'small' can be loaded\. The SavedModel"
    ):
        asyncio.run(load_settings(str(folder)))
    shutil.copy(small_artifact / "1" / "saved_model.pb", folder / "1")
    settings, models = asyncio.run(load_settings(str(folder)))
    assert [model.version for model in models] == ["1"]
    assert (settings.parallel_workers, settings.debug) == (0, False)
    application = RESTServer(settings, None, None)._app
    guards = [guard.cls for guard in application.user_middleware[:2]]
    assert guards == [LimitedBody, RefusedStream]


def test_a_packed_body_is_measured_whatever_else_its_headers_say():
    told = []

    async def receive():
        return {"type": "http.request", "body": gzip.compress(b" " * 2000)}

    async def send(message):
        told.append(message)

    codings = [(b"content-encoding", coding) for coding in (b"gzip", b"identity")]
    scope = {"type": "http", "headers": codings}
    asyncio.run(LimitedBody(None, most=1000)(scope, receive, send))
    assert told[0]["status"] == 413


def test_a_bad_row_does_not_spoil_the_answers_of_others(small_artifact):
    async def together():
        settings = ModelSettings(implementation=Runtime, name="small")
        settings.max_batch_size, settings.max_batch_time = 8, 0.2
        settings.parameters = ModelParameters(uri=str(small_artifact))
        model = await MultiModelRegistry(on_model_load=[load_batching]).load(settings)
        bad = tensors(ROWS, datatype="BYTES", data=["x", "1", "2"])
        requests = [InferenceRequest(**body) for body in (tensors(ROWS), bad, tensors(ROWS[:1]))]
        answering = [model.predict(request) for request in requests]
        answers = await asyncio.gather(*answering, return_exceptions=True)
        return *answers, await model.metadata()

    good, refused, other, told = asyncio.run(together())
    assert told.versions[0] == "1"
    assert (len(good.outputs[2].data.root), len(other.outputs[2].data.root)) == (3, 1)
    assert other.outputs[2].data.root == pytest.approx(good.outputs[2].data.root[:1])
    assert "Received: 'x' in row 0" in str(refused)


def test_files_of_the_server_are_not_read():
    photo = features.Image("photo", height=1, width=1, channels=1, indicator=False)
    path = Path(__file__).name
    with pytest.raises(DataError, match="bytes in base64"):
        checked([photo], {"photo": [path]})
    with pytest.raises(DataError, match="bytes of a file"):
        checked([photo], {"photo": [{"path": path}]})
    assert checked([photo], {"photo": ["YQ==", {"b64": "YQ=="}, None]}) == {
        "photo": [b"a", b"a", None]
    }


def test_numbered_columns_and_the_signatures_names():
    vector = features.Vector("wave", 2)
    assert checked([vector], {"wave_0": [1, 2], "wave_1": [3, None]}) == {
        "wave": [[1, 3], [2, None]]
    }
    odd = features.Numeric("days (all)")
    assert of_json([odd], {"days (all)": "days_all"}, {"inputs": {"days_all": [3]}}) == {
        "days (all)": [3]
    }
