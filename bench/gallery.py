"""The gallery bench: building, searching, and how it grows. Others' searches stand beside ours in compare.py.
/usr/bin/python3 bench/gallery.py [--build build] [--prepare: builds one for compare.py, and measures nothing else]; by environment:

    MASK_BENCH_IMAGES=100000   images of 36 regions (2000 is a quick try)
    MASK_BENCH_WORDS=12385     words of the knowledge
    MASK_BENCH_REGIONS=36      regions of an image, and
    MASK_BENCH_DIM=512         their dimensions
    MASK_BENCH_CURVE=1000,10000,100000,1000000   sizes of the curve, images of 4 regions; empty = none

Writes bench/results/MACHINE-gallery.csv. The data stays in build/bench-gallery; what is only of one size of the curve is removed."""
import argparse, csv, os, platform, shutil, subprocess, sys, time

parser = argparse.ArgumentParser()
parser.add_argument('--build', default='build')
parser.add_argument('--threads', type=int, default=os.cpu_count())
parser.add_argument('--rounds', type=int, default=3)
parser.add_argument('--prepare', action='store_true')
options = parser.parse_args()
B, T = options.build, str(options.threads)
HERE = os.path.dirname(os.path.abspath(__file__))
DATA = B + '/bench-gallery'
IMAGES = int(os.environ.get('MASK_BENCH_IMAGES', 100000))
WORDS = int(os.environ.get('MASK_BENCH_WORDS', 12385))
CURVE = [int(n) for n in os.environ.get('MASK_BENCH_CURVE', '1000,10000,100000,1000000').split(',') if n]
REGIONS, CURVE_REGIONS = int(os.environ.get('MASK_BENCH_REGIONS', 36)), 4
DIM = int(os.environ.get('MASK_BENCH_DIM', 512))
ENV = dict(os.environ, OMP_PROC_BIND='true')
rows = []


def run(*command):
    """(seconds, peak megabytes, standard output) of a process"""
    start = time.perf_counter()
    process = subprocess.Popen(command, env=ENV, stdout=subprocess.PIPE, text=True)
    out = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit('failed: ' + ' '.join(command))
    return time.perf_counter() - start, usage.ru_maxrss / 1024, out


def note(what, number, unit, remark=''):
    rows.append([what, '%.6g' % number, unit, remark])
    print('%-64s %12.5g %-8s %s' % (what, number, unit, remark), flush=True)


def values(line):
    return {k: float(v) for k, v in (pair.split('=', 1) for pair in line.split() if '=' in pair)}


def size_of(folder):
    return sum(os.path.getsize(os.path.join(f, n)) for f, _, names in os.walk(folder) for n in names)


def need_disk(images, regions):
    """Features in 2 bytes; the gallery: regions in 2, two vectors in 3, two 8-bit columns a word."""
    gigabytes = images * (regions * DIM * 4 + 2 * DIM * 3 + 2 * WORDS) / 1e9
    free = shutil.disk_usage(DATA).free / 1e9
    print('%d images of %d regions need %.1f GB of disk, %.1f GB are free' % (images, regions, gigabytes, free))
    if gigabytes * 1.1 > free:
        sys.exit('not enough: set MASK_BENCH_IMAGES or MASK_BENCH_CURVE lower')


def make_words():
    if os.path.exists(DATA + '/words') and open(DATA + '/words').read().strip() == str(WORDS) and os.path.exists(DATA + '/K.mask'):
        return
    shutil.rmtree(DATA, ignore_errors=True)
    os.makedirs(DATA)
    run(sys.executable, HERE + '/gallery_data.py', 'words', DATA, str(WORDS))
    mask = B + '/mask'
    run(mask, 'vectors', 'import', DATA + '/words.bin', '-o', DATA + '/words.mvec', '--quiet')
    run(mask, 'learn', DATA + '/knowledge', '--vectors', DATA + '/words.mvec', '--encoder', 'none', '-o', DATA + '/raw.mask', '--quiet')
    run(mask, 'calibrate', DATA + '/raw.mask', '--images', DATA + '/background_ims.npy', '--texts', DATA + '/background_caps.txt',
        '-o', DATA + '/K.mask', '--quiet')


