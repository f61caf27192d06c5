#!/usr/bin/python3
"""readers.py [--megabytes 300] [--rounds 5] [--build build]: how fast files of the field are read, against Python in the same run.

    TSV of region features   ours, opened and decoded whole, against csv + base64 + NumPy, as published loaders do it, and
                             against the same with split() instead of csv
    Visual Genome's JSON     mask convert to labelled regions, against json.load alone, which does nothing with what it read

Files are generated in a temporary folder, read once before the clock starts, and both sides' sums must agree. Sides take turns; a ratio is
the median of the rounds' ratios. Prints a table and writes results/MACHINE-readers.csv."""
import argparse, base64, csv, datetime, json, os, platform, random, re, statistics, subprocess, sys, tempfile, time
import numpy as np

REGIONS, DIM = 36, 2048
COLUMNS = 'image_id image_w image_h num_boxes boxes features'.split()
csv.field_size_limit(sys.maxsize)
parser = argparse.ArgumentParser()
parser.add_argument('--megabytes', type=float, default=300)
parser.add_argument('--rounds', type=int, default=5)
parser.add_argument('--build', default='build')
options = parser.parse_args()


def write_tsv(path):
    """Rows as bottom-up attention gives them: after a ReLU, a third of the numbers zero."""
    rng, size, i = np.random.default_rng(3), 0, 0
    with open(path, 'wb') as f:
        while size < options.megabytes * 1e6:
            features = np.maximum(rng.standard_normal((REGIONS, DIM), dtype=np.float32) + 0.4, 0)
            boxes = rng.uniform(0, 480, (REGIONS, 4)).astype(np.float32)
            row = [b'%d' % i, b'640', b'480', b'%d' % REGIONS, base64.b64encode(boxes), base64.b64encode(features)]
            size += f.write(b'\t'.join(row) + b'\r\n')
            i += 1


def write_json(path):
    """Images as in objects.json, about 35 objects each."""
    random.seed(1)
    words = 'man;traffic light;t-shirt;window;tree;the sky;hot dog;grass;chair;leg'.split(';')
    number = lambda most: random.randrange(most)
    size, image = 0, 0
    with open(path, 'w') as f:
        while size < options.megabytes * 1e6:
            image += 1
            things = [{'synsets': ['man.n.01'], 'h': 5 + number(400), 'object_id': image * 100 + i, 'merged_object_ids': [],
                       'names': [random.choice(words)], 'w': 5 + number(400), 'y': number(400), 'x': number(400)}
                      for i in range(20 + number(30))]
            size += f.write((',' if image > 1 else '[') + json.dumps({'image_id': image, 'objects': things}))
        f.write(']')


def tsv_sum(rows):
    total = 0.0
    for row in rows:
        n = int(row['num_boxes'])
        np.frombuffer(base64.b64decode(row['boxes']), np.float32).reshape(n, 4)
        features = np.frombuffer(base64.b64decode(row['features']), np.float32).reshape(n, -1)
        total += float(features[:, 0].sum(dtype=np.float64))
    return total


def by_csv(path):
    with open(path, newline='') as f:
        return tsv_sum(csv.DictReader(f, delimiter='\t', fieldnames=COLUMNS))


def by_split(path):
    with open(path, 'rb') as f:
        return tsv_sum(dict(zip(COLUMNS, line.rstrip(b'\r\n').split(b'\t'))) for line in f)


def timed(work, *arguments):
    start = time.perf_counter()
    result = work(*arguments)
    return time.perf_counter() - start, result


def ours(path):
    text = subprocess.run([options.build + '/bench/readers', path], stdout=subprocess.PIPE, text=True, check=True).stdout
    found = dict(pair.split('=') for pair in text.split())
    return float(found['open']), float(found['all']), float(found['sum'])


def load_json(path):
    with open(path) as f:
        return len(json.load(f))


