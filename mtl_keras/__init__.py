from mtl_keras import balancers
from mtl_keras.model import MultiTaskModel
