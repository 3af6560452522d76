"""What peer_modes.py does not know, written the same way: photos of SIDE pixels, networks that torchvision does not have, and a
step in which only the last group trains.
Usage: peer_more.py MODEL MODE(eager|cl|compile) DTYPE(f32|bf16) B WHAT(infer|train|last) SIDE: least ms of several, resident MB.
"""
import contextlib
import resource
import sys
import time

import torch

import peer_models

name, mode, dtype, batch, what, side = sys.argv[1:7]
batch, side = int(batch), int(side)
torch.manual_seed(0)


def autocast():
    return torch.autocast("cpu", torch.bfloat16) if dtype == "bf16" else contextlib.nullcontext()


def timed(step):
    start = time.perf_counter()
    step()
    return time.perf_counter() - start


def least(step):
    for _ in range(3):
        step()
    return min(timed(step) for _ in range(6))


def last_group(model):
    """Freezes all but the last group. What is frozen is in evaluation mode, so that its norms keep their statistics."""
    head = model.fc if hasattr(model, "fc") else model.classifier
    model.requires_grad_(False).eval()
    head.requires_grad_(True).train()
    return head


model = peer_models.create(name)
x, y = torch.randn(batch, 3, side, side), torch.randint(0, 10, (batch,))
if mode != "eager":
    model, x = model.to(memory_format=torch.channels_last), x.to(memory_format=torch.channels_last)
trained = model.train() if what == "train" else last_group(model) if what == "last" else model.eval()
if mode == "compile" and what == "infer":
    torch._inductor.config.freezing = True
call = torch.compile(model) if mode == "compile" else model

if what == "infer":

    def step():
        with torch.no_grad(), autocast():
            call(x)

else:
    optimizer = torch.optim.SGD(trained.parameters(), lr=0.01, momentum=0.9, weight_decay=1e-4)

    def step():
        optimizer.zero_grad()
        with autocast():
            loss = torch.nn.functional.cross_entropy(call(x), y)
        loss.backward()
        optimizer.step()


print(f"{least(step) * 1e3:.1f} ms rss {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3:.0f}MB")
