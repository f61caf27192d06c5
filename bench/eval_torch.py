"""The evaluation of eval_data.py's data in PyTorch, from files to recalls. eval_torch.py FOLDER pairs|columns [options]

    pairs    every (text, image) pair is multiplied: all regions by all words of a batch of texts
    columns  each distinct word is multiplied once, as mask eval does

Both compute what `mask eval --calibrate none --top 1 --context 0` computes on the same prototypes, with the same OOD words.
Given for free, so not in the seconds: Python's and PyTorch's start, the tokenising (terms of texts.npz), the lookups of
words and their vectors. --check S.npy compares with the scores of mask eval --save-sims, and fails above 1e-4.
Prints one line of key=value."""
import argparse, sys, time
import numpy as np, torch, torch.nn.functional as F
from tensors import strings, tensors

parser = argparse.ArgumentParser()
parser.add_argument('folder')
parser.add_argument('way', choices=('pairs', 'columns'))
parser.add_argument('--threads', type=int, default=2)
parser.add_argument('--texts', type=int, default=250, help='texts in a batch of pairs')
parser.add_argument('--images', type=int, default=50, help='images in a block')
parser.add_argument('--check')
options = parser.parse_args()
torch.set_num_threads(options.threads)
torch.set_grad_enabled(False)
NEIGHBOURS, TEMPERATURE = 200, 0.15


def read():
    """What the clock does not count: names to rows of prototypes and of word vectors."""
    k, v = tensors(options.folder + '/K.mask'), tensors(options.folder + '/words.mvec')
    texts = np.load(options.folder + '/texts.npz')
    known = {w: i for i, w in enumerate(strings(k, 'words'))}
    rows = {w: i for i, w in enumerate(strings(v, 'words'))}
    names = [str(w) for w in texts['names']]
    return {'prototypes': k['prototypes'], 'known_vectors': k['word_vectors'], 'values': v['values'],
            'known': np.array([known.get(w, -1) for w in names]),
            'rows': np.array([rows[w] for w in names if w not in known], np.int64),
            'terms': torch.from_numpy(texts['terms'].astype(np.int64)),
            'starts': torch.from_numpy(texts['starts'].astype(np.int64))}


def prototypes(d):
    """Unit prototypes and weights of the terms, OOD words by their neighbours."""
    P = torch.from_numpy(np.array(d['prototypes']))
    W = torch.from_numpy(np.array(d['known_vectors']))
    known = torch.from_numpy(d['known'])
    cosines = F.normalize(torch.from_numpy(d['values'][d['rows']].astype(np.float32)), dim=1) @ W.T
    near, at = cosines.topk(NEIGHBOURS, 1)
    share = torch.softmax(near / TEMPERATURE, 1)
    out, weights = P[known.clamp(min=0)], torch.ones(len(known))
    out[known < 0] = torch.bmm(share[:, None], P[at.flatten()].view(*at.shape, -1))[:, 0]
    weights[known < 0] = (near[:, :5].mean(1) - 0.2).clamp(min=0.05)
    return F.normalize(out, dim=1), weights


def weights_of_words(terms, starts, weights):
    """Of each word of each text: its share of the text's mean."""
    text = torch.repeat_interleave(torch.arange(len(starts) - 1), starts[1:] - starts[:-1])
    total = torch.zeros(len(starts) - 1).index_add_(0, text, weights[terms])
    return weights[terms] / total[text]


def features():
    X = torch.from_numpy(np.load(options.folder + '/f30k_precomp/test_ims.npy', mmap_mode='c'))
    return X, 1 / X.flatten(0, 1).norm(dim=1)


def pooled(X, inverse, first, P):
    """The maximum over regions, (images, words), of a block of images."""
    block = X[first:first + options.images]
    n, regions, m = block.shape
    dots = block.reshape(-1, m) @ P.T
    dots *= inverse[first * regions:first * regions + len(dots), None]
    return dots.view(n, regions, -1).amax(1)


def by_columns(d):
    P, weights = prototypes(d)
    X, inverse = features()
    columns = torch.cat([pooled(X, inverse, i, P) for i in range(0, len(X), options.images)]).T.contiguous()
    share = weights_of_words(d['terms'], d['starts'], weights)
    return F.embedding_bag(d['terms'], columns, d['starts'][:-1], mode='sum', per_sample_weights=share)


def by_pairs(d):
    P, weights = prototypes(d)
    X, inverse = features()
    share = weights_of_words(d['terms'], d['starts'], weights)
    scores = torch.empty(len(d['starts']) - 1, len(X))
    for t in range(0, len(scores), options.texts):
        starts = d['starts'][t:t + options.texts + 1]
        words = P[d['terms'][starts[0]:starts[-1]]]
        lengths = starts[1:] - starts[:-1]
        text = torch.repeat_interleave(torch.arange(len(lengths)), lengths)
        for i in range(0, len(X), options.images):
            best = pooled(X, inverse, i, words) * share[starts[0]:starts[-1]]
            part = torch.zeros(len(lengths), best.shape[0]).index_add_(0, text, best.T)
            scores[t:t + options.texts, i:i + options.images] = part
    return scores


def recalls(S):
    n = S.shape[1]
    own = S[torch.arange(5 * n), torch.arange(5 * n) // 5]
    t2i = (S > own[:, None]).sum(1)
    best = S.T.contiguous().view(n, n, 5)[torch.arange(n), torch.arange(n)].amax(1)
    i2t = (S > best).sum(0)
    return [100 * (r < k).float().mean().item() for r in (t2i, i2t) for k in (1, 5, 10)]


data = read()
start, cpu = time.perf_counter(), time.process_time()
scores = (by_columns if options.way == 'columns' else by_pairs)(data)
result = recalls(scores)
seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
print(f'way={options.way} threads={torch.get_num_threads()} torch={torch.__version__} seconds={seconds:.4f} cpu={cpu:.4f} rsum={sum(result):.2f}', end='')
if options.check:
    ours = np.load(options.check).T
    largest = np.abs(scores.numpy() - ours).max()
    print(f' largest_difference={largest:.2g}')
    sys.exit(int(largest > 1e-4))
print()
