"""MobileNetV2 of which only the last group trains, from photo files to weights: RandomResizedCrop and flips in as many processes
as there are processors, channels last, the frozen part in evaluation mode and without gradients (and, where it is compiled,
frozen for the compiler too). Photos a second over whole epochs (training and validation), the best but the first.
Usage: peer_last_group.py FOLDER(with train and val) MODE(cl|compile) DTYPE(f32|bf16) WORKERS [EPOCHS [BATCH]]
"""
import contextlib
import sys
import time

import torch
from torchvision import datasets, models, transforms

folder, mode, dtype, workers = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
epochs, batch = int(sys.argv[5]) if len(sys.argv) > 5 else 3, int(sys.argv[6]) if len(sys.argv) > 6 else 32
torch.manual_seed(0)


def autocast():
    return torch.autocast("cpu", torch.bfloat16) if dtype == "bf16" else contextlib.nullcontext()


def photos(part, *transform):
    normal = transforms.ToTensor(), transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    part = datasets.ImageFolder(f"{folder}/{part}", transforms.Compose([*transform, *normal]))
    return torch.utils.data.DataLoader(part, batch, shuffle=True, num_workers=workers, persistent_workers=True)


train = photos("train", transforms.RandomResizedCrop(224), transforms.RandomHorizontalFlip())
val = photos("val", transforms.Resize(256), transforms.CenterCrop(224))
model = models.mobilenet_v2(weights=None, num_classes=len(train.dataset.classes)).to(memory_format=torch.channels_last)
head = model.classifier
optimizer = torch.optim.AdamW(head.parameters(), lr=1e-3)
backbone = model.features.requires_grad_(False).eval()
if mode == "compile":
    torch._inductor.config.freezing = True
    backbone = torch.compile(backbone, dynamic=False)


def logits(x):
    with torch.no_grad(), autocast():
        maps = backbone(x.to(memory_format=torch.channels_last))
    return head(maps.float().mean((2, 3)))


def epoch():
    head.train()
    for x, y in train:
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(logits(x), y).backward()
        optimizer.step()
    head.eval()
    with torch.no_grad():
        return sum((logits(x).argmax(1) == y).sum().item() for x, y in val)


def timed():
    start = time.perf_counter()
    epoch()
    return time.perf_counter() - start


timed()  # which starts the processes, and compiles
count = len(train.dataset) + len(val.dataset)
print(f"{count / min(timed() for _ in range(epochs - 1)):.1f} photos a second")
