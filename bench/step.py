"""Times build/bench/step (float, and bf16 where the processor can) and step_torch.py in turn, so that all see the same
machine, and prints median, spread and ratio. usage: bench/step.py [--threads 2] [--rounds 3] [--build build]"""
import argparse, os, statistics, subprocess, sys

parser = argparse.ArgumentParser()
parser.add_argument('--threads', default='2')
parser.add_argument('--rounds', type=int, default=3)
parser.add_argument('--build', default='build')
options = parser.parse_args()
here = os.path.dirname(os.path.abspath(__file__))
ours = [os.path.join(options.build, 'bench', 'step'), '--repeat', '3', '--threads', options.threads]
torch = ['/usr/bin/python3', os.path.join(here, 'step_torch.py'), '--threads', options.threads]
programs = {'float': ours, 'bf16': ours + ['--bf16', '1'], 'torch': torch, 'torch --gram': torch + ['--gram']}
EPOCH = 3.8e6  # regions of Visual Genome


def run(command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        print(' '.join(command), 'failed:', done.stderr.strip().split('\n')[-1], file=sys.stderr)
        return None
    return {k: float(v) for k, v in (field.split('=') for field in done.stdout.split()) if k != 'torch'}


results = {name: [] for name in programs}
for _ in range(options.rounds):
    for name, command in programs.items():
        result = run(command)
        if result:
            results[name].append(result)


def median(name, key): return statistics.median(r[key] for r in results[name])
def column(name, key):
    values = [r[key] for r in results[name]]
    return f'{statistics.median(values):.3f} s ({min(values):.3f}-{max(values):.3f})'


print(f'threads {options.threads}, {options.rounds} rounds, load {os.getloadavg()[0]:.1f}: median (spread)')
for name in (n for n in programs if results[n]):
    epoch = EPOCH / median(name, 'regions') * median(name, 'step_seconds') / 60
    line = f'{name:13s} step {column(name, "step_seconds")}  encode {column(name, "encode_seconds")}  epoch {epoch:.1f} min'
    if name in ('float', 'bf16'):
        line += f'  {median(name, "step_share"):.2f} / {median(name, "encode_share"):.2f} of {median(name, "limit_gflops"):.0f} GFLOP/s'
        for key in ('step_seconds', 'encode_seconds'):
            line += f'  {key[:-8]} x{median("torch", key) / median(name, key):.2f}'
    print(line)
