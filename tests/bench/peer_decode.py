"""Photos decoded, cut by RandomResizedCrop and normalised, as torchvision does it with PIL, in as many processes as there are
processors: photos a second, the best of several passes over a folder of class folders. The processes stay from pass to pass.
Usage: peer_decode.py FOLDER WORKERS [PASSES]
"""
import sys
import time

import torch
from torchvision import datasets, transforms

folder, workers, passes = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 2
transform = transforms.Compose([
    transforms.RandomResizedCrop(224), transforms.RandomHorizontalFlip(), transforms.ToTensor(),
    transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])])
photos = datasets.ImageFolder(folder, transform)
loader = torch.utils.data.DataLoader(photos, 16, shuffle=True, num_workers=workers, persistent_workers=workers > 0)


def one_pass():
    start = time.perf_counter()
    for _ in loader:
        pass
    return time.perf_counter() - start


torch.set_num_threads(1)
one_pass()  # which starts the processes
print(f"{len(photos) / min(one_pass() for _ in range(passes)):.1f} photos a second")
