"""The style of all figures; a page replaces these colors by its own."""

COLORS = ["#3366aa", "#cc6633", "#338855", "#aa3377", "#887722", "#666666"]
MUTED = "#8a8f98"
POINTS = "#4b8add"  # of raster images in figures: visible on light and dark backgrounds
