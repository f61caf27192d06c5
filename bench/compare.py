"""Runs what is to be compared in turn, several rounds of it, and prints medians, spreads, ratios and shares; writes
bench/results/MACHINE.csv. Called by bench/run.sh, which makes the data. Every ratio is between times of the same round, so
that a machine that is slow for a while is slow for both sides. Processor seconds (all threads) stand beside them: they say
the same where other programs take their share of the cores, but count threads that wait for each other as busy."""
import argparse, csv, datetime, json, os, platform, re, statistics, subprocess, sys, time

parser = argparse.ArgumentParser()
parser.add_argument('--build', default='build')
parser.add_argument('--threads', type=int, default=os.cpu_count())
parser.add_argument('--rounds', type=int, default=5)
parser.add_argument('--slow-rounds', type=int, default=2, help='rounds that also multiply every pair, some 20 s each')
parser.add_argument('--only', choices=('eval', 'calibrated', 'step', 'detector'))
options = parser.parse_args()
B, T = options.build, str(options.threads)
DATA = B + '/bench-data'
# Threads stay on a core of their own: some virtual machines otherwise put two threads on one core. Alike for both sides.
BASE = dict(os.environ, OMP_PROC_BIND='true')
# Debian's OpenBLAS takes its AVX2 kernel on new AMD and Intel processors it does not know; this is its AVX-512 kernel.
KERNELS = {'as installed': BASE, 'AVX-512 kernel': dict(BASE, OPENBLAS_CORETYPE='SkylakeX')}
rows = []


