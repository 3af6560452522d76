"""What pytorch-metric-learning's losses and miners make of the same small numbers, values and gradients in float64. Writes
tests/golden/reid_losses.json, for tests/lua/losses_spec.lua and tests/cuda/losses.lua.

    python tests/golden/make_reid_losses.py

What it does not have, a margin for each class and insightface's easy_margin, is autograd on the formula. Needs torch and
pytorch-metric-learning (2.9.0 was used).
"""
import json
import math
from pathlib import Path

import numpy as np
import torch
from pytorch_metric_learning import distances, losses, miners

LABELS = [0, 0, 0, 1, 1, 2, 2, 2, 2, 3]  # of the last one there is one photo


def numbers(seed, *shape):
   return np.round(np.random.default_rng(seed).normal(size=shape), 3)


def plain(array):
   return [[round(float(v), 10) for v in row] for row in array]


def leaf(array):
   return torch.tensor(array, dtype=torch.float64, requires_grad=True)


def answer(loss, **leaves):
   loss.backward()
   return {"loss": loss.item(), "gradients": {name: plain(t.grad) for name, t in leaves.items()}}


# ---- margins ----

def by_library(x, weight, y, o):
   kind = losses.SubCenterArcFaceLoss if o["sub_centers"] > 1 else losses.ArcFaceLoss
   more = {"sub_centers": o["sub_centers"]} if o["sub_centers"] > 1 else {}
   classes = len(weight) // o["sub_centers"]
   loss = kind(num_classes=classes, embedding_size=x.shape[1], margin=math.degrees(o["margin"]),
               scale=o["scale"], **more)
   loss.W = torch.nn.Parameter(torch.tensor(weight.T.copy(), dtype=torch.float64))
   x = leaf(x)
   found = answer(loss(x, torch.tensor(y)), x=x)
   found["gradients"]["weight"] = plain(loss.W.grad.T)
   return found


def by_formula(x, weight, y, o):
   x, weight, y = leaf(x), leaf(weight), torch.tensor(y)
   cosines = torch.nn.functional.normalize(x) @ torch.nn.functional.normalize(weight).T
   own = cosines.gather(1, y[:, None])[:, 0]
   margin = torch.tensor(o["margins"], dtype=torch.float64)[y] if "margins" in o else torch.tensor(o["margin"])
   turned = torch.cos(torch.acos(own) + margin)
   if o.get("easy"):
      moved = torch.where(own > 0, turned, own)
   else:
      moved = torch.where(torch.acos(own) + margin <= math.pi, turned, own - margin * torch.sin(margin))
   logits = cosines.scatter(1, y[:, None], moved[:, None]) * o["scale"]
   return answer(torch.nn.functional.cross_entropy(logits, y), x=x, weight=weight)


def margin_cases():
   y, cases = LABELS[:8], []
   for name, compute, o in [
         ("ArcFace", by_library, {"margin": 0.5, "scale": 64}),
         ("a small margin and scale", by_library, {"margin": 0.2, "scale": 8}),
         ("a large margin", by_library, {"margin": 1.2, "scale": 16}),
         ("sub-centers", by_library, {"margin": 0.5, "scale": 64, "sub_centers": 3}),
         ("a margin for each class", by_formula, {"margins": [0.05 + 0.5 * n ** -0.25 for n in (1, 4, 30)], "scale": 30}),
         ("an easy margin", by_formula, {"margin": 0.5, "scale": 30, "easy": True})]:
      o.setdefault("sub_centers", 1)
      x, weight = numbers(len(cases) + 1, len(y), 6), numbers(len(cases) + 50, 3 * o["sub_centers"], 6)
      x[0] = -1.3 * weight[0]  # past pi with any margin
      x[0, 1] += 0.1
      cases.append({"name": name, "options": o, "x": plain(x), "weight": plain(weight), "y": [c + 1 for c in y],
                    **compute(x, weight, y, o)})
   return cases


# ---- photos with photos ----

def triplet(x, y, o):
   distance = distances.CosineSimilarity() if o["distance"] == "cosine" else distances.LpDistance(
      normalize_embeddings=o.get("normalize", True))
   loss = losses.TripletMarginLoss(margin=o["margin"], distance=distance)
   if o["mining"] == "all":
      return loss(x, y)
   miner = miners.BatchHardMiner(distance=distance) if o["mining"] == "hard" else miners.TripletMarginMiner(
      margin=o["margin"], type_of_triplets="semihard", distance=distance)
   return loss(x, y, miner(x, y))


def pair_cases():
   y, cases = torch.tensor(LABELS), []

   def add(kind, compute, o):
      x = leaf(numbers(100, len(LABELS), 5))
      cases.append({"loss_of": kind, "options": o, **answer(compute(x, y, o), x=x)})

   for mining in ("semihard", "hard", "all"):
      for distance in ("euclidean", "cosine"):
         add("triplet", triplet, {"margin": 0.3, "mining": mining, "distance": distance})
   add("triplet", triplet, {"margin": 1.0, "mining": "hard", "distance": "euclidean", "normalize": False})
   for temperature in (0.1, 0.5):
      add("supcon", lambda x, y, o: losses.SupConLoss(**o)(x, y), {"temperature": temperature})
   return {"x": plain(numbers(100, len(LABELS), 5)), "y": [c + 1 for c in LABELS], "cases": cases}


if __name__ == "__main__":
   found = {"margins": margin_cases(), "pairs": pair_cases()}
   (Path(__file__).parent / "reid_losses.json").write_text(json.dumps(found) + "\n")
