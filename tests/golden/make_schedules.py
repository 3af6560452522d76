"""Learning rates of PyTorch's schedulers at rate 1: tests/golden/parity/schedules.json, for tests/lua/schedule_spec.lua.

    python tests/golden/make_schedules.py
"""
import json
from pathlib import Path

import torch
from torch.optim import lr_scheduler as S


def rates(make, steps, metrics=None):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    scheduler = make(optimizer)
    found = []
    for step in range(steps):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step(*([metrics[step]] if metrics else []))
    return found


LOSSES = [1, 0.9, 0.9, 0.91, 0.90001, 0.92, 0.8, 0.85, 0.85, 0.85, 0.85, 0.85, 0.7, 0.9, 0.9, 0.9, 0.9, 0.9]
found = {
    "step": rates(lambda o: S.StepLR(o, 3, 0.5), 12),
    "multistep": rates(lambda o: S.MultiStepLR(o, [2, 5, 7], 0.3), 12),
    "exponential": rates(lambda o: S.ExponentialLR(o, 0.9), 12),
    "cosine": rates(lambda o: S.CosineAnnealingLR(o, 11, 0.05), 12),
    "warmup": rates(lambda o: S.LinearLR(o, 1 / 6, 1, 5), 6),
    "linear": rates(lambda o: S.LinearLR(o, 1, 0.25, 11), 12),
    "cosine_restarts": rates(lambda o: S.CosineAnnealingWarmRestarts(o, 3, 2, 0.1), 20),
    "one_cycle": rates(lambda o: S.OneCycleLR(o, 1.0, total_steps=20, cycle_momentum=False), 20),
    "plateau": rates(lambda o: S.ReduceLROnPlateau(o, factor=0.5, patience=1, cooldown=1), 18, LOSSES),
    "losses": LOSSES,
}
path = Path(__file__).parent / "parity" / "schedules.json"
path.write_text(json.dumps(found, indent=1) + "\n")
