"""detector.py E.menc RGB COUNT: the same network in PyTorch, milliseconds an image, one line of key=value. --way eager |
channels-last | traced (torch.jit.optimize_for_inference, which fuses and keeps oneDNN's layouts); --batch images at a time."""
import argparse, os, statistics, sys, time
import numpy as np
import torch

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'tests'))
import tflite_torch

parser = argparse.ArgumentParser()
parser.add_argument('encoder')
parser.add_argument('rgb')
parser.add_argument('count', type=int)
parser.add_argument('--way', choices=('eager', 'channels-last', 'traced'), default='eager')
for name, value in (('threads', 2), ('batch', 1), ('repeat', 3)):
    parser.add_argument('--' + name, type=int, default=value)
options = parser.parse_args()
torch.set_num_threads(options.threads)

network = tflite_torch.Network(tflite_torch.network_of(options.encoder), ['/Conv_1/']).eval()
rgb = np.fromfile(options.rgb, np.uint8).reshape(-1, 300, 300, 3)[:options.count]
batches = torch.tensor(rgb.astype(np.float32) / 127.5 - 1).split(options.batch)
if options.way == 'channels-last':
    network = network.to(memory_format=torch.channels_last)  # NHWC input permuted is channels last already
else:
    batches = [b.permute(0, 3, 1, 2).contiguous().permute(0, 2, 3, 1) for b in batches]
with torch.inference_mode():
    if options.way == 'traced':
        network = torch.jit.optimize_for_inference(torch.jit.freeze(torch.jit.trace(network, batches[0])))
    times = []
    for r in range(options.repeat + 2):  # two to warm up: traced networks optimise themselves on the second
        start = time.perf_counter()
        for batch in batches:
            network(batch)
        times.append(1e3 * (time.perf_counter() - start) / len(rgb))
print('threads=%d images=%d batch=%d way=%s network_ms=%.3f torch=%s' % (torch.get_num_threads(), len(rgb), options.batch,
                                                                         options.way, statistics.median(times[2:]), torch.__version__))
