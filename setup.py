"""Put the built-in experiment into the wheel, where `python -m mtl_keras.train` finds it."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

BUILT_IN = ("customers.toml", "customers.csv", "README.md")


class BuildWithData(build_py):
    """Copies the files of `data` beside the package's modules."""

    def run(self) -> None:
        super().run()
        if self.editable_mode:  # a checkout has them already
            return
        target = Path(self.build_lib) / "mtl_keras" / "data"
        target.mkdir(parents=True, exist_ok=True)
        for name in BUILT_IN:
            shutil.copyfile(Path("data") / name, target / name)


setup(cmdclass={"build_py": BuildWithData})
