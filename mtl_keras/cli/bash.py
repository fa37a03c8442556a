"""Completion in bash, which splits words at colons and equals signs."""

import contextlib
import io
import os
import re
import shlex
from collections.abc import Iterator

ASKED = "_MTL_KERAS_COMPLETE"
BREAKS = re.compile("[:=]+")
SPECIAL = re.compile(r"([^\w@%+=:,./-])")


@contextlib.contextmanager
def whole_words() -> Iterator[None]:
    """Within the block, let completion for bash see whole words and return what bash replaces.

    bash passes `churned:bi` as the three words `churned`, `:` and `bi`, and replaces the last one.
    """
    if os.environ.get(ASKED) != "complete_bash":
        yield
        return
    parts = os.environ["COMP_WORDS"].split("\n")
    words, begun = joined(parts[: int(os.environ["COMP_CWORD"]) + 1])
    os.environ |= {"COMP_WORDS": "\n".join(words), "COMP_CWORD": str(len(words) - 1)}
    answers = io.StringIO()
    try:
        with contextlib.redirect_stdout(answers):
            yield
    finally:
        in_quotes = words[-1][:1] in ("'", '"')
        for answer in answers.getvalue().splitlines():
            rest = answer.removeprefix(begun)
            print(rest if in_quotes else SPECIAL.sub(r"\\\1", rest))


def joined(parts: list[str]) -> tuple[list[str], str]:
    """Return the whole words up to the cursor, and how much of the last one bash keeps.

    Example:

    >>> joined(["train", "--target", "churned", ":", "bi"])
    (['train', '--target', 'churned:bi'], 'churned:')
    >>> joined(["train", "--target", "=", "chu"])
    (['train', '--target=chu'], '')
    """
    words: list[str] = []
    stays, glued = "", False
    for part in parts:
        breaks = BREAKS.fullmatch(part) is not None
        if words and (breaks or glued):
            stays = words[-1] + part * breaks
            words[-1] += part
        else:
            stays = ""
            words.append(part)
        glued = breaks
    value = stays.partition("=")[2] if stays.startswith("-") else stays
    with contextlib.suppress(ValueError):  # an open quote
        value = "".join(shlex.split(value))
    return words, value
