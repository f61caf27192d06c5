#!/usr/bin/env python3
"""compare-onnx.py NETWORK-DUMP [NAME...]: networks exported from PyTorch with random weights, run by us and by ONNX Runtime
on the same file: outputs within 1e-4 of each other, relative to the largest. Exits 77 where PyTorch, torchvision or ONNX
Runtime are missing (packages.txt, section oracles); MASK_ORACLES names the Python that has them.
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
    import torchvision  # noqa: F401
except ImportError as missing:
    print(f"SKIPPED: {missing}: install packages.txt's section oracles, name its Python in MASK_ORACLES", file=sys.stderr)
    sys.exit(77)

LIMIT = 1e-4


def compare(dump, name, folder):
    path, raw, result = (os.path.join(folder, f) for f in (f"{name}.onnx", "input", "output"))
    side = networks_made.export(name, path)
    x = np.random.default_rng(7).normal(size=(1, 3, side, side)).astype(np.float32)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 2
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    expected = session.run(None, {"x": x})
    np.ascontiguousarray(x.transpose(0, 2, 3, 1)).tofile(raw)
    run = subprocess.run([dump, path, "0", raw, result], capture_output=True, text=True)
    if run.returncode:
        print(f"{name}: {run.stderr.strip()}")
        return False
    ours, at, worst = np.fromfile(result, np.float32), 0, 0
    for e in expected:
        own = ours[at:at + e.size]
        at += e.size
        if e.ndim == 4 and name != "swin_t":  # its map is (1, h, w, channels) in the file too
            e = e.transpose(0, 2, 3, 1)
        worst = max(worst, np.abs(own - e.ravel()).max() / np.abs(e).max())
    good = at == ours.size and worst <= LIMIT
    print(f"{name}: largest difference {worst:.1e} of the largest value, {run.stdout.strip()}{'' if good else ' WRONG'}")
    return good


def main():
    names = sys.argv[2:] or networks_made.NETWORKS
    with tempfile.TemporaryDirectory() as folder:
        results = [compare(sys.argv[1], name, folder) for name in names]
    return not all(results)


if __name__ == "__main__":
    sys.exit(main())
