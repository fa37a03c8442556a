"""The papers' equations in NumPy: what each architecture has to compute from its weights.

Nothing here is made by the library. A reading finds the weights of a built model by their paths,
and follows the paper that the class names, or the class's docstring where that declares a
departure. Members (BatchEnsemble) are an axis between rows and features.
"""

from collections.abc import Callable, Sequence

from tests.architectures.network import Network, Streams
from tests.architectures.papers import adapted, chains, experts, trunks

READINGS: dict[str, Callable[[Network, Sequence[str]], Streams]] = {
    "AITM": chains.aitm,
    "Adapters": adapted.adapters,
    "CGC": experts.ple,
    "CrossStitch": trunks.cross_stitch,
    "DSelectK": experts.dselect_k,
    "ESMM": chains.esmm,
    "Grouped": trunks.grouped,
    "HoME": experts.home,
    "LearningToBranch": trunks.learning_to_branch,
    "LoRA": adapted.lora,
    "MMoE": experts.mmoe,
    "MTAN": adapted.mtan,
    "MTLLoRA": adapted.mtl_lora,
    "NDDR": trunks.nddr,
    "OMoE": experts.omoe,
    "PEPNet": adapted.pepnet,
    "PLE": experts.ple,
    "STEM": experts.stem,
    "SharedBottom": trunks.shared_bottom,
    "SingleTask": trunks.single_task,
    "Sluice": trunks.sluice,
    "SoftSharing": trunks.soft_sharing,
}
