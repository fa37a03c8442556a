"""The pages about classes are made from the classes."""

import importlib.util
import re
import tomllib
from pathlib import Path

import pytest

from mtl_keras import architectures, balancers
from mtl_keras.declaring import registry

DOCS = Path(__file__).parents[1] / "docs"
BALANCERS = registry.classes(balancers, balancers.Balancer)
ARCHITECTURES = registry.classes(architectures, architectures.Architecture)


@pytest.mark.parametrize("name", ["make_architectures", "make_balancers"])
def test_a_page_is_up_to_date(name):
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.PAGE.read_text(encoding="utf-8") == module.page()


@pytest.mark.parametrize("name", BALANCERS)
def test_every_balancer_says_when_and_from_where(name):
    cls = BALANCERS[name]
    assert cls.when.endswith(".")
    assert "References:" in cls.__doc__ and "http" in cls.__doc__ and "Example:" in cls.__doc__


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_architecture_is_drawn(name):
    assert "```\n" in ARCHITECTURES[name].__doc__


@pytest.mark.parametrize(
    "page", ["README.md", "CHANGELOG.md", "docs/notes.md", "docs/balancers.md"]
)
def test_a_number_of_methods_is_right_where_one_stands(page):
    text = (DOCS.parent / page).read_text(encoding="utf-8")
    for number in re.findall(r"(\d+) (?:\w+ )?(?:methods|balancers)\b", text):
        assert int(number) == len(BALANCERS), f"{page} says {number}"
    for number in re.findall(r"(\d+) (?:\w+ )?architectures\b", text):
        assert int(number) == len(ARCHITECTURES), f"{page} says {number}"


def test_the_site_leads_to_every_page():
    def pages(entries):
        for entry in entries:
            for target in entry.values():
                yield from pages(target) if isinstance(target, list) else [target]

    site = tomllib.loads((DOCS.parent / "zensical.toml").read_text(encoding="utf-8"))
    there = {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")}
    assert sorted(pages(site["project"]["nav"])) == sorted(there)
