"""Twenty steps of PyTorch's optimizers in float64: tests/golden/parity/optim.json, for tests/lua/optim_spec.lua.

    python tests/golden/make_optimizers.py

The file holds the cases as well: options under scute's names, settings of the two groups, and where the parameters end. The
gradients are a formula of the step and of the position, so that nothing but the update rule makes the numbers.
"""
import json
import math
from pathlib import Path

import torch

STEPS, LATE, HALVED = 20, 7, 11  # steps; the first one in which "late" parameters have a gradient; that of half the rate
SHAPES = [[3, 4], [4], [2, 3, 2, 2], [5]]  # the first two are in the group "body", the others in "head"
KINDS = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam, "adamw": torch.optim.AdamW, "rmsprop": torch.optim.RMSprop}


def case(kind, body=None, head=None, late=False, halved=False, **options):
   return {"kind": kind, "options": {"lr": 0.01, "weight_decay": 0, "decay_norms": True, **options}, "body": body or {},
           "head": head or {}, "late": late, "halved": halved}


CASES = {
   "sgd": case("sgd"),
   "sgd, weight decay": case("sgd", weight_decay=0.1),
   "sgd, momentum": case("sgd", momentum=0.9),
   "sgd, momentum and weight decay": case("sgd", momentum=0.9, weight_decay=0.1),
   "sgd, dampening": case("sgd", momentum=0.9, dampening=0.4, weight_decay=0.1),
   "sgd, nesterov": case("sgd", momentum=0.9, nesterov=True),
   "sgd, nesterov and weight decay": case("sgd", momentum=0.9, nesterov=True, weight_decay=0.1),
   "sgd, groups": case("sgd", {"lr": 0.003, "weight_decay": 0.2, "momentum": 0.5}, {"lr": 0.03}, momentum=0.9,
                       weight_decay=0.01),
   "sgd, a group without momentum": case("sgd", {"momentum": 0}, momentum=0.9),
   "sgd, norms are not decayed": case("sgd", momentum=0.9, weight_decay=0.1, decay_norms=False),
   "sgd, late": case("sgd", momentum=0.9, weight_decay=0.1, late=True, halved=True),
   "adam": case("adam"),
   "adam, weight decay": case("adam", weight_decay=0.1),
   "adam, groups": case("adam", {"lr": 0.003, "weight_decay": 0.2, "beta1": 0.8}, {"beta2": 0.95}, weight_decay=0.01),
   "adam, norms are not decayed": case("adam", weight_decay=0.1, decay_norms=False),
   "adamw, no decay": case("adamw"),
   "adamw": case("adamw", weight_decay=0.1),
   "adamw, other constants": case("adamw", beta1=0.8, beta2=0.95, eps=1e-3, weight_decay=0.1),
   "adamw, groups": case("adamw", {"lr": 0.003, "weight_decay": 0.2}, {"beta1": 0.7, "weight_decay": 0}, weight_decay=0.01),
   "adamw, norms are not decayed": case("adamw", weight_decay=0.1, decay_norms=False),
   "adamw, late": case("adamw", weight_decay=0.1, late=True, halved=True),
   "rmsprop": case("rmsprop"),
   "rmsprop, weight decay": case("rmsprop", alpha=0.9, eps=1e-3, weight_decay=0.1),
   "rmsprop, momentum": case("rmsprop", lr=0.003, momentum=0.9, weight_decay=0.1),
   "rmsprop, centered": case("rmsprop", lr=0.003, centered=True),
   "rmsprop, centered with momentum": case("rmsprop", lr=0.001, centered=True, momentum=0.9, weight_decay=0.1),
   "rmsprop, groups": case("rmsprop", {"lr": 0.003, "weight_decay": 0.2, "momentum": 0.5}, {"lr": 0.002}, weight_decay=0.01),
   "rmsprop, late": case("rmsprop", lr=0.003, momentum=0.5, late=True, halved=True),
}


def formula(shape, of_position):
   """An array of float32 numbers, as float64; positions count from 0 in logical order."""
   values = [of_position(i) for i in range(math.prod(shape))]
   return torch.tensor(values, dtype=torch.float32).double().reshape(shape)


def parameters():
   return [formula(shape, lambda i, k=k: math.cos(1.7 * i + k)).requires_grad_() for k, shape in enumerate(SHAPES)]


def gradient(k, shape, step):
   return formula(shape, lambda i: (0.2 + 0.1 * (i % 7)) * math.sin(0.7 * i + 1.3 * step + k))


def torch_options(options):
   """Options as PyTorch names them."""
   named = dict(options)
   named.pop("decay_norms", None)
   if "beta1" in named or "beta2" in named:
      named["betas"] = (named.pop("beta1", 0.9), named.pop("beta2", 0.999))
   return named


def torch_groups(given, leaves):
   groups = []
   for name, members in ("body", leaves[:2]), ("head", leaves[2:]):
      settings = torch_options({**given["options"], **given[name]})
      for leaf in members:
         own = dict(settings)
         if leaf.dim() == 1 and not given["options"]["decay_norms"]:
            own["weight_decay"] = 0
         groups.append({"params": [leaf], **own})
   return groups


def run(given):
   leaves = parameters()
   optimizer = KINDS[given["kind"]](torch_groups(given, leaves), foreach=False)
   for step in range(1, STEPS + 1):
      for k, leaf in enumerate(leaves):
         leaf.grad = None if given["late"] and k < 2 and step < LATE else gradient(k, SHAPES[k], step)
      if given["halved"] and step == HALVED:
         for group in optimizer.param_groups:
            group["lr"] *= 0.5
      optimizer.step()
   return [leaf.detach().reshape(-1).tolist() for leaf in leaves]


found = {"steps": STEPS, "late": LATE, "halved": HALVED, "shapes": SHAPES,
         "cases": {name: {**given, "ends": run(given)} for name, given in CASES.items()}}
path = Path(__file__).parent / "parity" / "optim.json"
path.write_text(json.dumps(found, indent=1) + "\n")
