"""gallery_peers.py IMAGES.npy THREADS: p50 in ms of what FAISS (a flat inner-product scan of all regions) and PyTorch (products in
batches of queries) take for queries of three known words. The words' vectors are random: their values do not
matter here."""
import os, statistics, sys, time

path, threads = sys.argv[1:3]
os.environ['OMP_NUM_THREADS'] = threads
import numpy as np
import faiss, torch

QUERIES, BATCH, WORDS = 5, 64, 3
images = np.load(path, mmap_mode='r')
count, regions, z = images.shape
mu = np.empty((count * regions, z), np.float32)
for first in range(0, count, 4096):
    part = images[first:first + 4096].reshape(-1, z).astype(np.float32)
    part /= np.linalg.norm(part, axis=1, keepdims=True)
    mu[first * regions:first * regions + len(part)] = part
rng = np.random.default_rng(1)
words = rng.standard_normal((BATCH * WORDS, z), dtype=np.float32)
words /= np.linalg.norm(words, axis=1, keepdims=True)
faiss.omp_set_num_threads(int(threads))
torch.set_num_threads(int(threads))


def median(times):
    return 1e3 * statistics.median(times)


def by_faiss(query):
    """The flat scan keeps the nearest 1,000 regions of a word: all of them would take longer still."""
    near, which = faiss.knn(query, mu, min(1000, len(mu)), metric=faiss.METRIC_INNER_PRODUCT)
    scores = np.zeros(count, np.float32)
    for dots, at in zip(near, which // regions):
        best = np.zeros(count, np.float32)
        np.maximum.at(best, at, dots)
        scores += best / len(query)
    return np.argpartition(-scores, min(10, count - 1))[:10]


by_faiss(words[:1])
times = []
for q in range(QUERIES):
    start = time.perf_counter()
    by_faiss(words[q * WORDS:(q + 1) * WORDS])
    times.append(time.perf_counter() - start)
print('FAISS %s flat, 3 words, a query %.3f' % (faiss.__version__, median(times)))

torch_mu, torch_words = torch.from_numpy(mu), torch.from_numpy(words)
PIECE = max(1, (1 << 28) // (BATCH * WORDS * 4) // regions)


def by_torch():
    scores = torch.empty(BATCH, count)
    for first in range(0, count, PIECE):
        rows = torch_mu[first * regions:(first + PIECE) * regions]
        best = (rows @ torch_words.T).view(-1, regions, BATCH * WORDS).amax(1)
        scores[:, first:first + len(best)] = best.view(-1, BATCH, WORDS).mean(2).T
    return scores.topk(min(10, count), dim=1)


by_torch() if count < 20000 else None
times = []
for _ in range(3):
    start = time.perf_counter()
    by_torch()
    times.append((time.perf_counter() - start) / BATCH)
print('PyTorch %s, %d queries of 3 words at once, a query %.3f' % (torch.__version__, BATCH, median(times)))
