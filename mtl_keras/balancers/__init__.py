"""Balancers, which combine the losses of the tasks, or their gradients, into one update."""

from mtl_keras.balancers.aligned_mtl import AlignedMTL
from mtl_keras.balancers.base import Balancer, Setup
from mtl_keras.balancers.cagrad import CAGrad
from mtl_keras.balancers.config import ConFIG
from mtl_keras.balancers.cr_mogm import CRMOGM
from mtl_keras.balancers.db_mtl import DBMTL
from mtl_keras.balancers.dst import DST
from mtl_keras.balancers.dual_proj import DualProj
from mtl_keras.balancers.dwa import DWA
from mtl_keras.balancers.excess_mtl import ExcessMTL
from mtl_keras.balancers.fairgrad import FairGrad
from mtl_keras.balancers.famo import FAMO
from mtl_keras.balancers.fixed import Fixed
from mtl_keras.balancers.function import GramianFunction, LossFunction
from mtl_keras.balancers.gls import GLS
from mtl_keras.balancers.graddrop import GradDrop
from mtl_keras.balancers.gradient import GramianBalancer, HalvesBalancer
from mtl_keras.balancers.gradient_similarity import GradientSimilarity
from mtl_keras.balancers.gradnorm import GradNorm
from mtl_keras.balancers.gradvac import GradVac
from mtl_keras.balancers.imtl import IMTL
from mtl_keras.balancers.imtl_g import IMTLG
from mtl_keras.balancers.imtl_l import IMTLL
from mtl_keras.balancers.jacobian import JacobianBalancer
from mtl_keras.balancers.mgda import MGDA
from mtl_keras.balancers.moco import MoCo
from mtl_keras.balancers.modo import MoDo
from mtl_keras.balancers.named import declared, get
from mtl_keras.balancers.nash_mtl import NashMTL
from mtl_keras.balancers.pcgrad import PCGrad
from mtl_keras.balancers.rlw import RLW
from mtl_keras.balancers.scale_invariant import ScaleInvariant
from mtl_keras.balancers.sdmgrad import SDMGrad
from mtl_keras.balancers.stch import STCH
from mtl_keras.balancers.uncertainty import Uncertainty
from mtl_keras.balancers.upgrad import UPGrad
from mtl_keras.balancers.uw_so import UWSO

__all__ = [
    "CRMOGM",
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
    "GradientSimilarity",
    "GramianBalancer",
    "GramianFunction",
    "HalvesBalancer",
    "JacobianBalancer",
    "LossFunction",
    "MoCo",
    "MoDo",
    "NashMTL",
    "PCGrad",
    "SDMGrad",
    "ScaleInvariant",
    "Setup",
    "UPGrad",
    "Uncertainty",
    "declared",
    "get",
]
