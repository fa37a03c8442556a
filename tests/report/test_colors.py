"""The colors of the figures differ for everyone, on light pages and on dark ones."""

import importlib.resources
import itertools
import re

import numpy as np
import pytest

from mtl_keras.drawing import style

DICHROMACY = {
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
}
"""Machado, Oliveira, Fernandes: "A Physiologically-based Model for Simulation of Color Vision
Deficiency", 2009, table for severity 1."""


def lab(color, seen):
    """CIE L*a*b* of a color as someone sees it."""
    encoded = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    xyz = to_xyz @ np.clip(np.array(seen) @ linear, 0, 1) / (0.9505, 1, 1.089)
    x, y, z = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_colors_differ_for_the_color_blind_too(theme):
    page = importlib.resources.files("mtl_keras.report").joinpath("templates/base.html").read_text()
    dark = re.findall(r"--series-\d: (#\w{6})", page)
    colors = style.COLORS if theme == "light" else dark
    assert len(colors) == len(style.COLORS)
    for seen in (np.eye(3), *DICHROMACY.values()):
        for first, second in itertools.combinations(colors, 2):
            assert np.linalg.norm(lab(first, seen) - lab(second, seen)) > 18, (first, second)
