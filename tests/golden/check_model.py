"""Checks a model file that scute saved with PyPI's safetensors and numpy: names, shapes and dtypes are torchvision's, but
for the head's number of classes. Where torch and torchvision are at hand, they load it with strict=True too.

    python tests/golden/check_model.py FILE.safetensors MODEL CLASSES
"""
import os
import sys

from safetensors import safe_open

path, model, classes = sys.argv[1], sys.argv[2], int(sys.argv[3])
expected = {}
with open(os.path.join(os.path.dirname(__file__), "parity", model + ".keys")) as keys:
    for line in keys:
        name, dtype, shape = (line.split() + [""])[:3]
        expected[name] = (dtype, tuple(int(n) for n in shape.split("x") if n))
heads = [name for name in expected if name.split(".")[0] in ("fc", "classifier")]
for name in heads:
    dtype, shape = expected[name]
    expected[name] = (dtype, (classes,) + shape[1:])

dtypes = {"float32": "f32", "int64": "i64"}
with safe_open(path, framework="np") as f:
    found = {name: f.get_tensor(name) for name in f.keys()}
assert expected and found.keys() == expected.keys(), sorted(found.keys() ^ expected.keys())
for name, (dtype, shape) in expected.items():
    assert dtypes[str(found[name].dtype)] == dtype, (name, found[name].dtype, dtype)
    assert found[name].shape == shape, (name, found[name].shape, shape)
print(f"{len(found)} entries as torchvision's")

try:
    import torchvision
    from safetensors.torch import load_file
except ImportError:
    sys.exit(0)
network = getattr(torchvision.models, model)(num_classes=classes)
network.load_state_dict(load_file(path), strict=True)
print("torchvision loads it, strictly")