def run(command, env=BASE):
    """(seconds of the whole process, its processor seconds, its standard output)"""
    start, before = time.perf_counter(), os.times()
    done = subprocess.run(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    seconds, after = time.perf_counter() - start, os.times()
    if done.returncode:
        sys.exit('%s\nfailed: %s%s' % (' '.join(command), done.stdout, done.stderr))
    return seconds, sum(after[2:4]) - sum(before[2:4]), done.stdout


def values(text):
    return dict(pair.split('=', 1) for pair in text.split() if '=' in pair)


class Table:
    """name -> one number a round, from the first round on"""

    def __init__(self, title, threads=options.threads):
        self.threads = threads
        self.title, self.numbers, self.cpu, self.notes = title, {}, {}, {}

    def add(self, name, number, note='', cpu=None):
        self.numbers.setdefault(name, []).append(number)
        self.cpu.setdefault(name, []).append(cpu)
        self.notes[name] = note

    def print(self, ours):
        print('\n%s\n%-44s %8s %17s %3s %8s %8s %8s' % (self.title, '', 'seconds', 'spread', 'n', 'x ours', 'cpu', 'x ours'))
        for name, numbers in self.numbers.items():
            ratios = [n / o for n, o in zip(numbers, self.numbers[ours])]
            low, middle, high = min(numbers), statistics.median(numbers), max(numbers)
            ratio, cpu, cpu_ratio = '%.2f' % statistics.median(ratios), '', ''
            if self.cpu[name][0] is not None:
                cpu = '%.3f' % statistics.median(self.cpu[name])
                cpu_ratio = '%.2f' % statistics.median(n / o for n, o in zip(self.cpu[name], self.cpu[ours]))
            print('%-44s %8.3f %8.3f-%8.3f %3d %8s %8s %8s %s' % (name, middle, low, high, len(numbers), ratio, cpu, cpu_ratio,
                                                                  self.notes[name]))
            rows.append([self.title, name, self.threads, '%.4f' % middle, '%.4f' % low, '%.4f' % high, len(numbers),
                         ratio, cpu, cpu_ratio, self.notes[name]])


def evaluation():
    table = Table("an evaluation of Flickr30K's size, both directions")
    shares, limits = [], []
    ours = [B + '/mask', 'eval', DATA + '/K.mask', DATA + '/f30k_precomp', '--split', 'test', '--calibrate', 'none', '--top', '1',
            '--context', '0', '--threads', T, '--quiet', '--json']
    torch = [sys.executable, 'bench/eval_torch.py', DATA]
    run(ours + ['--save-sims', DATA + '/scores.npy'])  # warms the page cache, and is what the peers are checked against
    check = ['--threads', T, '--check', DATA + '/scores.npy']
    for r in range(options.rounds):
        limit = float(values(run([B + '/bench/gemm', '--threads', T, '--repeat', '2'])[2])['limit_gflops'])
        seconds, cpu, out = run(ours)
        report = json.loads(out)
        limits.append(limit)
        shares.append(report['gflop_gemm'] / report['seconds_gemm'] / limit)
        table.add('mask eval, whole process', seconds, cpu=cpu)
        table.add('  of which columns', report['seconds_columns'])
        table.add('  of which GEMM', report['seconds_gemm'],
                  '%.0f GFLOP, %.0f%% of the GEMM limit' % (report['gflop_gemm'], 100 * statistics.median(shares)))
        for name, env in KERNELS.items():
            found = values(run(torch + ['columns'] + check, env)[2])
            table.add('PyTorch, columns, ' + name, float(found['seconds']),
                      'scores differ by at most ' + found['largest_difference'], float(found['cpu']))
            if r < options.slow_rounds:
                found = values(run(torch + ['pairs'] + check, env)[2])
                table.add('PyTorch, every pair, ' + name, float(found['seconds']),
                          'scores differ by at most ' + found['largest_difference'], float(found['cpu']))
    table.print('mask eval, whole process')
    print('GEMM limit %.0f GFLOP/s (%.0f-%.0f)' % (statistics.median(limits), min(limits), max(limits)))
    rows.append([table.title, 'GEMM limit, GFLOP/s', options.threads, '%.1f' % statistics.median(limits), '%.1f' % min(limits),
                 '%.1f' % max(limits), len(limits), '', '', '', 'mask at %.3f of it' % statistics.median(shares)])


def calibrated():
    """From labelled regions, background, images and captions to calibrated recalls of Flickr8K's dev."""
    shared = os.environ.get('MASK_SHARED')
    if not shared:
        print('\ncalibrated matching: skipped, MASK_SHARED is not set')
        return
    table = Table('calibrated matching on flickr8k dev, from word vectors and labelled regions to recalls')
    f8k, k = shared + '/flickr8k', DATA + '/f8k'
    steps = [['vectors', 'import', shared + '/words/glove.6B.100d.42k.txt.gz', '-o', k + '.mvec'],
             ['learn', f8k + '/knowledge', '--vectors', k + '.mvec', '--preset', 'section9', '--tokens', 'letters', '-o', k + '-plain.mask'],
             ['calibrate', k + '-plain.mask', '--preset', 'section9', '--images', f8k + '/background_ims.npy', '--texts', f8k + '/background_caps.txt',
              '-o', k + '.mask'],
             ['eval', k + '.mask', f8k + '/f8k_precomp', '--split', 'dev', '--json']]
    for r in range(min(options.rounds, 3)):
        times, cpus = [], []
        for step in steps:
            seconds, cpu, out = run([B + '/mask'] + step + ['--threads', T, '--quiet'])
            times.append(seconds)
            cpus.append(cpu)
        table.add('mask: import, learn, calibrate, eval', sum(times), 'Rs %.1f' % json.loads(out)['rsum'], sum(cpus))
        table.add('  of which eval', times[-1], cpu=cpus[-1])
        seconds, cpu, out = run([sys.executable, shared + '/reference/calibrated_reference.py'],
                           dict(KERNELS['AVX-512 kernel'], OPENBLAS_NUM_THREADS=T))
        table.add('NumPy reference', seconds, 'Rs ' + out.split()[-1], cpu)
    table.print('mask: import, learn, calibrate, eval')


def training_step():
    """Programs that report their own seconds, one line of key=value each; the first is ours."""
    programs = {'ours': [B + '/bench/step'], 'PyTorch': [sys.executable, 'bench/step_torch.py'],
                'PyTorch, Gram matrices': [sys.executable, 'bench/step_torch.py', '--gram']}
    tables = {'step_seconds': Table('one training step, 128 images x 36 regions'),
              'encode_seconds': Table('one encoding pass, 128 images x 36 regions')}
    for r in range(min(options.rounds, 3)):
        for name, command in programs.items():
            found = values(run(command + ['--threads', T, '--repeat', '3'])[2])
            for key, table in tables.items():
                share = found.get(key.replace('seconds', 'share'))
                table.add(name, float(found[key]), '%.0f%% of the GEMM limit' % (100 * float(share)) if share else '')
    for table in tables.values():
        table.print('ours')


def detector():
    """The photo detector's network, ours and PyTorch's, on one thread and on all: seconds an image."""
    encoder = os.environ.get('MASK_ENCODER', B + '/objectron.menc')
    if not os.path.exists(encoder):
        print('\nphoto detector: skipped, no encoder (make detector)')
        return
    count, rgb = 16, DATA + '/photos.rgb'
    with open(rgb, 'wb') as f:  # blocks of colour: the time does not depend on what is seen
        f.write(bytes((x // 20 * 37 + y // 20 * 61 + c * 90 + i * 11) % 256 for i in range(count) for y in range(300) for x in range(300) for c in range(3)))
    images = [encoder, rgb, str(count)]
    ways = {'PyTorch': ['--way', 'eager'], 'PyTorch, channels last': ['--way', 'channels-last'],
            'PyTorch, traced and optimised': ['--way', 'traced'],
            'PyTorch, traced, batches of 8': ['--way', 'traced', '--batch', '8']}
    for threads in sorted({1, options.threads}):
        table = Table('SSD MobileNetV2, 300 x 300, an image, %d thread%s' % (threads, 's' * (threads > 1)), threads)
        for r in range(min(options.rounds, 5)):
            found = values(run([B + '/bench/detector', *images, '--threads', str(threads), '--crops'])[2])
            table.add('ours, network', float(found['network_ms']) / 1e3, found['megabytes'] + ' MB of tensors a thread')
            table.add('ours, bytes to boxes', float(found['detector_ms']) / 1e3)
            table.add("ours, a crop's feature", float(found['crop_ms']) / 1e3)
            for name, way in ways.items():
                found = values(run([sys.executable, 'bench/detector.py', *images, '--threads', str(threads), *way])[2])
                table.add(name, float(found['network_ms']) / 1e3)
        table.print('ours, network')


def machine():
    model = next((l.split(':')[1].strip() for l in open('/proc/cpuinfo') if l.startswith('model name')), platform.machine())
    family = ' '.join(l.split(':')[1].strip() for l in list(open('/proc/cpuinfo'))[:8] if re.match(r'(cpu family|model)\s*:', l))
    return '%s (family, model %s), %d cores' % (model, family, os.cpu_count())


def versions():
    import numpy, torch
    commit = subprocess.run(['git', 'rev-parse', '--short', 'HEAD'], stdout=subprocess.PIPE, text=True).stdout.strip()
    dnnl = subprocess.run(['dpkg-query', '-W', '-f', '${Version}', 'libdnnl2'], stdout=subprocess.PIPE, text=True).stdout
    return 'mask %s, oneDNN %s, PyTorch %s, NumPy %s, Linux %s' % (commit, dnnl or '?', torch.__version__, numpy.__version__,
                                                                   platform.release())


load = os.getloadavg()[0]
print('%s, %d threads, load %.1f at the start; %s' % (machine(), options.threads, load, versions()))
for name, part in (('eval', evaluation), ('calibrated', calibrated), ('step', training_step), ('detector', detector)):
    if options.only in (None, name):
        part()
os.makedirs('bench/results', exist_ok=True)
path = 'bench/results/%s.csv' % re.sub('[^a-z0-9]+', '-', (machine() + ' ' + (options.only or '')).lower()).strip('-')
with open(path, 'w', newline='') as f:
    w = csv.writer(f)
    w.writerow(['# ' + machine(), versions(), datetime.date.today().isoformat(), 'load at the start %.1f, at the end %.1f' % (load, os.getloadavg()[0])])
    w.writerow('what side threads median low high rounds times_ours cpu_seconds times_our_cpu note'.split())
    w.writerows(rows)
print('\nwrote ' + path)
