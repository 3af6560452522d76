"""Loads a network by the lines that stand in its .json, as a user would paste them, and compares its scores with scute's.

    python tests/export/loads.py FILE.json SCORES.safetensors        x (N, 3, H, W) and y (N, classes) in the second
"""
import json
import os
import sys

from safetensors.torch import load_file

sheet = json.load(open(sys.argv[1], encoding="utf-8"))
scores = load_file(sys.argv[2])
os.chdir(os.path.dirname(os.path.abspath(sys.argv[1])))
names = {}
exec("\n".join(sheet["load"]), names)
torch = __import__("torch")
torch.set_num_threads(1)
with torch.no_grad():
    y = names["model"](scores["x"])
worst = ((y - scores["y"]).abs().max() / scores["y"].abs().max()).item()
print(f"{sheet['architecture']}: off by {worst:.2g} of the largest logit")
sys.exit(0 if worst < 1e-5 else 1)
