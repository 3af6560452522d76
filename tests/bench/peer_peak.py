"""What peak.lua measures, as PyTorch does it. Usage: peer_peak.py [SIDE [NUMBERS]]"""
import sys
import time

import torch

side, numbers = int(sys.argv[1]) if len(sys.argv) > 1 else 3072, int(sys.argv[2]) if len(sys.argv) > 2 else 64 << 20


def least(step):
    best = float("inf")
    for i in range(6):
        start = time.perf_counter()
        step()
        if i > 0:
            best = min(best, time.perf_counter() - start)
    return best


for name, dtype in ("f32", torch.float32), ("bf16", torch.bfloat16):
    a, b = torch.randn(side, side).to(dtype), torch.randn(side, side).to(dtype)
    print(f"{name} {2 * side**3 / least(lambda: torch.mm(a, b)) / 1e9:.1f} GFLOP/s")
a, b, c = torch.zeros(numbers), torch.ones(numbers), torch.ones(numbers)
print(f"memory {3 * 4 * numbers / least(lambda: torch.add(a, b, out=c)) / 1e9:.2f} GB/s")
