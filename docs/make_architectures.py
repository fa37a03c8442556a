"""Writes `docs/architectures.md` from the classes of `mtl_keras.architectures`.

Run `python docs/make_architectures.py`; a test fails where the page is not up to date.
"""

import inspect
import re
from pathlib import Path

from mtl_keras import architectures
from mtl_keras.declaring import docstrings, registry

PAGE = Path(__file__).with_name("architectures.md")
HEAD = """# Architectures compared

An architecture determines which layers the tasks share. Choose one with `kind` under `[architecture]` in a file, with `--architecture` on the command line, or with a class from `mtl_keras.architectures` in Python.

Start with `shared_bottom`, and compare it with `single_task`. If separate networks are better, sharing hurts: try `mmoe`, `ple` or `cross_stitch`, in which the tasks learn what to share. `"auto"` trains these five for a few epochs and chooses by the validation losses. `aitm` and `esmm` are for chains of binary tasks in which each is a step on the way to the next.

`model.sharing(x)` returns gates and mixing weights as a table (`layer`, `reader`, `source`, `weight`). A run stores the table in `metrics.json`, and warns of experts that no task uses.

All architectures have the arguments of the trunk:

| argument | default | meaning |
|---|---|---|
"""


def arguments() -> list[str]:
    """Rows of the table of what all architectures take."""
    base = architectures.Architecture
    defaults = {name: field.default for name, field in base.__dataclass_fields__.items()}
    return [
        f"| `{name}` | `{defaults[name]!r}` | {without_default(said)} |"
        for name, said in docstrings.entries(inspect.getdoc(base)).items()
    ]


def without_default(said: str) -> str:
    """What an argument is, without its default, which has a column of its own."""
    return re.sub(r" Default \S+\.$", "", " ".join(said.split()))


def section(name: str, cls: type) -> str:
    """One architecture: what it is, its picture, its own arguments, its source."""
    doc = inspect.getdoc(cls).split("Example:")[0].strip()
    trunk = docstrings.entries(inspect.getdoc(architectures.Architecture))
    for argument, text in docstrings.entries(doc).items():
        if trunk.get(argument) == text:
            doc = doc.replace(f"\n    {argument}: {text}", "")
    doc = doc.replace("Args:\n\n", "").removesuffix("\n\nArgs:")
    doc = re.sub(r"^Raises:\n(?:    .*\n)+\n?", "", doc + "\n", flags=re.M).strip()
    doc = re.sub(r"^(Args|References):$", r"**\1**", doc, flags=re.M)
    doc = re.sub(r"\*\*Args\*\*\n((?:    .*\n?)+)", _listed, doc)
    doc = re.sub(r"\*\*References\*\*\n((?:    .*\n?)+)", _plain, doc)
    return f"\n## {name}\n\n{doc}\n"


def _listed(found: re.Match) -> str:
    entries = re.findall(r"^    (\w+): (.*(?:\n        .*)*)", found[1], flags=re.M)
    return "\n".join(f"- `{name}`: {' '.join(said.split())}" for name, said in entries) + "\n"


def _plain(found: re.Match) -> str:
    return "Source: " + " ".join(found[1].split())


def page() -> str:
    """The whole page."""
    classes = registry.classes(architectures, architectures.Architecture)
    first = ["shared_bottom", "single_task"]
    names = [*first, *sorted(set(classes) - set(first))]
    sections = [section(name, classes[name]) for name in names]
    return HEAD + "\n".join(arguments()) + "\n" + "".join(sections)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
