"""Golden numbers of the metrics of re-identification: tests/golden/reid_metrics.json.

   python tests/golden/make_reid_metrics.py

Retrieval is pytorch-metric-learning's (float32) and scikit-learn's (average precision and neighbours, float64), ROC, isotonic
calibration and balanced accuracies are scikit-learn's, equal error rates scipy's root of them. Platt's calibration is Newton's
method here, carried to the last digit, since scikit-learn's stops at a gradient of 1e-6; both are compared below. The
calibration error is the formula of Guo et al. in numpy. Needs numpy, scipy, scikit-learn, torch, pytorch-metric-learning.
"""
import json
import pathlib

import numpy as np
import torch
from pytorch_metric_learning.distances import CosineSimilarity
from pytorch_metric_learning.utils.accuracy_calculator import AccuracyCalculator
from pytorch_metric_learning.utils.inference import CustomKNN
from scipy.interpolate import interp1d
from scipy.optimize import brentq
from scipy.special import expit
from sklearn import metrics
from sklearn.calibration import _SigmoidCalibration
from sklearn.isotonic import IsotonicRegression
from sklearn.neighbors import NearestNeighbors

HERE = pathlib.Path(__file__).parent
TOP = (1, 3, 5)


def rounded(x):
   """Numbers of few digits that float32 and JSON hold alike."""
   return np.round(np.asarray(x) * 1024) / 1024


def embeddings(rng, labels, width, noise):
   centers = {label: rng.normal(size=width) for label in sorted(set(labels))}
   return rounded(np.stack([centers[label] + noise * rng.normal(size=width) for label in labels]))


def average_precision(queries, gallery, query_labels, gallery_labels, include_self):
   """scikit-learn's, of the queries that have something to find."""
   unit_q = queries / np.linalg.norm(queries, axis=1, keepdims=True)
   unit_g = gallery / np.linalg.norm(gallery, axis=1, keepdims=True)
   scores, found = unit_q @ unit_g.T, []
   for i, label in enumerate(query_labels):
      keep = np.ones(len(gallery), bool)
      if not include_self:
         keep[i] = False
      same = gallery_labels[keep] == label
      assert len(np.unique(scores[i][keep])) == keep.sum(), "ties are no matter of these cases"
      if same.any():
         found.append(metrics.average_precision_score(same, scores[i][keep]))
   return np.mean(found), len(found)


def top_k(queries, gallery, query_labels, gallery_labels, include_self):
   more = 0 if include_self else 1
   neighbors = NearestNeighbors(n_neighbors=max(TOP) + more, metric="cosine", algorithm="brute").fit(gallery)
   _, nearest = neighbors.kneighbors(queries)
   shares = {}
   for k in TOP:
      hits = []
      for i, label in enumerate(query_labels):
         rows = [row for row in nearest[i] if include_self or row != i][:k]
         others = np.delete(gallery_labels, i) if not include_self else gallery_labels
         if (others == label).any():
            hits.append((gallery_labels[rows] == label).any())
      shares[k] = float(np.mean(hits))
   return shares


def retrieval(seed, query_labels, gallery_labels, width, noise):
   """gallery_labels = None: the queries look among themselves, each without itself."""
   rng = np.random.default_rng(seed)
   own = gallery_labels is None
   both = np.array(query_labels + (gallery_labels or []))
   x = embeddings(rng, list(both), width, noise)
   queries, q = x[:len(query_labels)], both[:len(query_labels)]
   gallery, g = (queries, q) if own else (x[len(query_labels):], both[len(query_labels):])
   calculator = AccuracyCalculator(include=("precision_at_1", "mean_average_precision", "mean_average_precision_at_r"), k=None,
                                   knn_func=CustomKNN(CosineSimilarity()))
   of = calculator.get_accuracy(*(torch.tensor(t) for t in (queries.astype(np.float32), q)),
                                *(torch.tensor(t) for t in (gallery.astype(np.float32), g)), ref_includes_query=own)
   exact, counted = average_precision(queries, gallery, q, g, not own)
   shares = top_k(queries, gallery, q, g, not own)
   assert abs(exact - of["mean_average_precision"]) < 1e-5 and abs(shares[1] - of["precision_at_1"]) < 1e-6
   return {"queries": queries.tolist(), "gallery": None if own else gallery.tolist(), "query_labels": q.tolist(),
           "gallery_labels": g.tolist(), "counted": counted, "map": exact, "map_at_r": of["mean_average_precision_at_r"],
           "top": [[k, shares[k]] for k in TOP]}


def make_retrieval():
   rng = np.random.default_rng(5)
   return [
      retrieval(1, rng.integers(1, 7, 20).tolist(), rng.integers(1, 7, 40).tolist(), 6, 0.9),
      retrieval(2, rng.integers(1, 12, 15).tolist(), rng.integers(1, 8, 25).tolist(), 5, 0.6),  # some have nothing to find
      retrieval(3, (rng.integers(1, 9, 30)).tolist() + [99], None, 6, 0.7),  # one is alone
   ]


