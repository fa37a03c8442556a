"""Balancers: how per-task losses, or their gradients, become one update."""

import sys
from typing import Any

from mtl_keras.balancers.aligned_mtl import AlignedMTL
from mtl_keras.balancers.base import Balancer, Setup
from mtl_keras.balancers.cagrad import CAGrad
from mtl_keras.balancers.config import ConFIG
from mtl_keras.balancers.db_mtl import DBMTL
from mtl_keras.balancers.dst import DST
from mtl_keras.balancers.dual_proj import DualProj
from mtl_keras.balancers.dwa import DWA
from mtl_keras.balancers.excess_mtl import ExcessMTL
from mtl_keras.balancers.fairgrad import FairGrad
from mtl_keras.balancers.famo import FAMO
from mtl_keras.balancers.fixed import Fixed
from mtl_keras.balancers.function import GramianFunction, LossFunction, from_function
from mtl_keras.balancers.gls import GLS
from mtl_keras.balancers.graddrop import GradDrop
from mtl_keras.balancers.gradient import GramianBalancer, JacobianBalancer
from mtl_keras.balancers.gradnorm import GradNorm
from mtl_keras.balancers.gradvac import GradVac
from mtl_keras.balancers.imtl import IMTL
from mtl_keras.balancers.imtl_g import IMTLG
from mtl_keras.balancers.imtl_l import IMTLL
from mtl_keras.balancers.mgda import MGDA
from mtl_keras.balancers.moco import MoCo
from mtl_keras.balancers.nash_mtl import NashMTL
from mtl_keras.balancers.pcgrad import PCGrad
from mtl_keras.balancers.rlw import RLW
from mtl_keras.balancers.scale_invariant import ScaleInvariant
from mtl_keras.balancers.stch import STCH
from mtl_keras.balancers.uncertainty import Uncertainty
from mtl_keras.balancers.upgrad import UPGrad
from mtl_keras.balancers.uw_so import UWSO
from mtl_keras.declaring import references, registry

__all__ = [
    "DBMTL",
    "DST",
    "DWA",
    "FAMO",
    "GLS",
    "IMTL",
    "IMTLG",
    "IMTLL",
    "MGDA",
    "RLW",
    "STCH",
    "UWSO",
    "AlignedMTL",
    "Balancer",
    "CAGrad",
    "ConFIG",
    "DualProj",
    "ExcessMTL",
    "FairGrad",
    "Fixed",
    "GradDrop",
    "GradNorm",
    "GradVac",
    "GramianBalancer",
    "GramianFunction",
    "JacobianBalancer",
    "LossFunction",
    "MoCo",
    "NashMTL",
    "PCGrad",
    "ScaleInvariant",
    "Setup",
    "UPGrad",
    "Uncertainty",
    "declared",
    "get",
]


def get(identifier: Any) -> Balancer:
    """A balancer from its name, a `{"kind": name, ...}` mapping, an instance or a function.

    None gives `Fixed`. A function of `(losses, present)` or `(losses, present, gramian)` returns
    weights.

    Example:

    >>> type(get({"kind": "uncertainty", "learning_rate": 0.01})).__name__
    'Uncertainty'
    >>> type(get("nash_mtl")).__name__
    'NashMTL'
    """
    if identifier is None:
        return Fixed()
    if callable(identifier) and not isinstance(identifier, (Balancer, type)):
        return from_function(identifier)
    package = sys.modules[__name__]
    return registry.get(identifier, package, Balancer, "balancer", from_function)


def declared(balancer: Balancer) -> dict[str, Any]:
    """A balancer as written in a file: its name, and the arguments that differ from the default.

    Example:

    >>> declared(get({"kind": "dwa", "temperature": 3.0}))
    {'kind': 'dwa', 'temperature': 3.0}
    """
    function = getattr(balancer, "function", None)
    if isinstance(balancer, (LossFunction, GramianFunction)):
        return {"kind": references.reference(function)}
    config, options = balancer.get_config(), type(balancer).options()
    arguments = {key: config[key] for key, p in options.items() if config[key] != p.default}
    return {"kind": references.reference(type(balancer)), **arguments}
