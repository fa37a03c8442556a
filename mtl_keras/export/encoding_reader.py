"""Encodes raw rows as the inputs of an exported network, with NumPy only.

This file is copied beside an exported network, and does not need mtl_keras:

    import json, numpy, onnxruntime, encoding_reader
    encoding = json.load(open("customers.encoding.json", encoding="utf-8"))
    rows = {"age": [41.0, float("nan")], "plan": ["basic", ""]}
    session = onnxruntime.InferenceSession("customers.onnx")
    inputs = encoding_reader.encode(encoding, rows)
    answers = session.run(None, {x.name: inputs[x.name] for x in session.get_inputs()})
"""

import re
from statistics import NormalDist

import numpy as np

DAY = r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])"
TIME = r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d+)?)?(Z|[+-]00:?00)?"
DATE = re.compile(rf"{DAY}([ T]{TIME})?", re.ASCII)
SPACE = " \t\n\r\f\v"


def encode(encoding, rows, given=None):
    """Return the network's inputs for raw rows.

    Args:
        encoding: The content of the JSON file.
        rows: One value per row for each input: numbers (NaN: missing) or strings (empty: missing).
        given: Encoded arrays by group, for each feature whose encoding is not in the file
            (`"encode": null`).

    Returns:
        Arrays by name of the network's input.
    """
    groups: dict = {}
    for feature in encoding["features"]:
        name, how = feature["name"], feature["encode"]
        if how is None and name not in (given or {}):
            raise ValueError(f"The file has no encoding of {name!r}: pass its arrays as `given`.")
        if how is None:
            encoded = given[name]
        else:
            encoded = LAYERS[how](present(rows[feature["input"]], feature["missing"]), feature)
        for group, values in encoded.items():
            group = feature["own"] if group == "own" else group
            groups.setdefault(group, []).append(np.asarray(values))
    for crossing in encoding["crossings"]:
        read = zip(crossing["inputs"], crossing["missing"])
        values = [present(rows[name], missing) for name, missing in read]
        groups.setdefault("crossed", []).append(crossed(values, crossing))
    types = encoding["inputs"]
    return {name: np.concatenate(groups[name], axis=1).astype(types[name]) for name in types}


def present(values, missing):
    """Return values with NaN or an empty string for those that stand for a missing one."""
    if not missing:
        return values
    if isinstance(missing[0], str):
        return ["" if text in missing else text for text in values]
    x = np.asarray(values, np.float32)
    return np.where(np.isin(x, np.float32(missing)), np.float32("nan"), x)


# One function for each kind of layer: see the classes of the same names in mtl_keras.features.


def numeric(values, of):
    x = np.asarray(values, np.float32)[:, None]
    missing = np.isnan(x)
    x = x if of["lowest"] is None else np.maximum(x, np.float32(of["lowest"]))
    x = x if of["highest"] is None else np.minimum(x, np.float32(of["highest"]))
    if of["knots"] is not None:
        x = normal_score(np.where(missing, 0, x), np.float32(of["knots"]), np.float32(of["ranks"]))
    else:
        x = np.sign(x) * np.log1p(np.abs(x)) if of["transform"] == "log1p" else x
        x = (x - np.float32(of["center"])) / np.float32(of["scale"])
    limit = np.float32(of["limit"])
    x = x / np.sqrt(1 + (x / limit) ** 2) if of["smooth"] else np.clip(x, -limit, limit)
    groups = {"numeric": np.where(missing, 0, x)}
    return groups | ({"plain": missing} if of["indicator"] else {})


def normal_score(x, knots, ranks):
    at = np.clip(np.searchsorted(knots, x, side="right"), 1, len(knots) - 1)
    width = np.maximum(knots[at] - knots[at - 1], np.float32(1e-45))
    part = np.clip((x - knots[at - 1]) / width, 0, 1)
    rank = ranks[at - 1] * (1 - part) + ranks[at] * part
    rank = np.clip(rank, np.float32(1e-6), np.float32(1 - 1e-6))
    return np.vectorize(NormalDist().inv_cdf, otypes=[np.float32])(rank)


def boolean(values, of):
    no, yes = (np.array([x == known for x in values], np.float32) for known in of["values"])
    return {"plain": np.stack([yes - no, 1 - yes - no], axis=1)}


def looked_up(texts, vocabulary):
    known = {text: index for index, text in enumerate(vocabulary, start=2)} | {"": 0}
    return [known.get(text, 1) for text in texts]


def category(texts, of):
    return {"categorical": np.array(looked_up(texts, of["vocabulary"]))[:, None]}


