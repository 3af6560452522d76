"""Writes tests/golden/summary.json: what numpy says of numbers that scute.experiment.sample sums up.

Usage: python3 make_summary.py. numpy 1.24 or newer.
"""
import json
import pathlib

import numpy as np


def main():
    rng = np.random.default_rng(3)
    for p in (0.9, 0.6, 0.62):  # drawn but not used: what follows is what was drawn behind them
        rng.binomial(3, p, 37)
    labels = rng.integers(1, 5, 60)
    predicted = np.where(rng.random(60) < 0.7, labels, rng.integers(1, 5, 60))
    balanced = np.mean([(predicted[labels == c] == c).mean() for c in np.unique(labels)])
    values = rng.random(9)
    golden = {
        "labels": labels.tolist(), "predicted": predicted.tolist(), "balanced": float(balanced),
        "values": values.tolist(), "mean": float(values.mean()), "deviation": float(values.std(ddof=1)),
        "median": float(np.median(values)), "median_of_8": float(np.median(values[:8])),
    }
    path = pathlib.Path(__file__).with_name("summary.json")
    path.write_text(json.dumps(golden) + "\n")


main()
