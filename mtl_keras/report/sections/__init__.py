"""The sections of the report of a trained model, in the order of the page.

Each is a function in a file of its own, which makes the section of an artifact's content and a
drawer of figures, or None where there is nothing to show; its template has the same name.
"""

from collections.abc import Callable

from mtl_keras.report.content import Content
from mtl_keras.report.figures import Drawer
from mtl_keras.report.section import Section
from mtl_keras.report.sections.data import data
from mtl_keras.report.sections.experiment import experiment
from mtl_keras.report.sections.importance import importance
from mtl_keras.report.sections.model import model
from mtl_keras.report.sections.overview import overview
from mtl_keras.report.sections.residuals import residuals
from mtl_keras.report.sections.results import results
from mtl_keras.report.sections.sharing import sharing
from mtl_keras.report.sections.training import training
from mtl_keras.report.sections.use import use
from mtl_keras.report.sections.weak_slices import weak_slices
from mtl_keras.report.sections.worst_rows import worst_rows

SECTIONS: tuple[Callable[[Content, Drawer], Section | None], ...] = (
    overview,
    results,
    residuals,
    weak_slices,
    worst_rows,
    training,
    sharing,
    importance,
    data,
    model,
    use,
    experiment,
)
