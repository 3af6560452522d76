"""Golden numbers of the real EfficientNet-Lite0, from PyTorch in float64: tests/golden/parity/efficientnet_lite0_real.safetensors.

   python tests/golden/make_lite.py deps/weights/efficientnet-lite0-57934424.pth [demo/photos]

The scores and features of two images from the hash (see make_parity.py) and the scores of a few photos, prepared by
torchvision; what the entries of the file are called here; multiply-adds. demo/photos is what scripts/demo.lua prepares of the
photos of Debian's tuxpaint-stamps-default, and is needed for the photos alone. Says also how many of the demo's held-out
photos have the class of the photo that trains and looks most like them, with TensorFlow's padding and with PyTorch's.
Needs torch, torchvision, safetensors.
"""
import argparse
import json
import pathlib

import numpy as np
import torch
from PIL import Image
from safetensors.numpy import save_file
from torchvision import transforms

import efficientnet_lite
from make_parity import HERE, image_batch

PHOTOS = ["bird/005.png", "mammal/010.png", "vehicle/005.png"]
PREPARE = transforms.Compose([
   transforms.Resize(256, transforms.InterpolationMode.BICUBIC), transforms.CenterCrop(224), transforms.ToTensor(),
   transforms.Normalize([127 / 255] * 3, [128 / 255] * 3)])


def prepared(path):
   return PREPARE(Image.open(path).convert("RGB")).double()[None]


def multiply_adds(model):
   """Of one photo: outputs times the weights that each of them needs."""
   total = 0

   def count(layer, _, output):
      nonlocal total
      weight = layer.weight
      total += output[0].numel() * weight[0].numel()

   hooks = [m.register_forward_hook(count) for m in model.modules() if isinstance(m, (torch.nn.Conv2d, torch.nn.Linear))]
   model(torch.zeros(1, 3, 224, 224, dtype=torch.float64))
   for hook in hooks:
      hook.remove()
   return total


def embedded(model, paths):
   return torch.nn.functional.normalize(torch.cat([model.embed(prepared(path)) for path in paths]))


def nearest(model, folder):
   """How many of the photos that validate in the demo's first fold, every fifth of a class, the nearest one tells, and of how
   many."""
   train, val = [], []
   for path in sorted(folder.glob("*/*.png")):
      (val if int(path.stem) % 5 == 0 else train).append(path)
   alike = embedded(model, val) @ embedded(model, train).T
   right = sum(val[i].parent.name == train[k].parent.name for i, k in enumerate(alike.argmax(1).tolist()))
   return right, len(val)


def main():
   parser = argparse.ArgumentParser()
   parser.add_argument("weights", help="efficientnet-lite0-57934424.pth")
   parser.add_argument("photos", nargs="?", type=pathlib.Path, help="demo/photos")
   options = parser.parse_args()
   torch.set_num_threads(2)
   torch.set_grad_enabled(False)
   model = efficientnet_lite.load(options.weights)
   images = image_batch((2, 3, 224, 224))
   arrays = {"logits": model(images).numpy(), "features": model.embed(images).numpy()}
   names = torch.load(options.weights, map_location="cpu", weights_only=True).keys()
   facts = {"macs": str(multiply_adds(model)), "parameters": str(sum(p.numel() for p in model.parameters())),
            "names": json.dumps([[name, efficientnet_lite.name_here(name)] for name in names]),
            "order": json.dumps(list(model.state_dict())), "torch": torch.__version__}
   if options.photos:
      logits = torch.cat([model(prepared(options.photos / photo)) for photo in PHOTOS])
      arrays["photo_logits"], facts["photos"] = logits.numpy(), json.dumps(PHOTOS)
      print("photos:", [(photo, k) for photo, k in zip(PHOTOS, logits.argmax(1).tolist())])
   save_file(arrays, HERE / "efficientnet_lite0_real.safetensors", facts)
   print("scores:", np.abs(arrays["logits"]).max(), "features:", arrays["features"].max(), "multiply-adds:", facts["macs"])
   if options.photos:
      for symmetric in False, True:
         efficientnet_lite.SYMMETRIC = symmetric
         print("nearest neighbour,", "PyTorch's padding:" if symmetric else "TensorFlow's padding:", nearest(model, options.photos))


if __name__ == "__main__":
   main()
