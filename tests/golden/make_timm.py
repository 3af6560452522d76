"""Names of timm's networks for which scute translates them, for tests without Python: tests/golden/timm/MODEL.keys, a line for
each layer with its entries, in timm's order. That the shapes are torchvision's, in the same order, is checked here.

    python tests/golden/make_timm.py        with timm 1.0, torch and torchvision
"""
import os

import timm
import torch
import torchvision

NAMES = {"efficientnet_b0": "efficientnet_b0", "efficientnet_b3": "efficientnet_b3", "mobilenet_v2": "mobilenetv2_100",
         "efficientnet_v2_s": "efficientnetv2_s", "convnext_tiny": "convnext_tiny"}



def trimmed(tensor):
    """Its shape without the ones at the end: (C, 1, 1) of torchvision is (C) of timm."""
    shape = list(tensor.shape)
    while shape and shape[-1] == 1:
        shape.pop()
    return shape


folder = os.path.join(os.path.dirname(__file__), "timm")
os.makedirs(folder, exist_ok=True)
for model, name in NAMES.items():
    with torch.device("meta"):
        theirs = timm.create_model(name).state_dict()
        ours = getattr(torchvision.models, model)().state_dict()
    assert [trimmed(v) for v in theirs.values()] == [trimmed(v) for v in ours.values()], model
    layers = {}
    for key in theirs:
        layer, entry = key.rsplit(".", 1)
        layers.setdefault(layer, []).append(entry)
    with open(os.path.join(folder, model + ".keys"), "w") as file:
        for layer, entries in layers.items():
            file.write(f"{layer} {' '.join(entries)}\n")
