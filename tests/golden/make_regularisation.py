"""What PyTorch and torchvision make of the same small numbers: gradient clipping, label smoothing, mixup, cutmix, and a moving
average of the weights. Writes tests/golden/parity/regularisation.json, for tests/lua/engine_spec.lua.

    python tests/golden/make_regularisation.py
"""
import json
import math
from pathlib import Path
from unittest import mock

import torch
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torchvision.transforms import v2


def formula(*shape):
   n = math.prod(shape)
   return torch.tensor([round(math.sin(1.3 * i) * 3, 3) for i in range(n)], dtype=torch.float64).reshape(shape)


def plain(tensor):
   return tensor.detach().reshape(-1).tolist()


def clipping():
   def gradients(clip):
      leaves = [formula(2, 3).requires_grad_(), formula(4).requires_grad_()]
      for leaf in leaves:
         leaf.grad = leaf.detach().clone()
      result = clip(leaves)
      return {"gradients": [plain(leaf.grad) for leaf in leaves], "norm": None if result is None else result.item()}

   return {"norm": gradients(lambda p: torch.nn.utils.clip_grad_norm_(p, 2.0)),
           "loose": gradients(lambda p: torch.nn.utils.clip_grad_norm_(p, 100.0)),
           "value": gradients(lambda p: torch.nn.utils.clip_grad_value_(p, 1.5))}


def smoothing():
   logits = formula(4, 3).requires_grad_()
   loss = torch.nn.functional.cross_entropy(logits, torch.tensor([0, 1, 2, 1]), label_smoothing=0.1)
   loss.backward()
   return {"loss": loss.item(), "gradient": plain(logits.grad)}


def mixed(transform, share, draws=()):
   """The batch and the soft targets of a transform whose random numbers are given: the share, then those of randint."""
   x, y = formula(3, 2, 4, 4), torch.tensor([0, 1, 2])
   draws = iter(draws)
   with mock.patch.object(transform._dist, "sample", lambda *_: torch.tensor([share], dtype=torch.float64)), \
        mock.patch("torch.randint", lambda *_, **__: torch.tensor([next(draws)])):
      pixels, targets = transform(x, y)
   logits = formula(3, 3)
   loss = torch.nn.functional.cross_entropy(logits, targets.double())
   return {"share": share, "pixels": plain(pixels), "targets": plain(targets), "loss": loss.item()}


def average():
   net = torch.nn.Linear(2, 1).double()
   kept = AveragedModel(net, multi_avg_fn=get_ema_multi_avg_fn(0.9))
   for t in range(1, 6):
      with torch.no_grad():
         net.weight.copy_(torch.tensor([[math.sin(t), math.cos(t)]]))
      kept.update_parameters(net)
   return plain(kept.module.weight)


found = {"clipping": clipping(), "smoothing": smoothing(), "average": average(),
         "mixup": mixed(v2.MixUp(num_classes=3, alpha=1.0), 0.75),
         # column 1, row 3 of a photo of 4 x 4; half the side of the box is int(0.5 * sqrt(1 - share) * 4) = 1
         "cutmix": {"column": 1, "row": 3, **mixed(v2.CutMix(num_classes=3, alpha=1.0), 0.5, [1, 3])}}
path = Path(__file__).parent / "parity" / "regularisation.json"
path.write_text(json.dumps(found, indent=1) + "\n")
