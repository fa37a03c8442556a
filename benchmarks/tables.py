"""Many nasty tables and odd declarations: each succeeds with equal answers, or is refused clearly.

    python benchmarks/tables.py --level prepared --cases 2000 --seconds 600

The cases and what must hold of them are those of `tests/property/tables.py`; a seed gives the same
case again: `--first SEED --cases 1`.
"""

import argparse
import collections
import os
import random
import re
import signal
import time
import traceback
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--level", default="prepared", help="prepared, untrained, whole or csv")
    parser.add_argument("--cases", type=int, default=1000, help="how many")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--seconds", type=float, default=600.0, help="time limit")
    parser.add_argument("--messages", action="store_true", help="print what refusals say")
    arguments = parser.parse_args()

    import keras
    import tensorflow as tf

    from tests.property import checks, tables

    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    counts: collections.Counter[str] = collections.Counter()
    failures: dict[str, list[str]] = {}
    messages: dict[str, int] = {}
    stopped: list[bool] = []
    start = time.perf_counter()
    signal.setitimer(signal.ITIMER_REAL, arguments.seconds)
    for ended in (signal.SIGALRM, signal.SIGTERM):
        signal.signal(ended, lambda *_: stopped.append(True))
    for seed in range(arguments.first, arguments.first + arguments.cases):
        if stopped:  # what was found until then is told
            break
        case = tables.drawn(random.Random(seed))
        keras.backend.clear_session()
        keras.utils.set_random_seed(0)
        try:
            if arguments.level == "csv":
                checks.whole(case, as_file=True)
            else:
                checks.LEVELS[arguments.level](case)
            counts["succeeded with equal answers"] += 1
        except checks.Refused as refusal:
            counts["refused with a clear error"] += 1
            messages.setdefault(re.sub(r"'.*?'|\d+", "…", str(refusal)), seed)
        except Exception as error:
            counts["failed"] += 1
            failures.setdefault(_place(error), []).append(f"seed {seed}: {error!r:.300}\n  {case}")
    print(f"{arguments.level}: {sum(counts.values())} cases, {time.perf_counter() - start:.0f} s")
    for outcome, count in counts.items():
        print(f"| {outcome} | {count} |")
    for place, found in sorted(failures.items(), key=lambda item: -len(item[1])):
        print(f"\n{len(found)} x {place}\n{found[0]:.1500}")
        print("  also seeds", [line.split(":")[0][5:] for line in found[1:9]])
    if arguments.messages:
        for message, seed in messages.items():
            print(f"seed {seed}: {message:.400}")


def _place(error: Exception) -> str:
    """Where a failure arose: its type and the last line of the library or of the test."""
    root = str(Path(__file__).parents[1])
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename.startswith(root) and "site-packages" not in frame.filename
    ]
    last = frames[-1]
    where = f"{Path(last.filename).relative_to(root)}:{last.lineno} {last.name}"
    return f"{type(error).__name__} at {where}: {last.line}"


if __name__ == "__main__":
    main()
