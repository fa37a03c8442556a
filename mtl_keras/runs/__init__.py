"""One experiment carried out: prepared, built, trained, judged, exported."""
