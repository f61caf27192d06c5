"""Networks for photos with random weights, as PyTorch exports them to ONNX: for compare-onnx.py and bench/onnx.py.

Each gives its logits and, where named, the feature map or the tokens before its head.
"""
import os
import sys
import warnings

import torch

warnings.filterwarnings("ignore")


def random_weights(model, seed):
    """Weights that keep values alive to the end, batch norms that do something."""
    generator = torch.Generator().manual_seed(seed)
    for module in model.modules():
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
            module.running_mean.copy_(0.1 * torch.randn(module.running_mean.shape, generator=generator))
            module.running_var.copy_(0.5 + torch.rand(module.running_var.shape, generator=generator))
        for name, parameter in module.named_parameters(recurse=False):
            if parameter.ndim == 1:
                base = 1.0 if name == "weight" else 0.0
                parameter.data = base + 0.1 * torch.randn(parameter.shape, generator=generator)
            elif "position" in name or "token" in name or "pos_embed" in name:
                parameter.data = 0.3 * torch.randn(parameter.shape, generator=generator)
    return model.eval()


def vision_transformer(width, depth, heads, patch, side, registers=0):
    """torchvision's, with registers where it has none."""
    from torchvision.models import vision_transformer as vit
    model = vit.VisionTransformer(image_size=side, patch_size=patch, num_layers=depth, num_heads=heads,
                                  hidden_dim=width, mlp_dim=4 * width)
    if not registers:
        return model
    model.register_tokens = torch.nn.Parameter(torch.zeros(1, registers, width))

    def encoder_with_registers(tokens):
        tokens = tokens + model.encoder.pos_embedding
        tokens = torch.cat([tokens[:, :1], model.register_tokens, tokens[:, 1:]], dim=1)
        return model.encoder.ln(model.encoder.layers(tokens))

    class Registered(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.model = model

        def forward(self, x):
            x = self.model._process_input(x)
            x = torch.cat([self.model.class_token, x], dim=1)
            tokens = encoder_with_registers(x)
            return self.model.heads(tokens[:, 0]), tokens

    return Registered()


class WithMap(torch.nn.Module):
    """Logits and what a part of the network gives."""

    def __init__(self, model, part):
        super().__init__()
        self.model, self.kept = model, None
        part.register_forward_hook(lambda module, inputs, output: setattr(self, "kept", output))

    def forward(self, x):
        return self.model(x), self.kept


def make(name):
    """The model and its side; names that begin with timm: are timm's."""
    if name.startswith("timm:"):
        return make_timm(name[5:])
    import torchvision.models as zoo
    if name == "vit_s_16":
        model = vision_transformer(384, 12, 6, 16, 224)
        return WithMap(model, model.encoder), 224
    if name == "vit_b_14_registers":
        return vision_transformer(768, 12, 12, 14, 224, registers=4), 224
    parts = {"resnet50": "layer4", "resnet18": "layer4", "mobilenet_v2": "features", "mobilenet_v3_large": "features",
             "efficientnet_b0": "features", "convnext_tiny": "features", "regnet_y_400mf": "trunk_output",
             "regnet_x_400mf": "trunk_output", "swin_t": "norm"}
    model = getattr(zoo, name)(weights=None)
    return WithMap(model, getattr(model, parts[name])), 224


class WithFeatures(torch.nn.Module):
    """timm's: logits, where it has any, and what forward_features gives."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, x):
        features = self.model.forward_features(x)
        return self.model.forward_head(features), features


def make_timm(name):
    import timm
    timm.layers.set_fused_attn(False)
    model = timm.create_model(name, pretrained=False)
    side = model.default_cfg["input_size"][1]
    if side <= 256:
        return WithFeatures(model), side
    return WithFeatures(timm.create_model(name, pretrained=False, img_size=224)), 224


NETWORKS = ["resnet50", "mobilenet_v3_large", "efficientnet_b0", "convnext_tiny", "regnet_y_400mf", "vit_s_16",
            "vit_b_14_registers", "swin_t", "mobilenet_v2", "timm:convnextv2_atto", "timm:mobilenetv4_conv_small_050",
            "timm:vit_small_patch14_reg4_dinov2"]


def export(name, path, seed=1, dynamic=False):
    """Writes the network; returns its side."""
    torch.manual_seed(seed)
    model, side = make(name)
    random_weights(model, seed)
    axes = {"x": {2: "h", 3: "w"}} if dynamic else None
    torch.onnx.export(model, torch.zeros(1, 3, side, side), path, input_names=["x"], output_names=["logits", "map"],
                      opset_version=14, dynamic_axes=axes)  # with gradients on: else attention is one fused operator
    return side


def at_another_side(name, x, seed=1):
    """What PyTorch makes of a larger square with a vision transformer whose positions are resized: logits and tokens."""
    torch.manual_seed(seed)
    model, side = make(name)
    inner = random_weights(model, seed).model
    patch = inner.patch_size
    with torch.no_grad():
        positions = inner.encoder.pos_embedding
        grid = positions[:, 1:].reshape(1, side // patch, side // patch, -1).permute(0, 3, 1, 2)
        grid = torch.nn.functional.interpolate(grid, size=x.shape[2] // patch, mode="bicubic", align_corners=False)
        inner.encoder.pos_embedding.data = torch.cat([positions[:, :1], grid.flatten(2).transpose(1, 2)], dim=1)
        inner.image_size = x.shape[2]
        return [output.numpy() for output in model(torch.from_numpy(x))]


if __name__ == "__main__":
    folder = sys.argv[1]
    os.makedirs(folder, exist_ok=True)
    for network in sys.argv[2:] or NETWORKS:
        print(network, export(network, os.path.join(folder, network + ".onnx")))