def convert(path, to):
    """Seconds, or None where this build has no reader of it."""
    seconds, done = timed(lambda: subprocess.run([options.build + '/mask', 'convert', path, '--recipe', 'mack', '--quiet', '-o', to],
                                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
    return seconds if done.returncode == 0 else None


def machine():
    lines = list(open('/proc/cpuinfo'))
    model = next((l.split(':')[1].strip() for l in lines if l.startswith('model name')), platform.machine())
    family = ' '.join(l.split(':')[1].strip() for l in lines[:8] if re.match(r'(cpu family|model)\s*:', l))
    return '%s (family, model %s), %d cores' % (model, family, os.cpu_count())


def commit():
    return subprocess.run(['git', 'rev-parse', '--short', 'HEAD'], stdout=subprocess.PIPE, text=True).stdout.strip()


rows = []


def table(title, megabytes, sides, base):
    """sides: name -> seconds of each round; ratios are to `base`'s."""
    print('\n%s, %.0f MB\n%-44s %9s %17s %8s %10s' % (title, megabytes, '', 'seconds', 'spread', 'MB/s', 'x Python'))
    for name, numbers in sides.items():
        low, middle, high = min(numbers), statistics.median(numbers), max(numbers)
        ratio = statistics.median(b / n for b, n in zip(sides[base], numbers))
        print('%-44s %9.3f %8.3f-%8.3f %8.0f %10.2f' % (name, middle, low, high, megabytes / middle, ratio))
        rows.append([title, name, '%.1f' % megabytes, '%.4f' % middle, '%.4f' % low, '%.4f' % high, len(numbers),
                     '%.1f' % (megabytes / middle), '%.2f' % ratio])


def measure_tsv(path):
    sides = {'ours, opened and decoded': [], 'ours, opening alone': [], 'Python: csv, base64, NumPy': [], 'Python: split, base64, NumPy': []}
    by_csv(path)
    for _ in range(options.rounds):
        opened, all_of_it, one = ours(path)
        sides['ours, opening alone'].append(opened)
        sides['ours, opened and decoded'].append(all_of_it)
        seconds, other = timed(by_csv, path)
        sides['Python: csv, base64, NumPy'].append(seconds)
        sides['Python: split, base64, NumPy'].append(timed(by_split, path)[0])
        if abs(one - other) > 1e-6 * abs(other):
            sys.exit('the sums differ: %r, %r' % (one, other))
    table('TSV of region features', os.path.getsize(path) / 1e6, sides, 'Python: csv, base64, NumPy')


def measure_json(path, to):
    sides = {'ours: mask convert, whole process': [], 'Python: json.load alone': []}
    if convert(path, to) is None:
        return print('\nthis build does not convert Visual Genome\'s JSON')
    for _ in range(options.rounds):
        sides['ours: mask convert, whole process'].append(convert(path, to))
        sides['Python: json.load alone'].append(timed(load_json, path)[0])
    table("Visual Genome's objects.json", os.path.getsize(path) / 1e6, sides, 'Python: json.load alone')


load = os.getloadavg()[0]
with tempfile.TemporaryDirectory() as folder:
    tsv, text = os.path.join(folder, 'features.tsv'), os.path.join(folder, 'objects.json')
    write_tsv(tsv)
    measure_tsv(tsv)
    write_json(text)
    measure_json(text, os.path.join(folder, 'regions.tsv'))
here = os.path.dirname(os.path.abspath(__file__))
os.makedirs(here + '/results', exist_ok=True)
path = here + '/results/%s.csv' % re.sub('[^a-z0-9]+', '-', (machine() + ' readers').lower()).strip('-')
with open(path, 'w', newline='') as f:
    w = csv.writer(f)
    w.writerow(['# ' + machine(), 'mask %s, NumPy %s, Python %s' % (commit(), np.__version__, platform.python_version()),
                datetime.date.today().isoformat(), 'load at the start %.1f, at the end %.1f' % (load, os.getloadavg()[0])])
    w.writerow('what side megabytes median low high rounds MB_per_second times_python'.split())
    w.writerows(rows)
print('\nwrote ' + path)
