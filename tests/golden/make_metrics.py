"""Golden numbers of metrics, PCA and Grad-CAM: tests/golden/metrics.json, pca.json and gradcam.json.

   python tests/golden/make_metrics.py

Metrics and PCA are scikit-learn's; the calibration error is the formula of Guo et al. in numpy; Grad-CAM is autograd on
torchvision's networks in float64, with the weights and images of make_parity.py. Needs torch, torchvision, scikit-learn.
"""
import json
import pathlib

import numpy as np
import torch
import torchvision
from sklearn import metrics
from sklearn.decomposition import PCA

import make_parity as parity

HERE = pathlib.Path(__file__).parent


def calibration_error(confidence, right, bins=15):
   edges, error = np.linspace(0, 1, bins + 1), 0.0
   for low, high in zip(edges[:-1], edges[1:]):
      inside = (confidence > low) & (confidence <= high)
      if inside.any():
         error += inside.mean() * abs(right[inside].mean() - confidence[inside].mean())
   return error


def case(seed, n, classes, sharpness, seen):
   """Probabilities that lean to the truth; truths from the first `seen` classes."""
   rng = np.random.default_rng(seed)
   truth = rng.integers(0, seen, n)
   scores = rng.normal(size=(n, classes))
   scores[np.arange(n), truth] += sharpness
   p = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
   predicted = p.argmax(1)
   labels = np.arange(classes)
   expected = {
      "accuracy": metrics.accuracy_score(truth, predicted),
      "balanced_accuracy": metrics.balanced_accuracy_score(truth, predicted),
      "log_loss": metrics.log_loss(truth, p, labels=labels),
      "calibration_error": calibration_error(p.max(1), predicted == truth),
   }
   k = min(5, classes)
   expected["top_k"] = 1.0 if k == classes else metrics.top_k_accuracy_score(truth, p, k=k, labels=labels)
   for average in ("macro", "weighted"):
      precision, recall, f1, _ = metrics.precision_recall_fscore_support(truth, predicted, average=average, zero_division=0)
      expected[average] = {"precision": precision, "recall": recall, "f1": f1}
   precision, recall, f1, support = metrics.precision_recall_fscore_support(truth, predicted, labels=labels, zero_division=0)
   expected["per_class"] = [{"precision": a, "recall": b, "f1": c, "support": int(d)}
                            for a, b, c, d in zip(precision, recall, f1, support)]
   expected["confusion"] = metrics.confusion_matrix(truth, predicted, labels=labels).tolist()
   return {"classes": classes, "truth": (truth + 1).tolist(), "probabilities": p.tolist(), "expected": expected}


def make_metrics():
   return [case(1, 30, 2, 1.0, 2), case(2, 40, 3, 1.5, 3), case(3, 60, 12, 1.5, 9), case(4, 8, 6, 9.0, 6),
           case(5, 12, 4, 0.5, 1), case(6, 1, 3, 1.0, 1)]  # photos of one class only, a single photo


def make_pca():
   """Values from the integer hash, so that the file holds the answers alone."""
   x = parity.rounded(parity.uniform(77, 60 * 24) * 2 - 1).reshape(60, 24) * np.linspace(3, 0.2, 24)
   x = x.astype(np.float32).astype(np.float64)
   fitted = PCA(2, svd_solver="full").fit(x)
   return {"points": fitted.transform(x).tolist(), "components": fitted.components_.tolist(),
           "explained": fitted.explained_variance_ratio_.tolist()}


def gradcam(name, pixels, target):
   model = getattr(torchvision.models, name)(num_classes=10).double()
   parity.fill(model)
   model.eval()
   kept = {}
   layer = model.layer4 if name.startswith("resnet") else model.features

   def keep(_, __, output):
      output.retain_grad()
      kept["map"] = output

   layer.register_forward_hook(keep)
   scores = model(parity.image_batch((1, 3, pixels, pixels)))
   scores[0, target - 1].backward()
   a, g = kept["map"].detach()[0], kept["map"].grad[0]
   raw = torch.relu((g.mean((1, 2))[:, None, None] * a).sum(0))
   return {"model": name, "pixels": pixels, "class": target, "raw": raw.tolist(), "score": scores[0, target - 1].item(),
           "probability": scores.detach().softmax(1)[0, target - 1].item()}


def write(name, value):
   (HERE / name).write_text(json.dumps(value) + "\n")


if __name__ == "__main__":
   write("metrics.json", make_metrics())
   write("pca.json", make_pca())
   write("gradcam.json", [gradcam("resnet18", 96, 3), gradcam("resnet50", 64, 7), gradcam("mobilenet_v2", 96, 2),
                          gradcam("efficientnet_b0", 96, 5), gradcam("efficientnet_b3", 64, 9)])