def make_images(images, regions):
    path = '%s/images-%d-%d_ims.npy' % (DATA, images, regions)
    need_disk(images, regions)
    if not os.path.exists(path):
        run(sys.executable, HERE + '/gallery_data.py', 'images', DATA, str(images), str(regions))
    return path


def build(path, images, regions, limit):
    gallery = '%s/%d-%d.gallery' % (DATA, images, regions)
    shutil.rmtree(gallery, ignore_errors=True)
    name = '%d images x %d' % (images, regions)
    seconds, megabytes, _ = run(B + '/mask', 'index', DATA + '/K.mask', path, '-o', gallery, '--threads', T, '--quiet')
    gflop = 2e-9 * images * regions * DIM * WORDS
    note(name + ': build', seconds, 's')
    note(name + ': build, GEMM work over the whole time', gflop / seconds, 'GFLOP/s', '%.0f%% of the limit' % (100 * gflop / seconds / limit))
    note(name + ': build, peak memory', megabytes, 'MB', 'mapped pages count')
    note(name + ': on disk', size_of(gallery) / images, 'bytes an image')
    return gallery


def warm(gallery):
    """Reads it all once, so that no time is the disk's (unless it is larger than memory)."""
    for folder, _, names in os.walk(gallery):
        for n in names:
            with open(os.path.join(folder, n), 'rb', buffering=0) as f:
                while f.read(1 << 24):
                    pass


def search(gallery, name):
    warm(gallery)
    for kind, what in (('1', '1 known word'), ('3', '3 known words'), ('8', '8 known words'), ('ood', '1 OOD word')):
        _, megabytes, out = run(B + '/bench/gallery', gallery, '--queries', '%s/queries-%s.txt' % (DATA, kind), '--vectors', DATA + '/words.mvec',
                                '--threads', T, '--rounds', str(options.rounds))
        for line in out.split('\n'):
            v = values(line)
            if 'p50_ms' not in v:
                continue
            when = ('first time' if line.startswith('first') else 'again')
            note('%s: %s, %s, p50' % (name, what, when), v['p50_ms'], 'ms', '%.1f images rescored' % v['rescored'])
            note('%s: %s, %s, p99' % (name, what, when), v['p99_ms'], 'ms')
        note('%s: %s, peak memory' % (name, what), megabytes, 'MB', 'mapped pages count')


def scans(images):
    """Float columns that are there already, added up in plain C: what any program with columns can do."""
    _, _, out = run(B + '/bench/gallery', '--scan', str(images), '--threads', T)
    for line in out.splitlines():
        v = values(line)
        note('%d images: scan of float columns in plain C, %d words, p50' % (images, v['words']), v['p50_ms'], 'ms')


def main():
    os.makedirs(DATA, exist_ok=True)
    make_words()
    _, _, out = run(B + '/bench/gemm', '--threads', T)
    limit = values(out.split('\n')[-2])['limit_gflops']
    note('GEMM limit', limit, 'GFLOP/s', T + ' threads')
    path = make_images(IMAGES, REGIONS)
    gallery = build(path, IMAGES, REGIONS, limit)
    if options.prepare:
        warm(gallery)
        print('images=%s gallery=%s build_s=%s build_rate=%s limit=%.1f' % (path, gallery, rows[1][1], rows[2][1], limit))
        return
    search(gallery, '%d images x %d' % (IMAGES, REGIONS))
    scans(IMAGES)
    for images in CURVE:
        path = make_images(images, CURVE_REGIONS)
        gallery = build(path, images, CURVE_REGIONS, limit)
        search(gallery, '%d images x %d' % (images, CURVE_REGIONS))
        os.remove(path)
        shutil.rmtree(gallery)
    model = platform.processor() or platform.machine()
    for line in open('/proc/cpuinfo'):
        if line.startswith('model name'):
            model = line.split(':')[1].strip()
            break
    name = '%s/results/%s-%s-cores-gallery.csv' % (HERE, '-'.join(model.lower().split()), T)
    with open(name, 'w', newline='') as f:
        csv.writer(f).writerows([['what', 'number', 'unit', 'remark']] + rows)
    print('written to ' + name)


main()
