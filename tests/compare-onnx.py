#!/usr/bin/env python3
"""compare-onnx.py NETWORK-DUMP [NAME...]: networks exported from PyTorch with random weights, run by us and by ONNX Runtime
on the same file: outputs within 1e-4 of each other, relative to the largest. NAME is one of networks_made.py, or timm: and
timm's own. Exits 77 where PyTorch, torchvision (packages.txt, section oracles), timm or ONNX Runtime (PyPI) are missing;
MASK_ORACLES names the Python that has them.
"""
import os
import subprocess
import sys
import tempfile

if os.environ.get("MASK_ORACLES") and os.environ["MASK_ORACLES"] != sys.executable:
    python = os.environ["MASK_ORACLES"]
    os.environ.pop("MASK_ORACLES")
    os.execv(python, [python, "-B", *sys.argv])
try:
    import numpy as np
    import onnxruntime
    import networks_made
    import timm  # noqa: F401
    import torchvision  # noqa: F401
except ImportError as missing:
    print(f"skipped: {missing}: install packages.txt's section oracles, onnxruntime and timm, name their Python in MASK_ORACLES")
    sys.exit(77)

LIMIT = 1e-4


def difference(dump, path, side, x, expected, folder, channels_last=False):
    """The largest difference of our outputs, relative to each one's largest value; 1 where there are others."""
    raw, result = os.path.join(folder, "input"), os.path.join(folder, "output")
    np.ascontiguousarray(x.transpose(0, 2, 3, 1)).tofile(raw)
    run = subprocess.run([dump, path, str(side), raw, result], capture_output=True, text=True)
    if run.returncode:
        print(run.stderr.strip())
        return 1
    ours, at, worst = np.fromfile(result, np.float32), 0, 0
    for e in expected:
        own = ours[at:at + e.size]
        at += e.size
        if e.ndim == 4 and not channels_last:
            e = e.transpose(0, 2, 3, 1)
        worst = max(worst, np.abs(own - e.ravel()).max() / np.abs(e).max())
    return worst if at == ours.size else 1


def judge(what, worst):
    print(f"{what}: largest difference {worst:.1e} of the largest value{'' if worst <= LIMIT else ' WRONG'}")
    return worst <= LIMIT


def by_onnxruntime(path, x):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 2
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"]).run(None, {"x": x})


def noise(side):
    return np.random.default_rng(7).normal(size=(1, 3, side, side)).astype(np.float32)


def compare(dump, name, folder):
    path = os.path.join(folder, f"{name}.onnx")
    if name == "default":  # with its real weights, as they are in the file
        side, menc = 320, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../encoders/default.menc")
        raw = os.path.join(folder, "input")
        noise(side).tofile(raw)
        subprocess.run([dump, menc, str(side), raw, os.devnull, "--network", path], check=True, capture_output=True)
    else:
        side = networks_made.export(name, path)
    # a Swin's map is (1, h, w, channels) in the file too
    worst = difference(dump, path, side, noise(side), by_onnxruntime(path, noise(side)), folder, "swin" in name)
    good = judge(name, worst)
    if name == "vit_s_16":
        x = noise(320)
        good &= judge("vit_s_16 at 320, against PyTorch",
                      difference(dump, path, 320, x, networks_made.at_another_side(name, x), folder))
    return good


def main():
    names = sys.argv[2:] or ["default", *networks_made.NETWORKS]
    with tempfile.TemporaryDirectory() as folder:
        results = [compare(sys.argv[1], name, folder) for name in names]
    return not all(results)


if __name__ == "__main__":
    sys.exit(main())
