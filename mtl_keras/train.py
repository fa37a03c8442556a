"""`python -m mtl_keras.train` runs the command `mtl-keras train`."""

import sys

from mtl_keras.cli import main

if __name__ == "__main__":
    sys.exit(main(["train", *sys.argv[1:]]))
