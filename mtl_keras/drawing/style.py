"""One look for all figures: their colors, which a page replaces by its own."""

COLORS = ["#3366aa", "#cc6633", "#338855", "#aa3377", "#887722", "#666666"]
MUTED = "#8a8f98"
POINTS = "#4b8add"  # of pictures inside of figures: seen on light and on dark
