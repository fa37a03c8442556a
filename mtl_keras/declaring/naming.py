"""Names that TensorFlow takes, from names that it may not take."""

import keyword


def layer_name(*parts: str) -> str:
    """A name that TensorFlow takes for a layer or an argument, from names that it may not take."""
    text = "_".join(parts)
    slug = "".join(c if c.isascii() and (c.isalnum() or c == "_") else "_" for c in text)
    if slug != text or not slug[0].isalpha() or keyword.iskeyword(slug) or slug == "self":
        slug = f"x_{slug}_{sum(ord(c) * 31**i for i, c in enumerate(text)) % 100_000}"
    return slug
