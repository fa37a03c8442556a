"""Make cache/reviews.parquet: 23,699 short texts with people's ratings of their sentiment.

The texts are the four corpora of Hutto and Gilbert (2014), each rated by about 20 people from -4 to
+4: tweets, sentences of product reviews, of film reviews, and of newspaper editorials. They are in
the source distribution of the Python package vaderSentiment 3.3.2 (MIT licence), which this script
gets with pip, or takes from the path it is given:

    python data/make_reviews.py [vaderSentiment-3.3.2.tar.gz]

Columns: `text`; `document`, of which it is a sentence; `corpus`; `rating`, the mean of the ratings;
`sentiment`, `positive` or `negative` by its sign, empty where it is 0; `clarity`, how far from 0.
"""

import argparse
import io
import subprocess
import sys
import tarfile
import tempfile
from html import unescape
from pathlib import Path

import pandas as pd

PACKAGE = "vaderSentiment==3.3.2"
INNER = "additional_resources/hutto_ICWSM_2014.tar.gz"
CORPORA = {
    "tweets": "tweet",
    "amazonReviewSnippets": "product review",
    "movieReviewSnippets": "film review",
    "nytEditorialSnippets": "editorial",
}


def get(folder: Path) -> Path:
    """Download the source distribution."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    command += ["--no-build-isolation", "--no-binary", ":all:", "--dest", str(folder), PACKAGE]
    done = subprocess.run(command, capture_output=True, text=True)
    found = list(folder.glob("*.tar.gz"))
    if not found:
        sys.exit(
            f"{PACKAGE} could not be got with pip:\n{done.stderr.strip()[-500:]}\n"
            "Get its source distribution (vaderSentiment-3.3.2.tar.gz) from a machine that reaches "
            "a package index, and run: python data/make_reviews.py PATH"
        )
    return found[0]


def corpora(package: Path) -> dict[str, str]:
    """The text of each corpus, from the archive in the archive."""
    try:
        with tarfile.open(package) as outer:
            member = next(m for m in outer.getmembers() if m.name.endswith(INNER))
            inner = outer.extractfile(member).read()
        with tarfile.open(fileobj=io.BytesIO(inner)) as archive:
            return {
                corpus: archive.extractfile(member).read().decode("utf-8")
                for corpus in CORPORA
                for member in archive.getmembers()
                if member.name.endswith(f"/{corpus}_GroundTruth.txt")
                and not Path(member.name).name.startswith(".")
            }
    except (OSError, tarfile.TarError, StopIteration) as error:
        sys.exit(f"{package} is not the source distribution of {PACKAGE}: {error!r}")


def table(corpus: str, text: str) -> pd.DataFrame:
    """A row per line `number<tab>rating<tab>text`; a number `3_12` is sentence 12 of document 3."""
    lines = [line.split("\t", 2) for line in text.splitlines() if line.count("\t") >= 2]
    made = pd.DataFrame(lines, columns=["number", "rating", "text"])
    documents = made["number"].str.split("_").str[0]
    made["document"] = CORPORA[corpus] + " " + documents
    made["corpus"] = CORPORA[corpus]
    made["rating"] = made["rating"].astype(float)
    made["text"] = made["text"].map(unescape).str.strip()
    made["sentiment"] = (made["rating"] > 0).map({True: "positive", False: "negative"})
    made.loc[made["rating"] == 0, "sentiment"] = None
    made["clarity"] = made["rating"].abs()
    return made[["text", "document", "corpus", "rating", "sentiment", "clarity"]]


def main() -> None:
    parser = argparse.ArgumentParser(description="Make cache/reviews.parquet.")
    parser.add_argument("package", nargs="?", type=Path)
    given = parser.parse_args().package
    with tempfile.TemporaryDirectory() as folder:
        texts = corpora(given or get(Path(folder)))
    made = pd.concat([table(corpus, text) for corpus, text in texts.items()], ignore_index=True)
    path = Path(__file__).parent / "cache" / "reviews.parquet"
    path.parent.mkdir(exist_ok=True)
    unfinished = path.with_name(f".{path.name}.unfinished")
    made.to_parquet(unfinished, index=False)
    unfinished.replace(path)
    print(f"{path}: {len(made):,} texts of {made['document'].nunique():,} documents")


if __name__ == "__main__":
    main()
