"""Writes docs/BENCHMARKS.md from what compare.py left in bench/results/, a machine at a time. Called by bench/run.sh."""
import csv, glob, os

HERE = os.path.dirname(os.path.abspath(__file__))
PARTS = {
    'eval': ('An evaluation', "`mask eval` of synthetic data of Flickr30K's size: 1,000 images x 36 regions x 2048, 5,000 captions with 30,905 usable words, 2,626 distinct, "
             '400,000 word vectors. Ours is the whole process, from files to recalls. PyTorch gets for free: its start, the captions tokenised, the words looked up, the '
             'prototypes learned. It multiplies each distinct word once, as we do, or every word of every pair. Nothing is computed beforehand by either.'),
    'step': ('Training', "One step, and one encoding pass, of the paper's networks (M = 2048, Z = 512, N = 300). Gram matrices: PyTorch's loss written as ours is, instead of over all pairs. "
             'Both have their data in memory.'),
    'search': ('A search', 'Ten of the images that fit three known words best, synthetic images. What each side does beforehand differs, and most of the ratio is that: a gallery '
               'computes every known word with every image when it is built, usearch makes a graph over the regions, FAISS and PyTorch only hold the normalised regions. '
               'Ours is calibrated, knows other words too, and gives exact scores; the peers compute cosines. FAISS and usearch keep the nearest 1,000 regions of a word: how many of the '
               'ten best images of all products they find stands beside. The yardstick for a search with columns is the loop in plain C, which only adds them up.'),
    'photos': ('Photos', 'The default encoder at 384 pixels and a ViT-S/16 at 224 beside ONNX Runtime on the same files, the least of 150 runs; then all of `mask extract` on 200 JPEGs of 640 x 480 '
               '(read, decoded, network, 14 regions, store, the start of the process) beside ONNX Runtime with one session a core behind Pillow, without regions or store. '
               'Both have optimised the graph beforehand.'),
    'detector': ("The detector's network", 'SSD MobileNetV2 of `make detector`, 300 x 300, an image; outputs agree to 1e-4. traced: frozen and optimised beforehand.'),
    'calibrated': ('Calibrated matching', "Flickr8K's dev split: word vectors imported, knowledge learned and calibrated, 1,000 x 5,000 pairs evaluated, beside the NumPy reference, "
                   'which does the same from the same files. Nothing beforehand.'),
}


def time_of(text):
    value = float(text)
    return '%.3g s' % value if value >= 1 else '%.3g ms' % (1e3 * value)


def table(rows):
    lines, title = [], None
    for what, side, threads, median, low, high, rounds, times, cpu, cpu_times, note in rows:
        if what != title:
            lines += ['', '%s%s' % (what[0].upper() + what[1:], ', %s threads' % threads if threads and 'thread' not in what else ''), '',
                      '| | median (least to most) | x ours | processor time | x ours | |', '|---|---|---|---|---|---|']
            title = what
        spread = ' (%s to %s)' % (time_of(low), time_of(high)) if low else ''
        lines.append('| %s | %s%s | %s | %s | %s | %s |' % (side.strip(), time_of(median), spread, times, time_of(cpu) if cpu else '', cpu_times, note))
    return lines


def main():
    machines = {}
    for part in PARTS:
        for path in sorted(glob.glob(HERE + '/results/*-cores-%s.csv' % part)):
            with open(path, newline='', encoding='utf8') as f:
                (machine, *about), _, *rows = csv.reader(f)
            machines.setdefault(machine.lstrip('# '), []).append((part, about, os.path.basename(path), rows))
    out = ['# Beside others, in the same run', '',
           'Written by `make bench` (about ten minutes on two quiet cores, 6 GB of disk for PyPI\'s PyTorch and 3 GB of data; a part alone: `bench/run.sh --only PART`): PyTorch, FAISS, usearch and',
           'ONNX Runtime as they are on PyPI that day, and Debian\'s, taking turns with ours. A ratio is the median of the rounds\' ratios, above 1 where ours is faster;',
           'on a machine that others use the processor time is the one to trust. What limits ours: [SPEED.md](SPEED.md). Where ours is slower, the table says so.', '']
    for machine, parts in machines.items():
        out += ['# ' + machine, '']
        for part, about, name, rows in parts:
            title, text = PARTS[part]
            out += ['## ' + title, '', text, '', '`bench/run.sh --only %s`, %s ([csv](../bench/results/%s)).' % (part, '; '.join(about), name)] + table(rows) + ['']
    with open(HERE + '/../docs/BENCHMARKS.md', 'w', encoding='utf8') as f:
        f.write('\n'.join(out).rstrip() + '\n')


main()
