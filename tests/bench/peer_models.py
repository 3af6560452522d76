"""PyTorch's networks by their names, untrained: torchvision's, and EfficientNet-Lite0, which it does not have."""
import importlib
import pathlib
import sys

import torchvision.models as models

GOLDEN = pathlib.Path(__file__).resolve().parents[1] / "golden"


def create(name, classes=10):
    if name != "efficientnet_lite0":
        return getattr(models, name)(weights=None, num_classes=classes)
    sys.path.append(str(GOLDEN))
    return importlib.import_module("efficientnet_lite").efficientnet_lite0(classes)
