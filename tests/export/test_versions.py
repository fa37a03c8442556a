"""Versions that are written at one time, or were left unfinished, do not mix."""

import multiprocessing
import os
import signal

import pytest

from mtl_keras.errors import ArtifactError
from mtl_keras.export import artifact


def write(version, what):
    (version / artifact.EXTRA).mkdir()
    artifact.write_files(version, {"schema.json": "{}", "what.txt": what})


def test_two_that_write_at_a_time_become_two_versions(tmp_path):
    with artifact.new_version(tmp_path) as first:
        write(first, "first")
        with artifact.new_version(tmp_path) as second:
            write(second, "second")
    assert artifact.versions(tmp_path) == [1, 2]
    with pytest.raises(ArtifactError, match=rf"There are models in it: .*{tmp_path.name}"):
        artifact.latest(tmp_path.parent)
    found = [(tmp_path / str(n) / artifact.EXTRA / "what.txt").read_text() for n in (1, 2)]
    assert found == ["second", "first"]
    assert (tmp_path / "what.txt").read_text() == "first"  # the newest version's
    assert not list(tmp_path.glob(".unfinished*"))


@pytest.mark.parametrize("changed", [False, True])
def test_an_export_adds_the_settings_that_earlier_ones_lack_unless_one_was_changed(
    tmp_path, changed
):
    with artifact.new_version(tmp_path) as version:
        write(version, "first")
    (tmp_path / "settings.json").unlink()  # which earlier exports did not write
    if changed:
        (tmp_path / "model-settings.json").write_text("{}")
    with artifact.new_version(tmp_path) as version:
        write(version, "second")
    assert (tmp_path / "settings.json").exists() != changed
    assert ((tmp_path / "model-settings.json").read_text() == "{}") == changed


def test_a_version_without_its_schema_is_called_damaged(tmp_path):
    with artifact.new_version(tmp_path) as version:
        write(version, "first")
    (tmp_path / "1" / artifact.EXTRA / "schema.json").unlink()
    with pytest.raises(ArtifactError, match=r"/1 is damaged: it lacks assets.extra/schema.json"):
        artifact.latest(tmp_path)
    assert artifact.is_of_models(tmp_path.parent) and not artifact.is_of_models(tmp_path / "2")


def test_a_version_that_fails_leaves_nothing(tmp_path):
    with pytest.raises(OSError, match="full"), artifact.new_version(tmp_path) as version:
        write(version, "half")
        raise OSError("full")
    assert list(tmp_path.iterdir()) == []


def write_half(folder):
    with artifact.new_version(folder) as version:
        (version / "half").write_text("")
        os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_what_a_killed_process_left_is_removed_and_what_a_living_one_writes_is_not(tmp_path):
    killed = multiprocessing.get_context("fork").Process(target=write_half, args=(tmp_path,))
    killed.start()  # it has imported all, and writes files only
    killed.join(timeout=600)
    assert killed.exitcode == -signal.SIGKILL
    assert len(list(tmp_path.glob(".unfinished*"))) == 1
    with artifact.new_version(tmp_path) as living:
        write(living, "living")
        with artifact.new_version(tmp_path) as other:
            assert list(tmp_path.glob(".unfinished*")) in ([living, other], [other, living])
            write(other, "other")
    assert not list(tmp_path.glob(".unfinished*"))
