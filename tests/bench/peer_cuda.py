"""What step.lua measures, of PyTorch on a GPU: forward and training step of one model, with the GPU waited for
before the clock is read. Usage: peer_cuda.py MODEL MODE BATCH infer|train [DTYPE]
MODE: eager or cl (channels last). DTYPE: f32, bf16 or f16. With DEVICE=cpu in the environment it runs on the CPU.
"""
import os
import sys
import time

import torch

import peer_models

name, mode, batch, what = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
dtype = {"f32": None, "bf16": torch.bfloat16, "f16": torch.float16}[sys.argv[5] if len(sys.argv) > 5 else "f32"]
device = os.environ.get("DEVICE", "cuda")
on_gpu = device.startswith("cuda")


def wait():
    if on_gpu:
        torch.cuda.synchronize(device)


def best_of(repeats, warmup, step):
    for _ in range(warmup):
        step()
    best = float("inf")
    for _ in range(repeats):
        wait()
        start = time.perf_counter()
        step()
        wait()
        best = min(best, time.perf_counter() - start)
    return best


def autocast():
    return torch.autocast(torch.device(device).type, dtype=dtype, enabled=dtype is not None)


torch.manual_seed(0)
torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = False, True  # as scute starts
torch.backends.cudnn.benchmark = True  # which times algorithms, as scute does
model = peer_models.create(name).to(device)
x = torch.randn(batch, 3, 224, 224, device=device)
y = torch.randint(0, 10, (batch,), device=device)
if mode == "cl":
    model, x = model.to(memory_format=torch.channels_last), x.to(memory_format=torch.channels_last)

if what == "infer":
    model.eval()

    def step():
        with torch.no_grad(), autocast():
            model(x)

    seconds = best_of(10, 5, step)
else:
    model.train()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, weight_decay=1e-4)

    def step():
        optimizer.zero_grad()
        with autocast():
            loss = torch.nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()

    seconds = best_of(10, 5, step)

peak = torch.cuda.max_memory_allocated(device) if on_gpu else 0
print(f"{name:16s} {mode:8s} {what} B={batch} {seconds * 1e3:8.2f} ms  {batch / seconds:7.1f} img/s rss {peak / 1e6:.0f}MB")
