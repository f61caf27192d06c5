"""Makes the data of the gallery bench, synthetic and seeded.

    gallery_data.py words FOLDER WORDS        words.bin, knowledge/, background_ims.npy, background_caps.txt, queries-*.txt
    gallery_data.py images FOLDER N R         images-N-R_ims.npy: N images of R regions x 512 (float16), written in pieces
    gallery_data.py mixed PHOTOS_ims.npy N    mixed-N_ims.npy beside it: N images, each a photo of which 4 regions, not the first, are another's

Words are WordNet's nouns in some hundred topics. A word's pattern, and its word vector, are its topic's and its own in equal parts,
so that words without a prototype have neighbours that look like them. An image shows words of two topics, by a Zipf law; a region is
the pattern of one of them and noise, at a cosine of about 0.6. Queries draw from the words that images show."""
import os, sys
import numpy as np

given = sys.argv[1:]
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
import eval_data

Z, N, PER_WORD, REGIONS, BACKGROUND, TEXTS, NOISE = int(os.environ.get("MASK_BENCH_DIM", 512)), 300, 5, 36, 500, 5000, 1.2
OOD = 400
PIECE = 512


class World:
    """Words, their topics and patterns: the same for every call with as many words."""

    def __init__(self, count):
        plain = [w for w in eval_data.nouns if w.isascii() and w.isalpha() and 3 <= len(w) <= 14
                 and not w.endswith(('s', 'ing', 'ed', 'er', 'men'))]
        dropped = {l.split()[0] for name in ('stopwords', 'nonvisual')
                   for l in open(f'{eval_data.HERE}/../data/{name}.txt') if l.strip()}
        plain = [w for w in plain if w not in dropped]
        rng = np.random.default_rng(1)
        total = count + min(OOD, count // 4)
        topics = max(8, total // 30)
        self.names, self.topic = plain[:total], rng.integers(0, topics, total)
        looks = rng.standard_normal((topics, Z), dtype=np.float32)
        sense = rng.standard_normal((topics, N), dtype=np.float32)
        self.patterns = (looks[self.topic] + rng.standard_normal((total, Z), dtype=np.float32)) / np.sqrt(2, dtype=np.float32)
        self.vectors = (sense[self.topic] + rng.standard_normal((total, N), dtype=np.float32)) / np.sqrt(2, dtype=np.float32)
        self.ood = np.sort(rng.choice(np.arange(20, total), total - count, replace=False))
        self.known = np.setdiff1d(np.arange(total), self.ood)
        self.of_topic = [np.flatnonzero(self.topic == t) for t in range(topics)]
        self.of_topic = [m if len(m) else np.array([0]) for m in self.of_topic]
        self.chances = [1 / (m + 20.0) for m in self.of_topic]
        self.mass = np.array([c.sum() for c in self.chances])
        self.mass /= self.mass.sum()

    def scene(self, rng, count):
        """count words of one image"""
        parts = []
        for t in rng.choice(len(self.mass), 2, p=self.mass):
            c = self.chances[t]
            parts.append(rng.choice(self.of_topic[t], (count + 1) // 2, p=c / c.sum()))
        return np.concatenate(parts)[:count]

    def regions(self, rng, words):
        return (self.patterns[words] + NOISE * rng.standard_normal(words.shape + (Z,), dtype=np.float32)).astype(np.float16)


def write_words(folder, count):
    w, rng = World(count), np.random.default_rng(2)
    os.makedirs(f'{folder}/knowledge', exist_ok=True)
    open(f'{folder}/words', 'w').write('%d\n' % count)
    with open(f'{folder}/words.bin', 'wb') as f:
        f.write(b'%d %d\n' % (len(w.names), N))
        for name, row in zip(w.names, w.vectors):
            f.write(name.encode() + b' ' + row.tobytes())
    labels = np.repeat(w.known, PER_WORD)
    labels = labels[np.argsort(w.topic[labels] + rng.uniform(0, 8, len(labels)), kind='stable')]  # an image: neighbouring topics
    features = np.empty((len(labels), Z), np.float16)
    for first in range(0, len(labels), 8192):
        features[first:first + 8192] = w.regions(rng, labels[first:first + 8192])
    np.save(f'{folder}/knowledge/features.npy', features)
    with open(f'{folder}/knowledge/regions.tsv', 'w') as f:
        f.write('image\tx1\ty1\tx2\ty2\tlabel\n')
        f.writelines('%07d.jpg\t0\t0\t%d\t%d\t%s\n' % (i // 10, 50 + i % 300, 40 + i % 200, w.names[l]) for i, l in enumerate(labels))
    write_images(w, f'{folder}/background_ims.npy', BACKGROUND, REGIONS, 3)
    with open(f'{folder}/background_caps.txt', 'w') as f:
        f.writelines(' '.join(w.names[i] for i in w.scene(rng, 2 + t % 5)) + '\n' for t in range(TEXTS))
    known = set(w.known.tolist())
    for length in (1, 3, 8):
        with open(f'{folder}/queries-{length}.txt', 'w') as f:
            for _ in range(1000):
                words = [i for i in w.scene(rng, 8 * length) if i in known]
                words = list(dict.fromkeys(words + list(rng.choice(w.known, 8))))[:length]
                f.write(' '.join(w.names[i] for i in words) + '\n')
    with open(f'{folder}/queries-ood.txt', 'w') as f:
        f.writelines(w.names[i] + '\n' for i in w.ood[:200])


def write_images(world, path, count, regions, seed):
    """Each piece has a generator of its own, so that the first images of a larger set are the smaller set."""
    out = np.lib.format.open_memmap(path + '.part', 'w+', np.float16, (count, regions, Z))
    for first in range(0, count, PIECE):
        rng = np.random.default_rng([seed, first, regions])
        end = min(first + PIECE, count)
        words = [rng.choice(world.scene(rng, min(6, max(2, regions))), regions) for _ in range(first, end)]
        out[first:end] = world.regions(rng, np.array(words))
    out.flush()
    os.rename(path + '.part', path)


def write_mixed(path, count):
    photos, rng = np.load(path, mmap_mode='r'), np.random.default_rng(5)
    out = np.lib.format.open_memmap(os.path.join(os.path.dirname(path), f'mixed-{count}_ims.npy'), 'w+', np.float16, (count,) + photos.shape[1:])
    for i in range(count):
        a, b = rng.integers(0, len(photos), 2)
        out[i] = photos[a]
        places = lambda: rng.choice(np.arange(1, photos.shape[1]), 4, replace=False)
        out[i, places()] = photos[b, places()]
    out.flush()


if given[0] == 'mixed':
    write_mixed(given[1], int(given[2]))
elif given[0] == 'words':
    write_words(given[1], int(given[2]))
else:
    with_words = int(open(f'{given[1]}/words').read())
    write_images(World(with_words), f'{given[1]}/images-{given[2]}-{given[3]}_ims.npy', int(given[2]), int(given[3]), 4)
