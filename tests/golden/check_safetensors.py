"""Loads a safetensors file with PyPI's safetensors, through numpy and through torch, and compares it with the .pth file
of the same values. Run by hand:

    python tests/golden/check_safetensors.py FILE.safetensors FILE.pth
"""
import sys

import torch
from safetensors import safe_open
from safetensors.torch import load_file

written, original = sys.argv[1:]
wider = {torch.int32: torch.int64, torch.bool: torch.uint8}
expected = torch.load(original, map_location="cpu", weights_only=True)
found = load_file(written)
assert expected and found.keys() == expected.keys(), found.keys() ^ expected.keys()
for name, tensor in expected.items():
    tensor = tensor.detach().to(wider.get(tensor.dtype, tensor.dtype)).contiguous()
    assert found[name].dtype == tensor.dtype, (name, found[name].dtype, tensor.dtype)
    assert found[name].shape == tensor.shape, (name, found[name].shape, tensor.shape)
    assert found[name].reshape(-1).view(torch.uint8).equal(tensor.reshape(-1).view(torch.uint8)), name
with safe_open(written, framework="np") as f:
    for name in f.keys():
        if expected[name].dtype != torch.bfloat16:  # numpy has none
            assert f.get_tensor(name).shape == tuple(expected[name].shape), name
    print(len(found), "entries equal; metadata", f.metadata())
