"""Runs what is to be compared in turn, several rounds of it, and prints medians, spreads, ratios and shares; writes
bench/results/MACHINE-PART.csv when a part is done. Called by bench/run.sh, which makes the data and what is current on PyPI.
Every ratio is between times of the same round, so that a machine that is slow for a while is slow for both sides. Processor seconds (all threads) stand beside them: they say
the same where other programs take their share of the cores, but count threads that wait for each other as busy."""
import argparse, csv, datetime, json, os, platform, re, statistics, subprocess, sys, tempfile, time

parser = argparse.ArgumentParser()
parser.add_argument('--build', default='build')
parser.add_argument('--threads', type=int, default=os.cpu_count())
parser.add_argument('--rounds', type=int, default=3)
parser.add_argument('--slow-rounds', type=int, default=1, help='rounds that also multiply every pair, some 20 s each')
parser.add_argument('--only', choices=('eval', 'step', 'search', 'photos', 'detector', 'calibrated'))
options = parser.parse_args()
B, T = options.build, str(options.threads)
DATA = B + '/bench-data'
# Threads stay on a core of their own: some virtual machines otherwise put two threads on one core. Alike for both sides.
BASE = dict(os.environ, OMP_PROC_BIND='true')
# Debian's OpenBLAS takes its AVX2 kernel on new AMD and Intel processors it does not know; this is its AVX-512 kernel.
AVX512 = dict(BASE, OPENBLAS_CORETYPE='SkylakeX')
PYPI = B + '/bench-venv/bin/python'
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


def library(python, name):
    """Its version, or None where that Python lacks it."""
    code = 'import %s; print(%s.__version__)' % (name, name)
    done = subprocess.run([python, '-c', code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) if os.path.exists(python) else None
    return done.stdout.strip() if done and done.returncode == 0 else None


def sides(name, title, debians={'': BASE}):
    """(what to call it, Python, environment) of PyPI's and Debian's library, those that are there"""
    found = [('%s %s, PyPI' % (title, library(PYPI, name)), PYPI, BASE)] if library(PYPI, name) else []
    debian = library(sys.executable, name)
    return found + [('%s %s, Debian%s' % (title, debian, how), sys.executable, env) for how, env in debians.items() if debian]


def torches():
    return sides('torch', 'PyTorch', {', OpenBLAS as installed': BASE, ", OpenBLAS's AVX-512 kernel": AVX512})


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
        print('\n%s\n%-44s %9s %19s %3s %8s %8s %8s' % (self.title, '', 'seconds', 'spread', 'n', 'x ours', 'cpu', 'x ours'))
        for name, numbers in self.numbers.items():
            ratios = [n / o for n, o in zip(numbers, self.numbers[ours])]
            low, middle, high = min(numbers), statistics.median(numbers), max(numbers)
            ratio, cpu, cpu_ratio = '%.2f' % statistics.median(ratios), '', ''
            if self.cpu[name][0] is not None:
                cpu = '%.4g' % statistics.median(self.cpu[name])
                cpu_ratio = '%.2f' % statistics.median(n / o for n, o in zip(self.cpu[name], self.cpu[ours]))
            print('%-44s %9.4f %9.4f-%9.4f %3d %8s %8s %8s %s' % (name, middle, low, high, len(numbers), ratio, cpu, cpu_ratio,
                                                                  self.notes[name]))
            rows.append([self.title, name, self.threads, '%.4g' % middle, '%.4g' % low, '%.4g' % high, len(numbers),
                         ratio, cpu, cpu_ratio, self.notes[name]])


def evaluation():
    table = Table("an evaluation of Flickr30K's size, both directions")
    shares = []
    ours = [B + '/mask', 'eval', DATA + '/K.mask', DATA + '/f30k_precomp', '--split', 'test', '--calibrate', 'none', '--top', '1',
            '--context', '0', '--threads', T, '--quiet', '--json']
    run(ours + ['--save-sims', DATA + '/scores.npy'])  # warms the page cache, and is what the peers are checked against
    check = ['--threads', T, '--check', DATA + '/scores.npy']
    peers = torches()
    for r in range(options.rounds):
        limit = gemm_limit()
        seconds, cpu, out = run(ours)
        report = json.loads(out)
        shares.append(report['gflop_gemm'] / report['seconds_gemm'] / limit)
        table.add('mask eval, whole process', seconds, cpu=cpu)
        table.add('of which columns', report['seconds_columns'])
        table.add('of which GEMM', report['seconds_gemm'],
                  '%.0f GFLOP, %.0f%% of the GEMM limit' % (report['gflop_gemm'], 100 * statistics.median(shares)))
        for name, python, env in peers:
            for way, what in (('columns', 'each word once'), ('pairs', 'every pair')):
                if way == 'pairs' and (r >= options.slow_rounds or env is not BASE):
                    continue
                found = values(run([python, 'bench/eval_torch.py', DATA, way] + check, env)[2])
                table.add(name + ', ' + what, float(found['seconds']), 'scores differ by at most ' + found['largest_difference'], float(found['cpu']))
    table.print('mask eval, whole process')


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
                           dict(AVX512, OPENBLAS_NUM_THREADS=T))
        table.add('NumPy reference', seconds, 'Rs ' + out.split()[-1], cpu)
    table.print('mask: import, learn, calibrate, eval')


