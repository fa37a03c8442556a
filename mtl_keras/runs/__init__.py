"""Runs a plan: prepare, build, train, evaluate, export."""

from mtl_keras.runs.reports import rewrite_report
from mtl_keras.runs.result import Run
from mtl_keras.runs.story import run

__all__ = ["Run", "rewrite_report", "run"]
