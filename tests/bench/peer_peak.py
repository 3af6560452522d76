"""What peak.lua measures, as PyTorch does it. Usage: peer_peak.py [WIDTHS [SIDE [NUMBERS]]]

WIDTHS: those that the processor computes in, "f32,bf16"; in others PyTorch would take minutes."""
import sys
import time

import torch

WIDTHS = {"f32": torch.float32, "bf16": torch.bfloat16}
widths = sys.argv[1].split(",") if len(sys.argv) > 1 else list(WIDTHS)
side, numbers = int(sys.argv[2]) if len(sys.argv) > 2 else 3072, int(sys.argv[3]) if len(sys.argv) > 3 else 64 << 20


def least(step):
    best = float("inf")
    for i in range(6):
        start = time.perf_counter()
        step()
        if i > 0:
            best = min(best, time.perf_counter() - start)
    return best


for name in widths:
    a, b = torch.randn(side, side).to(WIDTHS[name]), torch.randn(side, side).to(WIDTHS[name])
    print(f"{name} {2 * side**3 / least(lambda: torch.mm(a, b)) / 1e9:.1f} GFLOP/s")
a, b, c = torch.zeros(numbers), torch.ones(numbers), torch.ones(numbers)
print(f"memory {3 * 4 * numbers / least(lambda: torch.add(a, b, out=c)) / 1e9:.2f} GB/s")
