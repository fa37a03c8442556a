"""The page of architectures is made from the classes."""

import importlib.util
from pathlib import Path

import pytest

from mtl_keras import architectures, lookup

DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_is_up_to_date():
    spec = importlib.util.spec_from_file_location(
        "make_architectures", DOCS / "make_architectures.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.PAGE.read_text(encoding="utf-8") == module.page()


@pytest.mark.parametrize("name", lookup.classes(architectures, architectures.Architecture))
def test_every_architecture_is_drawn(name):
    assert "```\n" in lookup.classes(architectures, architectures.Architecture)[name].__doc__
