"""Makes `docs/report.png`, the picture of a report in the README and on the site.

Run `python docs/make_picture.py saved_models/customers/report.html`; it needs Chromium.
"""

import argparse
import subprocess
import tempfile
from pathlib import Path

from PIL import Image

PICTURE = Path(__file__).with_name("report.png")
SIZE = (1280, 1600)  # of the browser's window
COLOURS = 64


def main() -> None:
    """Photograph the top of the page, with few colours, so that the file is small."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("page", type=Path)
    parser.add_argument("--browser", default="chromium")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / "page.png"
        subprocess.run(
            [
                *(arguments.browser, "--headless", "--no-sandbox", "--hide-scrollbars"),
                *(f"--window-size={SIZE[0]},{SIZE[1]}", f"--screenshot={whole}"),
                arguments.page.resolve().as_uri(),
            ],
            check=True,
            stderr=subprocess.DEVNULL,
        )
        picture = Image.open(whole).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
        picture.save(PICTURE, optimize=True)


if __name__ == "__main__":
    main()
