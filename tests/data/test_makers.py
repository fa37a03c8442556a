"""The scripts that make the data of the text and the image experiment."""

import importlib.util
import io
import tarfile
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from mtl_keras import Experiment

DATA = Path(__file__).parents[2] / "data"


def script(name):
    spec = importlib.util.spec_from_file_location(name, DATA / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def packed(files):
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return made.getvalue()


def test_reviews_are_read_from_the_archive_in_the_archive(tmp_path):
    maker = script("make_reviews")
    lines = (
        "1_1\t-0.9\tno picture &amp; no sound.\r\n1_2\t0\tIt is a box.\r\n2_1\t2.5\tSo good\t!\r\n"
    )
    files = {f"hutto/{corpus}_GroundTruth.txt": lines.encode() for corpus in maker.CORPORA}
    path = tmp_path / "vader.tar.gz"
    path.write_bytes(packed({f"v/{maker.INNER}": packed(files)}))
    found = maker.corpora(path)
    table = maker.table("tweets", found["tweets"])
    assert table["text"].tolist() == ["no picture & no sound.", "It is a box.", "So good\t!"]
    assert table["document"].tolist() == ["tweet 1", "tweet 1", "tweet 2"]
    assert table["sentiment"].fillna("neither").tolist() == ["negative", "neither", "positive"]
    path.write_bytes(b"no archive")
    with pytest.raises(SystemExit, match="is not the source distribution"):
        maker.corpora(path)


def test_digits_are_composed_apart_and_described():
    maker = script("make_digits")
    images, labels = maker.digits("sklearn")
    assert images.shape == (1797, 16, 16) and images.max() > 200
    table = maker.composed(images, labels, 20, np.random.default_rng(0))
    picture = np.asarray(PIL.Image.open(io.BytesIO(table["image"][0])))
    assert picture.shape == (20, 20)
    assert table["ink"][0] == pytest.approx(picture.mean() / 2.55)
    assert (table["left_even"] == (table["left"] % 2 == 0)).all()
    assert table.loc[table["right"] == 8, "right_loop"].all()


@pytest.mark.parametrize("name", ["reviews", "digits"])
def test_the_experiments_can_be_read(name):
    experiment = Experiment.from_file(DATA / f"{name}.toml")
    assert len(experiment.tasks) >= 3 and {f.source for f in experiment.features} <= {
        "text",
        "image",
    }
