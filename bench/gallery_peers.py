"""gallery_peers.py faiss|usearch|torch IMAGES.npy K.mask QUERIES.txt --threads N [--index FILE]: how long another library takes to
find the ten images that match a query of three known words best: the cosine of each word's prototype with the regions, the
best region of an image for a word, the mean over words. One line of key=value: p50_ms of a query, cpu_ms (processor
time), before_s (what it did beforehand: its index), same (of the ten that every product gives, how many it finds).

    faiss    IndexFlatIP's scan: the nearest 1,000 regions of a word, all regions being looked at
    usearch  a graph (HNSW) over the regions, made beforehand and kept in FILE: about the nearest 1,000 regions
    torch    every product, 64 queries at once"""
import argparse, os, statistics, sys, time

parser = argparse.ArgumentParser()
for name in ('peer', 'images', 'knowledge', 'queries'):
    parser.add_argument(name)
parser.add_argument('--threads', type=int, default=2)
parser.add_argument('--index')
options = parser.parse_args()
os.environ['OMP_NUM_THREADS'] = str(options.threads)
import numpy as np
from tensors import strings, tensors

BATCH, WORDS, NEAR, TOP = 64, 3, 1000, 10
images = np.load(options.images, mmap_mode='r')
count, regions, z = images.shape
mu = np.empty((count * regions, z), np.float32)
for first in range(0, count, 4096):
    part = images[first:first + 4096].reshape(-1, z).astype(np.float32)
    mu[first * regions:first * regions + len(part)] = part / np.linalg.norm(part, axis=1, keepdims=True)
knowledge = tensors(options.knowledge)
row = {w: i for i, w in enumerate(strings(knowledge, 'words'))}
asked = [[row[w] for w in line.split()] for line in open(options.queries) if all(w in row for w in line.split())][:BATCH]
prototypes = np.array(knowledge['prototypes'], np.float32)[np.array(asked)]
prototypes /= np.linalg.norm(prototypes, axis=2, keepdims=True)
before = 0


def top(scores):
    return set(np.argpartition(-scores, TOP)[:TOP].tolist())


def by_near(cosines, at):
    """The scores of images from each word's nearest regions."""
    scores = np.zeros(count, np.float32)
    for dots, which in zip(cosines, at // regions):
        best = np.zeros(count, np.float32)
        np.maximum.at(best, which, dots)
        scores += best / WORDS
    return top(scores)


if options.peer == 'faiss':
    import faiss as library
    library.omp_set_num_threads(options.threads)
    index = library.IndexFlatIP(z)
    index.add(mu)
    search = lambda query: by_near(*index.search(query, min(NEAR, len(mu))))
elif options.peer == 'usearch':
    import usearch as library
    from usearch.index import Index
    if not os.path.exists(options.index):
        start = time.perf_counter()
        index = Index(ndim=z, metric='ip', dtype='f16', expansion_add=64)
        index.add(np.arange(len(mu)), mu, threads=options.threads)
        before = time.perf_counter() - start
        index.save(options.index)
    index = Index.restore(options.index)
    index.expansion_search = NEAR

    def search(query):
        found = index.search(query, NEAR, threads=options.threads)
        return by_near(1 - found.distances, found.keys.astype(np.int64))
else:
    import torch as library
    library.set_num_threads(options.threads)
    library.set_grad_enabled(False)
    regions_of, words = library.from_numpy(mu), library.from_numpy(prototypes.reshape(-1, z))
    piece = max(1, (1 << 28) // (len(words) * 4) // regions)

    def search(_):
        scores = library.empty(len(asked), count)
        for first in range(0, count, piece):
            dots = regions_of[first * regions:(first + piece) * regions] @ words.T
            best = dots.view(-1, regions, len(words)).amax(1)
            scores[:, first:first + len(best)] = best.view(-1, len(asked), WORDS).mean(2).T
        return [set(row.tolist()) for row in scores.topk(TOP, dim=1).indices]

together = options.peer == 'torch'
runs = 3 if together else 16
search(prototypes[0])
times, found, cpu = [], [], time.process_time()
for q in range(runs):
    start = time.perf_counter()
    found.append(search(prototypes[q]))
    times.append(time.perf_counter() - start)
cpu = time.process_time() - cpu
if together:
    found, share = found[0], len(asked)
else:
    share = 1
    exact = [top((mu @ query.T).reshape(count, regions, WORDS).max(1).mean(1)) for query in prototypes[:runs]]
same = 1 if together else sum(len(a & b) for a, b in zip(found, exact)) / TOP / runs
print('p50_ms=%.4f cpu_ms=%.4f before_s=%.1f same=%.3f version=%s' % (1e3 * statistics.median(times) / share, 1e3 * cpu / runs / share, before,
                                                                     same, library.__version__))
