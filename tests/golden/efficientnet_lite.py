"""EfficientNet-Lite0 in PyTorch, in the tree of torchvision's EfficientNet, which has none: for golden numbers and for speed to be
compared with. After Tan and Le 2019 (https://arxiv.org/abs/1905.11946) and what the authors say of "lite" beside their code
(tensorflow/tpu, models/official/efficientnet/lite): ReLU6, no squeeze-excitation, stem and head as in B0; TensorFlow's "same"
padding, epsilon 1e-3, momentum 0.99 of what was (0.01 in PyTorch).
"""
import re

import torch
import torchvision
from torch import nn
from torch.nn import functional

STAGES = [(1, 3, 1, 16, 1), (6, 3, 2, 24, 2), (6, 5, 2, 40, 2), (6, 3, 2, 80, 3), (6, 5, 1, 112, 3), (6, 5, 2, 192, 4),
          (6, 3, 1, 320, 1)]  # expansion, kernel, stride of the first block, channels, blocks
STEM, TOP, DROPOUT, STOCHASTIC_DEPTH = 32, 1280, 0.2, 0.2
SYMMETRIC = False  # True: pads both sides alike, as PyTorch does; what the real weights are worth then shows the difference


def ends(size, kernel, stride, dilation):
   """How many zeros TensorFlow's "same" puts before and after a dimension."""
   total = max((-(-size // stride) - 1) * stride + dilation * (kernel - 1) + 1 - size, 0)
   return total // 2, total - total // 2


class SameConv2d(nn.Conv2d):
   """A convolution with that padding. Where both sides get as many zeros it pads itself, as PyTorch does fastest."""

   def forward(self, x):
      if SYMMETRIC:
         around = [k // 2 for k in self.kernel_size]
         return functional.conv2d(x, self.weight, self.bias, self.stride, around, self.dilation, self.groups)
      (top, bottom), (left, right) = (ends(*d) for d in zip(x.shape[-2:], self.kernel_size, self.stride, self.dilation))
      inside = (top, left) if (top, left) == (bottom, right) else (0, 0)
      if inside != (bottom, right):
         x = functional.pad(x, (left, right, top, bottom))
      return functional.conv2d(x, self.weight, self.bias, self.stride, inside, self.dilation, self.groups)


def conv_norm(inputs, outputs, kernel=1, stride=1, groups=1, act=True):
   layers = [SameConv2d(inputs, outputs, kernel, stride, groups=groups, bias=False),
             nn.BatchNorm2d(outputs, eps=1e-3, momentum=0.01)]
   return nn.Sequential(*layers, *([nn.ReLU6(inplace=True)] if act else []))


class MBConv(nn.Module):
   def __init__(self, inputs, outputs, kernel, stride, expansion, drop):
      super().__init__()
      width = inputs * expansion
      first = [conv_norm(inputs, width)] if width != inputs else []
      self.block = nn.Sequential(*first, conv_norm(width, width, kernel, stride, width), conv_norm(width, outputs, act=False))
      self.stochastic_depth = torchvision.ops.StochasticDepth(drop, "row")
      self.residual = stride == 1 and inputs == outputs

   def forward(self, x):
      y = self.block(x)
      return self.stochastic_depth(y) + x if self.residual else y


class EfficientNetLite(nn.Module):
   def __init__(self, num_classes=1000):
      super().__init__()
      layers, channels, total, before = [conv_norm(3, STEM, 3, 2)], STEM, sum(row[4] for row in STAGES), 0
      for expansion, kernel, stride, outputs, count in STAGES:
         stage = []
         for i in range(count):
            stage.append(MBConv(channels, outputs, kernel, stride if i == 0 else 1, expansion, STOCHASTIC_DEPTH * before / total))
            channels, before = outputs, before + 1
         layers.append(nn.Sequential(*stage))
      self.features = nn.Sequential(*layers, conv_norm(channels, TOP))
      self.avgpool = nn.AdaptiveAvgPool2d(1)
      self.classifier = nn.Sequential(nn.Dropout(DROPOUT), nn.Linear(TOP, num_classes))

   def embed(self, x):
      return torch.flatten(self.avgpool(self.features(x)), 1)

   def forward(self, x):
      return self.classifier(self.embed(x))


def efficientnet_lite0(num_classes=1000):
   return EfficientNetLite(num_classes)


EDGES = {"_conv_stem": "features.0.0", "_bn0": "features.0.1", "_conv_head": "features.8.0", "_bn1": "features.8.1",
         "_fc": "classifier.1"}
LAYERS = ["_expand_conv", "_bn0", "_depthwise_conv", "_bn1", "_project_conv", "_bn2"]


def name_here(name):
   """The name in this tree of an entry that is called as in the package efficientnet_pytorch, which numbers blocks through."""
   layer, entry = name.rsplit(".", 1)
   block = re.fullmatch(r"_blocks\.(\d+)\.(\w+)", layer)
   if not block:
      return f"{EDGES[layer]}.{entry}"
   number, stage = int(block[1]), 0
   while number >= STAGES[stage][4]:
      number, stage = number - STAGES[stage][4], stage + 1
   place = LAYERS.index(block[2]) - (2 if stage == 0 else 0)  # the first stage does not expand
   return f"features.{stage + 1}.{number}.block.{place // 2}.{place % 2}.{entry}"


def load(path):
   """The network with the weights of a file in efficientnet_pytorch's names, all of them, in float64 and in evaluation mode."""
   model = efficientnet_lite0()
   state = torch.load(path, map_location="cpu", weights_only=True)
   model.load_state_dict({name_here(name): tensor for name, tensor in state.items()}, strict=True)
   return model.double().eval()
