"""What identifies a training: its name, and what it depends on."""

import hashlib
import json
import re
import uuid
from pathlib import Path

from mtl_keras.jobs import replace_file
from mtl_keras.plans.plan import Plan
from mtl_keras.runs.prepared import Prepared
from mtl_keras.tracking import Facts


def identity(checkpoint: Path | None, resume: bool) -> str:
    """Return a unique name of this training, which is kept when it is resumed."""
    if checkpoint is None:
        return uuid.uuid4().hex
    kept = kept_identity(checkpoint) if resume else None
    if kept is not None:
        return kept
    name = uuid.uuid4().hex
    replace_file(checkpoint / "identity", name)
    return name


def kept_identity(checkpoint: Path) -> str | None:
    """Return the name of the training whose state is in a folder; None if there is none."""
    try:
        text = (checkpoint / "identity").read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return None
    return text if re.fullmatch("[0-9a-f]{32}", text) else None


def fingerprint(plan: Plan, rows: Prepared) -> str:
    """Return what a training depends on: its rows, and its plan without mere descriptions."""
    plan = plan.but(training=plan.training.untracked(), intended_use=None, worst_rows=10)
    values = {**plan.to_dict(), "data": plan.weight_columns()}
    if plan.missing_values:  # which a stream of the same rows does not show
        values["missing_values"] = plan.missing_values
    return json.dumps([values, *rows.identity], sort_keys=True, default=str)


def facts(training: str, rows: Prepared) -> Facts:
    """Return the facts that a tracker gets at the beginning of a training.

    Args:
        training: Name of the training.
        rows: Its rows.
    """
    content = json.dumps(rows.identity, default=str)
    return Facts(
        training=training,
        data=hashlib.sha256(content.encode()).hexdigest()[:16],
        rows=rows.counts,
        features=tuple(feature.name for feature in rows.encoder.features),
    )