def roc(scores, same):
   alarms, hits, thresholds = metrics.roc_curve(same, scores)
   whole = metrics.roc_curve(same, scores, drop_intermediate=False)
   rate = brentq(lambda x: 1 - x - interp1d(whole[0], whole[1])(x), 0, 1, xtol=1e-15) if len(set(scores)) > 1 else 0.5
   return {"scores": list(scores), "same": [int(s) for s in same], "auc": metrics.roc_auc_score(same, scores), "eer": rate,
           "false_positive": alarms.tolist(), "true_positive": hits.tolist(), "thresholds": thresholds[1:].tolist()}


def make_roc():
   rng = np.random.default_rng(9)
   same = rng.random(60) < 0.4
   plain = rng.normal(size=60) + 1.2 * same
   assert not np.isnan(plain).any()
   return [roc(plain.tolist(), same), roc(np.round(plain).tolist(), same), roc(np.round(4 * plain).tolist(), same),
           roc([0.5] * 10, [1, 0] * 5), roc([3.0, 2.0, 1.0, 0.0], [1, 1, 0, 0])]


def isotonic(scores, outcomes):
   fitted = IsotonicRegression(out_of_bounds="clip").fit(scores, outcomes)
   at = np.linspace(min(scores) - 0.5, max(scores) + 0.5, 23).tolist() + list(scores[:5])
   return {"scores": list(scores), "outcomes": [int(o) for o in outcomes], "at": at, "of": fitted.predict(at).tolist()}


def newton(scores, outcomes):
   """Platt's targets, and the slope and offset at which the gradient is zero to rounding."""
   s, y = np.asarray(scores, np.float64), np.asarray(outcomes, bool)
   target = np.where(y, (y.sum() + 1) / (y.sum() + 2), 1 / ((~y).sum() + 2))
   x = np.stack([s, np.ones_like(s)], 1)
   w = np.zeros(2)
   for _ in range(60):
      p = expit(x @ w)
      step = np.linalg.solve(x.T @ (x * (p * (1 - p))[:, None]), x.T @ (p - target))
      w = w - step
   assert np.abs(step).max() < 1e-12
   return w


def platt(scores, outcomes):
   slope, offset = newton(scores, outcomes)
   other = _SigmoidCalibration().fit(np.asarray(scores), np.asarray(outcomes, int))
   at = np.linspace(min(scores) - 0.5, max(scores) + 0.5, 11)
   p = expit(slope * at + offset)
   assert np.abs(other.predict(at) - p).max() < 1e-4, np.abs(other.predict(at) - p).max()
   return {"scores": list(scores), "outcomes": [int(o) for o in outcomes], "slope": slope, "offset": offset,
           "at": at.tolist(), "of": p.tolist()}


def error(p, outcomes, bins):
   edges, total = np.linspace(0, 1, bins + 1), 0.0
   for low, high in zip(edges[:-1], edges[1:]):
      inside = (p > low) & (p <= high)
      if inside.any():
         total += inside.mean() * abs(outcomes[inside].mean() - p[inside].mean())
   return {"probabilities": p.tolist(), "outcomes": outcomes.astype(int).tolist(), "bins": bins, "error": total}


def make_calibration():
   rng = np.random.default_rng(11)
   scores = rng.random(50)
   outcomes = rng.random(50) < scores ** 2
   apart = np.array([0.1, 0.2, 0.3, 0.7, 0.8, 0.9])
   coarse = np.round(scores * 6) / 6
   return {
      "isotonic": [isotonic(scores, outcomes), isotonic(coarse, outcomes), isotonic(apart, apart > 0.5),
                   isotonic(np.array([0.2, 0.2, 0.2]), np.array([1, 0, 1]))],
      "platt": [platt(scores, outcomes), platt(coarse, outcomes), platt(apart, apart > 0.5),
                platt(100 + 30 * scores, outcomes)],
      "error": [error(scores, outcomes, 15), error(scores, outcomes, 4), error(coarse, outcomes, 10)],
   }


def open_set(truth, predicted, known):
   truth, predicted = np.array(truth), np.array(predicted)
   is_known = np.isin(truth, known)
   new = predicted == ""
   first = metrics.balanced_accuracy_score(truth[is_known], predicted[is_known])
   second = metrics.balanced_accuracy_score(truth[~is_known], np.where(new, truth, "other")[~is_known])
   return {"truth": truth.tolist(), "predicted": predicted.tolist(), "known": list(known), "known_share": first,
           "unknown_share": second, "root": float(np.sqrt(first * second))}


def make_open():
   rng = np.random.default_rng(13)
   names = np.array(list("abcdefgh"))
   truth = rng.choice(names, 60)
   predicted = np.where(rng.random(60) < 0.6, truth, rng.choice(np.append(names[:5], ""), 60))
   return [open_set(truth, predicted, list("abcde")), open_set(["a", "a", "b", "z"], ["a", "", "a", ""], ["a", "b"])]


def plain(value):
   """numpy's numbers as Python's."""
   if isinstance(value, dict):
      return {key: plain(entry) for key, entry in value.items()}
   if isinstance(value, (list, tuple, np.ndarray)):
      return [plain(entry) for entry in value]
   return value.item() if isinstance(value, np.generic) else value


if __name__ == "__main__":
   golden = {"retrieval": make_retrieval(), "roc": make_roc(), "open": make_open(), **make_calibration()}
   (HERE / "reid_metrics.json").write_text(json.dumps(plain(golden)) + "\n")
