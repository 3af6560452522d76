"""Exercise 1 as a careful PyTorch user writes it: the frozen MobileNetV2 sees every photo once (channels last, without gradients,
in bfloat16 where DTYPE says so), its features are kept, and the new head trains on these; each epoch is validated and the best
weights are saved. Prints the seconds from after the imports to the end.
Usage: peer_features.py FOLDER(with train and val) OUTPUT EPOCHS DTYPE(f32|bf16) WORKERS
"""
import contextlib
import sys
import time

import torch
from torchvision import datasets, models, transforms

start = time.perf_counter()
folder, output, epochs, dtype, workers = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4], int(sys.argv[5])
torch.manual_seed(0)


def autocast():
    return torch.autocast("cpu", torch.bfloat16) if dtype == "bf16" else contextlib.nullcontext()


def features(part):
    """(photos, 1280) of what the backbone says of each photo, and their classes."""
    look = transforms.Compose([
        transforms.Resize(256), transforms.CenterCrop(224), transforms.ToTensor(),
        transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])])
    photos = datasets.ImageFolder(f"{folder}/{part}", look)
    seen, classes = [], []
    with torch.inference_mode():
        for x, y in torch.utils.data.DataLoader(photos, 32, num_workers=workers):
            with autocast():
                maps = model.features(x.to(memory_format=torch.channels_last))
            seen.append(maps.float().mean((2, 3)))
            classes.append(y)
    return torch.cat(seen).clone(), torch.cat(classes), photos.classes


model = models.mobilenet_v2(weights=None).to(memory_format=torch.channels_last).eval()
x, y, classes = features("train")
x_val, y_val, _ = features("val")
model.classifier[1] = torch.nn.Linear(model.last_channel, len(classes))
head = model.classifier
optimizer = torch.optim.AdamW(head.parameters(), lr=3e-3)
best = -1
for epoch in range(epochs):
    head.train()
    for rows in torch.randperm(len(x)).split(32):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(head(x[rows]), y[rows]).backward()
        optimizer.step()
    head.eval()
    with torch.no_grad():
        accuracy = (head(x_val).argmax(1) == y_val).float().mean().item()
    if accuracy > best:
        best = accuracy
        torch.save(model.state_dict(), output)
print(f"{time.perf_counter() - start:.2f} s after the imports")
