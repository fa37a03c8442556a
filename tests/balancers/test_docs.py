"""The page of balancers is made from the classes."""

import importlib.util
from pathlib import Path

import pytest

from mtl_keras import balancers, lookup

DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_is_up_to_date():
    spec = importlib.util.spec_from_file_location("make_balancers", DOCS / "make_balancers.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.PAGE.read_text(encoding="utf-8") == module.page()


@pytest.mark.parametrize("name", lookup.classes(balancers, balancers.Balancer))
def test_every_method_says_when_and_from_where(name):
    cls = lookup.classes(balancers, balancers.Balancer)[name]
    assert cls.when.endswith(".")
    assert "References:" in cls.__doc__ and "http" in cls.__doc__ and "Example:" in cls.__doc__