def parts(text, separator):
    pattern = f"[{SPACE}]+" if separator == " " else re.escape(separator)
    stripped = (part.strip(SPACE) for part in re.split(pattern, text))
    return [part for part in stripped if part]


def padded(lists, length):
    return np.array([(list(each) + [0] * length)[:length] for each in lists])


def categories(texts, of):
    sets = [looked_up(parts(t, of["separator"]), of["vocabulary"]) for t in texts]
    if of["length"] is not None:
        return {"own": padded(sets, of["length"])}
    places = range(1, len(of["vocabulary"]) + 2)
    return {"plain": np.array([[not s, *(place in s for place in places)] for s in sets])}


def sequence(texts, of):
    last = [parts(text, of["separator"])[-of["length"] :] for text in texts]
    if of["vocabulary"] is not None:
        return {"own": padded([looked_up(each, of["vocabulary"]) for each in last], of["length"])}
    numbers = [np.clip((np.float32(x) - of["center"]) / of["scale"], -10, 10) for x in last]
    present = padded([[1] * len(each) for each in last], of["length"])
    return {"own": np.stack([padded(numbers, of["length"]), present], axis=-1)}


def vector(values, of):
    x = np.asarray(values, np.float32)
    missing = np.isnan(x)
    x = (x - np.float32(of["center"])) / np.float32(of["scale"])
    x = np.where(missing, 0, np.clip(x, -10, 10))
    absent = missing.all(axis=1, keepdims=True)
    return {"plain": np.concatenate([x, absent], axis=1) if of["indicator"] else x}


def date(texts, of):
    if of.get("pattern"):
        texts = [re.sub(r"\b([0-9])\b", r"0\1", text.strip(), flags=re.ASCII) for text in texts]
        texts = [re.sub(of["pattern"], of["rewriting"], text) for text in texts]
    valid = np.array([bool(DATE.fullmatch(text)) for text in texts])
    texts = [text if good else "1970-01-01" for text, good in zip(texts, valid)]
    texts = [text if len(text) > 10 else f"{text} 00:00" for text in texts]
    places = ((0, 4), (5, 7), (8, 10), (11, 13), (14, 16))
    year, month, day, hour, minute = np.array([[int(t[a:b]) for a, b in places] for t in texts]).T
    days, start = since_1970(year, month, day), since_1970(year, 1, 1)
    valid &= days < since_1970(year + month // 12, month % 12 + 1, 1)  # not 31 February
    angles = [((days + 3) % 7, 7.0), (day - 1, 31.0), (days - start, 365.25)]
    angles += [(hour * 60 + minute, 1440.0)] if of["time"] else []
    turned = [np.float32(part) * np.float32(2 * np.pi / period) for part, period in angles]
    plain = np.stack([turn(angle) for angle in turned for turn in (np.sin, np.cos)], axis=1)
    elapsed = (np.float32(days) - np.float32(of["center"])) / np.float32(of["scale"])
    return {
        "numeric": (np.clip(elapsed, -10, 10) * valid)[:, None],
        "plain": np.concatenate([plain * valid[:, None], ~valid[:, None]], axis=1),
    }


def since_1970(year, month, day):
    """Return the days from 1970-01-01 to a Gregorian date; years start in March."""
    year, month = np.where(month <= np.int64(2), year - 1, year), (month + 9) % 12
    leap_days = year // 4 - year // 100 + year // 400
    return 365 * year + leap_days + (153 * month + 2) // 5 + day - 1 - 719468


def crossed(columns, of):
    number = np.zeros(len(columns[0]), np.int64)
    for column, known in zip(columns, of["values"]):
        if all(isinstance(value, str) for value in known) and not is_numbers(column):
            index = looked_up(column, known)
        else:
            column = np.asarray(column, np.float32)
            index = np.where(np.isnan(column), 0, found(column, np.float32(known)))
        number = number * (len(known) + 2) + index
    return np.where(number == 0, 0, found(number, np.int64(of["combinations"])))[:, None]


def is_numbers(column):
    return np.asarray(column).dtype.kind in "fiub"


def found(wanted, known):
    """Return 2 plus the position among the known values, which ascend; 1 for unknown ones."""
    if len(known) == 0:
        return np.ones(len(wanted), np.int64)
    at = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
    return np.where(known[at] == wanted, at + 2, 1)


LAYERS = {
    "NumericEncoding": numeric,
    "BooleanEncoding": boolean,
    "CategoryEncoding": category,
    "CategoriesEncoding": categories,
    "SequenceEncoding": sequence,
    "VectorEncoding": vector,
    "DateEncoding": date,
}
