--- How well the official weight files know ImageNet: the share of the 50,000 photos of its validation set whose first guess is
-- right, in percent, as those who made the files published it for the preprocessing that models.info tells. It was measured by
-- them, and not here.
--
-- Sources: torchvision 0.29, "acc@1" in the entry of each file (IMAGENET1K_V1) of torchvision/models/*.py; resnet50_a1: R.
-- Wightman, H. Touvron, H. Jegou, "ResNet strikes back", https://arxiv.org/abs/2110.00476, recipe A1 at 224 pixels;
-- efficientnet_lite0: TensorFlow's EfficientNet-Lite (github.com/tensorflow/tpu, models/official/efficientnet/lite), its
-- network in float32.
return {
   resnet18 = 69.758,
   resnet34 = 73.314,
   resnet50 = 76.130,
   resnet50_a1 = 80.4,
   resnet101 = 77.374,
   resnet152 = 78.312,
   resnext50_32x4d = 77.618,
   resnext101_32x8d = 79.312,
   wide_resnet50_2 = 78.468,
   wide_resnet101_2 = 78.848,
   convnext_base = 84.062,
   convnext_small = 83.616,
   convnext_tiny = 82.520,
   efficientnet_b0 = 77.692,
   efficientnet_b1 = 78.642,
   efficientnet_b2 = 80.608,
   efficientnet_b3 = 82.008,
   efficientnet_b4 = 83.384,
   efficientnet_b5 = 83.444,
   efficientnet_b6 = 84.008,
   efficientnet_b7 = 84.122,
   efficientnet_lite0 = 75.1,
   efficientnet_v2_s = 84.228,
   mobilenet_v2 = 71.878,
   mobilenet_v3_large = 74.042,
   mobilenet_v3_small = 67.668,
}
