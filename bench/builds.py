"""Two builds by turns on the same work: what the portable build costs beside one for this machine alone. Without folders it
makes both, build-native (-DMASK_NATIVE=ON) and build-portable. Everything it works on is in the tree but the photos.

    /usr/bin/python3 bench/builds.py PHOTOS [--builds NATIVE PORTABLE] [--rounds 7] [--most 200]

PHOTOS is a folder of JPEGs, of which the first --most are taken. One thread, so that processor seconds are those of the
work and not of threads that wait. Each round runs every command in both builds, in an order that changes; printed are
the least processor seconds of each, their ratio, and the median of the rounds' ratios with its range."""
import argparse, os, pathlib, random, resource, shutil, statistics, subprocess, sys, tempfile

parser = argparse.ArgumentParser()
parser.add_argument('photos')
parser.add_argument('--builds', nargs=2, metavar=('NATIVE', 'PORTABLE'))
parser.add_argument('--rounds', type=int, default=7)
parser.add_argument('--most', type=int, default=200)
options = parser.parse_args()
TREE = pathlib.Path(__file__).resolve().parent.parent
WORDS = 'dog man grass water red woman street tree running child snow ball mountain car beach two'.split()


def build(name, native):
    folder = TREE / name
    subprocess.run(['cmake', '-S', TREE, '-B', folder, '-G', 'Ninja', '-DMASK_NATIVE=' + native], check=True, stdout=subprocess.DEVNULL)
    subprocess.run(['ninja', '-C', folder], check=True, stdout=subprocess.DEVNULL)
    return folder


def seconds(build, command):
    """Processor seconds of `mask command` in a build."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([build / 'mask', *command, '--threads', '1', '--quiet'], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.exit('%s/mask %s: %s' % (build, ' '.join(map(str, command)), done.stderr))
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def made(place, builds):
    """Regions, five texts a photo and 2,000 queries; the commands to be timed, each with a file or folder that it makes."""
    photos, knowledge = place / 'photos', TREE / 'starter/starter.mask'
    photos.mkdir()
    for photo in sorted(pathlib.Path(options.photos).glob('*.jpg'))[:options.most]:
        (photos / photo.name).symlink_to(photo.resolve())
    regions, gallery = place / 'photos.regions', place / 'all.gallery'
    seconds(builds[0], ['extract', photos, '-o', regions])
    seconds(builds[0], ['index', knowledge, regions, '-o', gallery, '--own', 'off'])
    random.seed(1)
    text = lambda: ' '.join(random.sample(WORDS, 3)) + '\n'
    (place / 'captions.txt').write_text(''.join(text() for _ in range(5 * len(list(photos.iterdir())))))
    (place / 'queries.txt').write_text(''.join(text() for _ in range(2000)))
    out = place / 'out'
    return {'eval': ['eval', knowledge, regions, '--captions', place / 'captions.txt'],
            'index': ['index', knowledge, regions, '-o', out, '--own', 'off'],
            'search': ['search', gallery, '--queries', place / 'queries.txt'],
            'extract': ['extract', photos, '-o', out]}, out


def main():
    builds = [pathlib.Path(b).resolve() for b in options.builds] if options.builds else [build('build-native', 'ON'), build('build-portable', 'OFF')]
    with tempfile.TemporaryDirectory() as place:
        commands, out = made(pathlib.Path(place), builds)
        print('| | native, s | portable, s | ratio of the least | median of %d rounds\' ratios (range) |\n|---|---|---|---|---|' % options.rounds)
        for name, command in commands.items():
            times = [[], []]
            for round in range(options.rounds):
                for side in (0, 1) if round % 2 else (1, 0):
                    times[side].append(seconds(builds[side], command))
                    shutil.rmtree(out) if out.is_dir() else out.unlink(missing_ok=True)
            ratios = [portable / native for native, portable in zip(*times)]
            native, portable = map(min, times)
            print('| %s | %.2f | %.2f | %.3f | %.3f (%.3f to %.3f) |' %
                  (name, native, portable, portable / native, statistics.median(ratios), min(ratios), max(ratios)), flush=True)


main()
