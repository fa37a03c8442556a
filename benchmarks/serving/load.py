"""The load: users of locust who send one row after the other, and the percentiles of what they saw.

`benchmarks/serve.py` starts it. The environment names the request (`LOAD_PATH`, `LOAD_BODY`, files
with JSON) and the file to write to (`LOAD_RESULT`).
"""

import json
import os
from pathlib import Path

import numpy as np
from locust import FastHttpUser, constant, events, task

BODY = Path(os.environ["LOAD_BODY"]).read_bytes()
SEEN: list[tuple[float, float]] = []  # milliseconds, and when in seconds
FAILED: list[str] = []


class Client(FastHttpUser):
    """Sends the next request as soon as the last one is answered."""

    wait_time = constant(0)

    @task
    def ask(self) -> None:
        """Send the row."""
        self.client.post(
            os.environ["LOAD_PATH"], data=BODY, headers={"Content-Type": "application/json"}
        )


@events.request.add_listener
def seen(response_time: float, exception: Exception | None, start_time: float, **_) -> None:
    """Note a request."""
    if exception is None:
        SEEN.append((response_time, start_time))
    else:
        FAILED.append(str(exception))


@events.quit.add_listener
def told(**_) -> None:
    """Write what was seen after the first second, when all users are there."""
    times, starts = np.array(SEEN or [(np.nan, 0.0)]).T
    steady = starts >= starts.min() + (1 if len(SEEN) > 1 else 0)
    result = {
        "requests": len(SEEN) + len(FAILED),
        "failed": FAILED,
        "per_second": float(steady.sum() / (starts.max() - starts.min() - 1)),
        "p50": float(np.median(times[steady])),
        "p99": float(np.quantile(times[steady], 0.99)),
        "longest": float(times[steady].max()),
    }
    Path(os.environ["LOAD_RESULT"]).write_text(json.dumps(result))
