"""Golden splits of individuals: tests/golden/reid_splits.json, what wildlife-datasets 1.0.9 makes of a small catalogue.

   python tests/golden/make_reid_splits.py

Its time-aware splits draw nothing, and are compared row by row; of ClosedSetSplit, which draws by a generator of its own, the
number of photos of each individual is. Needs wildlife-datasets.
"""
import importlib.metadata
import json
import pathlib
import random

import pandas as pd
from wildlife_datasets import splits

HERE = pathlib.Path(__file__).parent
CLOSED = [(0, 0.5), (0, 0.2), (0.15, 0.15), (0.16, 0.2), (0.25, 0.25), (0.3, 0.4), (0.1, 0.05)]
OPEN = [(2019, 2020), (2016, 2018), (2021, 2022)]
RANDOM = [0.5, 0.2, 0.15]


def catalogue():
   """Rows (identity, date), some without a date, some of nobody who is known, in no order."""
   rng, rows = random.Random(3), []
   for number in range(24):
      days = rng.choice([1, 1, 2, 2, 3, 4, 5, 6, 8, 10, 13])
      seen = sorted(rng.sample(range(13 * 300), days))
      for day in seen:
         date = f"{2010 + day // 300}-{1 + day % 300 // 25:02d}-{1 + day % 25:02d}"
         rows += [(f"t{number:03d}", date)] * rng.choice([1, 1, 1, 2, 3])
      rows += [(f"t{number:03d}", None)] * rng.choice([0, 0, 0, 0, 1])
   rows += [("unknown", "2015-06-01"), ("unknown", None)]
   rng.shuffle(rows)
   return rows


def text(n, **lists):
   """One letter for each row: t(rain), v(alidates), x (tests), - (in no part)."""
   letters = ["-"] * n
   for letter, labels in lists.items():
      for label in labels:
         assert letters[label] == "-"
         letters[label] = letter
   return "".join(letters)


def closed(df, val, test):
   developed, tests = splits.TimeProportionSplit(ratio=1 - test).split(df)[0]
   trains, validates = developed, []
   if val > 0:
      trains, validates = splits.TimeProportionSplit(ratio=1 - val / (1 - test)).split(df.loc[developed])[0]
   return text(len(df), t=trains, v=validates, x=tests)


def opened(df, val, test):
   trains, validates = splits.TimeCutoffSplit(val, test_one_year_only=False).split(df)[0]
   validates, tests = splits.TimeCutoffSplit(test, test_one_year_only=False).split(df.loc[validates])[0]
   return text(len(df), t=trains, v=validates, x=tests)


def counts(df, test):
   trains, tests = splits.ClosedSetSplit(1 - test).split(df)[0]
   train, test = df.loc[trains]["identity"].value_counts(), df.loc[tests]["identity"].value_counts()
   return {name: [int(train.get(name, 0)), int(test.get(name, 0))] for name in sorted(set(df["identity"])) if name != "unknown"}


def main():
   version = importlib.metadata.version("wildlife-datasets")
   assert version == "1.0.9", version
   rows = catalogue()
   df = pd.DataFrame(rows, columns=["identity", "date"])
   found = {
      "version": version,
      "rows": [list(row) for row in rows],
      "time_closed": [{"val": val, "test": test, "parts": closed(df, val, test)} for val, test in CLOSED],
      "time_open": [{"val": val, "test": test, "parts": opened(df, val, test)} for val, test in OPEN],
      "random": [{"test": test, "counts": counts(df, test)} for test in RANDOM],
   }
   (HERE / "reid_splits.json").write_text(json.dumps(found, separators=(",", ":")).replace('],[', '],\n[') + "\n")


main()
