"""Writes tests/golden/bootstrap.json: the paired bootstrap of scute.compare in numpy, drawing the same photos.

Usage: python3 make_bootstrap.py. numpy 1.24 or newer.
"""
import json
import pathlib

import numpy as np

GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def mix(z):
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def draws(seed, b, n):
    """(b, n) photos from 0, by splitmix64 of a counter."""
    with np.errstate(over="ignore"):
        start = mix(np.array([seed], dtype=np.uint64) + GOLDEN)
        counter = np.arange(1, b * n + 1, dtype=np.uint64)
        z = mix(start + counter * GOLDEN)
        return ((z >> np.uint64(32)) * np.uint64(n) >> np.uint64(32)).astype(np.int64).reshape(b, n)


def main():
    seed, b, n, level = 7, 500, 37, 0.95
    rng = np.random.default_rng(3)
    # Correctness of three models on n photos, the mean of three seeds each.
    columns = np.stack([rng.binomial(3, p, n) / 3 for p in (0.9, 0.6, 0.62)])
    index = draws(seed, b, n)
    replicates = columns[:, index].mean(axis=2)
    pairs = []
    for i, j in ((0, 1), (0, 2), (1, 2)):
        difference = replicates[i] - replicates[j]
        alpha = (1 - level) / 3
        low, high = np.quantile(difference, [alpha / 2, 1 - alpha / 2])
        pairs.append([i + 1, j + 1, columns[i].mean() - columns[j].mean(), low, high])
    labels = rng.integers(1, 5, 60)
    predicted = np.where(rng.random(60) < 0.7, labels, rng.integers(1, 5, 60))
    balanced = np.mean([(predicted[labels == c] == c).mean() for c in np.unique(labels)])
    values = rng.random(9)
    golden = {
        "seed": seed, "draws": b, "level": level, "columns": columns.tolist(),
        "first_draws": (index[:3] + 1).tolist(), "replicates": replicates[:, :20].tolist(), "pairs": pairs,
        "interval": np.quantile(replicates[0], [0.025, 0.975]).tolist(),
        "labels": labels.tolist(), "predicted": predicted.tolist(), "balanced": float(balanced),
        "values": values.tolist(), "mean": float(values.mean()), "deviation": float(values.std(ddof=1)),
        "median": float(np.median(values)), "median_of_8": float(np.median(values[:8])),
    }
    path = pathlib.Path(__file__).with_name("bootstrap.json")
    path.write_text(json.dumps(golden) + "\n")


main()