def training_step():
    """Programs that report their own seconds, one line of key=value each; the first is ours."""
    programs = {'ours': ([B + '/bench/step'], BASE)}
    for name, python, env in torches():
        for way, what in (([], ''), (['--gram'], ', Gram matrices')):
            if env is BASE and (not way or python == PYPI or not os.path.exists(PYPI)):
                programs[name + what] = ([python, 'bench/step_torch.py'] + way, env)
    tables = {'step_seconds': Table('one training step, 128 images x 36 regions'),
              'encode_seconds': Table('one encoding pass, 128 images x 36 regions')}
    for r in range(min(options.rounds, 3)):
        for name, (command, env) in programs.items():
            found = values(run(command + ['--threads', T, '--repeat', '3'], env)[2])
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
    ways = [(name, python, way) for name, python, env in torches() if env is BASE for way in ('eager', 'channels-last', 'traced')]
    for threads in sorted({1, options.threads}):
        table = Table('SSD MobileNetV2, 300 x 300, an image, %d thread%s' % (threads, 's' * (threads > 1)), threads)
        for r in range(options.rounds):
            found = values(run([B + '/bench/detector', *images, '--threads', str(threads), '--crops'])[2])
            table.add('ours, network', float(found['network_ms']) / 1e3, found['megabytes'] + ' MB of tensors a thread')
            table.add('ours, bytes to boxes', float(found['detector_ms']) / 1e3)
            table.add("ours, a crop's feature", float(found['crop_ms']) / 1e3)
            for name, python, way in ways:
                found = values(run([python, 'bench/detector.py', *images, '--threads', str(threads), '--way', way])[2])
                table.add(name + ', ' + way, float(found['network_ms']) / 1e3)
        table.print('ours, network')


def searching():
    """Queries of three known words in a gallery, and in libraries for nearest vectors; each in a process of its own."""
    env = dict(BASE, MASK_BENCH_IMAGES=os.environ.get('MASK_BENCH_IMAGES', '10000'))
    made = values(run([sys.executable, 'bench/gallery.py', '--build', B, '--threads', T, '--prepare'], env)[2])
    data, gallery, images = B + '/bench-gallery', made['gallery'], int(env['MASK_BENCH_IMAGES'])
    table = Table('a query of 3 known words, {:,} images x 36 regions x 512'.format(images))
    graph = '%s/%d.usearch' % (data, images)
    if os.path.exists(graph):
        os.remove(graph)  # its making is measured
    peers = [('faiss', n + ', flat', p) for n, p, _ in sides('faiss', 'FAISS')] + [('usearch', n + ', HNSW', p) for n, p, _ in sides('usearch', 'usearch')]
    peers += [('torch', n + ', 64 queries at once', p) for n, p, env in torches() if env is BASE]
    notes = {}
    for r in range(options.rounds):
        out = run([B + '/bench/gallery', gallery, '--queries', data + '/queries-3.txt', '--vectors', data + '/words.mvec', '--threads', T])[2]
        found = values(next(line for line in out.splitlines() if line.startswith('again')))
        table.add('mask search, open gallery', float(found['p50_ms']) / 1e3, 'the same ten; %.0f s beforehand, %.0f%% of the GEMM limit'
                  % (float(made['build_s']), 100 * float(made['build_rate']) / float(made['limit'])))
        scan = next(v for v in map(values, run([B + '/bench/gallery', '--scan', str(images), '--threads', T])[2].splitlines()) if v['words'] == '3')
        table.add('plain C: float columns added up', float(scan['p50_ms']) / 1e3, 'columns made beforehand; not calibrated')
        for peer, name, python in peers:
            found = values(run([python, 'bench/gallery_peers.py', peer, made['images'], data + '/K.mask', data + '/queries-3.txt', '--threads', T,
                                '--index', graph])[2])
            notes.setdefault(name, '%.0f%% of the same ten; %s' % (100 * float(found['same']),
                                                                 found['before_s'] + ' s beforehand' if peer == 'usearch' else 'nothing beforehand'))
            table.add(name, float(found['p50_ms']) / 1e3, notes[name])
    table.print('mask search, open gallery')


