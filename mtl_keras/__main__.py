"""`python -m mtl_keras` runs the command `mtl-keras`."""

import sys

from mtl_keras.cli import main

if __name__ == "__main__":
    sys.exit(main())
