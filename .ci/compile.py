"""Compile packages while pip installs them, on a core that it leaves idle.

    { pip install --no-compile tensorflow; } | python .ci/compile.py

Each package is compiled once it has an INSTALLER, which pip writes after all other files of the
package but for the final RECORD. What comes from the pipe is printed; its end is that of the work.
"""

import compileall
import csv
import os
import re
import select
import sysconfig
from collections.abc import Iterator
from pathlib import Path

PACKAGES = Path(sysconfig.get_path("purelib"))
# Of other packages' tests, which are not imported, some are for other Pythons.
SKIPPED = re.compile(r"/(tests?|rllib)/")


def files(package: Path) -> Iterator[Path]:
    """The sources of a package, by its folder with metadata."""
    with (package / "RECORD").open(newline="", encoding="utf-8") as record:
        for name, *_ in csv.reader(record):
            if name.endswith(".py") and not SKIPPED.search(f"/{name}"):
                yield PACKAGES / name


def main() -> None:
    """Compile what is installed until the pipe ends, and then the rest."""
    there = {file.parent for file in PACKAGES.glob("*.dist-info/INSTALLER")}  # pip's own
    ended = False
    while True:
        new = {file.parent for file in PACKAGES.glob("*.dist-info/INSTALLER")} - there
        if ended and not new:
            return
        for package in sorted(new):
            for file in files(package):
                compileall.compile_file(file, quiet=2)
        there |= new
        if not ended and select.select([0], [], [], 0.5)[0]:
            printed = os.read(0, 1 << 16)
            os.write(1, printed)
            ended = not printed


if __name__ == "__main__":
    main()
