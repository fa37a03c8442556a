"""Requests of which something is wrong, drawn by a seed."""

NASTY = (
    *(None, True, -1, 1e308, 2**63, 10**40, float("nan"), float("-inf")),
    *("", "x", "nan", "\0", "\ud800", "🙂", "2020-13-45", "/etc/passwd", "x" * 3000, "BOOL"),
    *([], [[1]], [None], [1] * 99, {}, {"b64": 3}, {"b64": "*"}, {"content_type": "np"}),
)
BYTES = (b"", b"null", b"[" * 3000, b"\xff", b'{"inputs": NaN}', b'{"inputs": [null]}')


def changed(value, random, depth=0):
    """A JSON value of which one part is another one, is missing or stands twice."""
    if not isinstance(value, (dict, list)) or not value or random.random() < 0.1 * depth:
        return random.choice(NASTY)
    made, how = value.copy(), random.random()
    key = random.choice(list(made) if isinstance(made, dict) else range(len(made)))
    if how < 0.1:
        del made[key]
    elif how < 0.2:
        made = {**made, "zz": 1} if isinstance(made, dict) else [*made, made[key]]
    else:
        made[key] = changed(made[key], random, depth + 1)
    return made


def drawn(value, random):
    """A malformed body: JSON values, or bytes that are no JSON."""
    return random.choice(BYTES) if random.random() < 0.1 else changed(value, random)