def photos():
    """Networks and whole extractions beside ONNX Runtime: onnx.py's own rounds, each side's fastest."""
    if not library(PYPI, 'onnxruntime'):
        print('\nphotos: skipped, no ONNX Runtime')
        return
    with tempfile.TemporaryDirectory() as folder:
        command = [PYPI, 'bench/onnx.py', B, folder + '/r.csv'] + ([] if os.environ.get('MASK_SHARED') else ['--only', 'networks'])
        run(command, {k: v for k, v in os.environ.items() if k != 'MASK_ORACLES'})
        (_, _, peer, _), *found = csv.reader(open(folder + '/r.csv'))
    clocks = {}  # what -> its wall and its processor row
    for what, *numbers in found:
        clocks.setdefault(what.replace(', processor ms', '').replace(', photos a second', '').replace(', ms', ''), []).append((what, numbers))
    for what, ((name, (ours, theirs, ratio)), *cpu) in clocks.items():
        rate = 'second' in name  # photos a second, not time
        for side, at, times in (('ours', 0, '1.00'), (peer + ', PyPI', 1, ratio)):
            number = float((ours, theirs)[at])
            rows.append([what, side, '', '%.4g' % (1 / number if rate else number / 1e3), '', '', 5, times,
                         '%.4g' % (float(cpu[0][1][at]) / 1e3) if cpu else '', cpu[0][1][2] if cpu and at else '', '%.1f photos a second' % number if rate else ''])
            print(*rows[-1])


def gemm_limit():
    return float(values(run([B + '/bench/gemm', '--threads', T, '--repeat', '2'])[2])['limit_gflops'])


def machine():
    model = next((l.split(':')[1].strip() for l in open('/proc/cpuinfo') if l.startswith('model name')), platform.machine())
    family = ' '.join(l.split(':')[1].strip() for l in list(open('/proc/cpuinfo'))[:8] if re.match(r'(cpu family|model)\s*:', l))
    return '%s (family, model %s), %d cores' % (model, family, os.cpu_count())


def versions():
    commit = subprocess.run(['git', 'describe', '--always'], stdout=subprocess.PIPE, text=True).stdout.strip()
    written = ['bench/results', 'docs/BENCHMARKS.md']  # by this
    commit += '-dirty' if subprocess.run(['git', 'diff', '--quiet', 'HEAD', '--', '.', *(':!' + w for w in written)]).returncode else ''
    dnnl = subprocess.run(['dpkg-query', '-W', '-f', '${Version}', 'libdnnl2'], stdout=subprocess.PIPE, text=True).stdout
    return 'mask %s, oneDNN %s, Linux %s' % (commit, dnnl or '?', platform.release())


print('%s, %d threads, %s' % (machine(), options.threads, versions()))
os.makedirs('bench/results', exist_ok=True)
for name, part in (('eval', evaluation), ('step', training_step), ('search', searching), ('photos', photos), ('detector', detector),
                   ('calibrated', calibrated)):
    if options.only not in (None, name):
        continue
    rows, load, limit, start = [], os.getloadavg()[0], gemm_limit(), time.time()
    part()
    if rows:
        path = 'bench/results/%s.csv' % re.sub('[^a-z0-9]+', '-', (machine() + ' ' + name).lower()).strip('-')
        with open(path, 'w', newline='') as f:
            w = csv.writer(f)
            w.writerow(['# ' + machine(), versions(), datetime.date.today().isoformat(), '%d threads, GEMM limit %.0f GFLOP/s, load %.1f before and %.1f after'
                        % (options.threads, limit, load, os.getloadavg()[0])])
            w.writerow('what side threads median low high rounds times_ours cpu_seconds times_our_cpu note'.split())
            w.writerows(rows)
        print('wrote %s, after %.0f s' % (path, time.time() - start), flush=True)
