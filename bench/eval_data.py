"""Makes the data of the evaluation bench: synthetic, seeded, of Flickr30K's size. eval_data.py FOLDER, made once:

    words.bin          word2vec binary, 400,000 x 300 float32, as many words as GloVe 6B has
    knowledge/         features.npy (float16) and regions.tsv: 12,385 words with 3 to 5 regions each
    f30k_precomp/      test_ims.npy (1,000 x 36 x 2048 float32), test_caps.txt (5,000), test_ids.txt
    texts.npz          the words each caption holds, for the PyTorch peers, which thus need no tokeniser:
                       names, terms (indices of names), starts (5,000 + 1)

Words are WordNet's, the most used first, so that lemmas cost what they cost; captions draw them from a Zipf law, some as
plurals, some unknown to the knowledge, some as compounds. A region looks like a noisy copy of the pattern of a word of its
image's captions, after a ReLU."""
import os, sys
import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
WORDNET = os.environ.get('WNSEARCHDIR', '/usr/share/wordnet')
KNOWN, COMPOUNDS, VECTORS, N, M = 12385, 600, 400000, 300, 2048
IMAGES, REGIONS, CAPTIONS = 1000, 36, 5000
UNITS, OOD_SHARE, ZIPF = 2700, 0.1, 0.95   # give about 2,500 distinct words, some 250 of them OOD
FILLERS = 'a in the on of and with an at to is two his her by for from'.split()
rng = np.random.default_rng(30)


def wordnet_nouns():
    """Nouns, those with the most tagged senses first."""
    nouns = []
    for line in open(os.path.join(WORDNET, 'index.noun')):
        if line[0] == ' ':
            continue
        f = line.split()
        nouns.append((-int(f[4 + int(f[3]) + 1]), f[0]))
    return dict.fromkeys(w for _, w in sorted(nouns))


nouns = wordnet_nouns()
adjectives = set(l.split()[0] for l in open(os.path.join(WORDNET, 'index.adj')) if l[0] != ' ')


def choose_words():
    """Known single words, known compounds of them, and OOD words."""
    dropped = {l.split()[0] for name in ('stopwords', 'nonvisual') for l in open(f'{HERE}/../data/{name}.txt') if l.strip()}
    plain = [w for w in nouns if w.isascii() and w.isalpha() and 3 <= len(w) <= 14 and w not in dropped
             and not w.endswith(('s', 'ing', 'ed', 'er', 'men'))]
    single = KNOWN - COMPOUNDS
    ood = set(int(i) for i in rng.choice(np.arange(60, single), int(single * OOD_SHARE), replace=False))
    known = [w for i, w in enumerate(plain) if i not in ood][:single]
    known_set = set(known)
    compounds = [w for w in nouns if w.count('_') == 1 and all(p in known_set for p in w.split('_'))][:COMPOUNDS]
    return known, compounds, [plain[i] for i in sorted(ood)]


def plural(word):
    """Not of words such as "lot": "lots" is a noun of its own."""
    return word + 's' if word[-1] not in 'xzhy' and word + 's' not in nouns else word


def write_vectors(path, known, compounds, ood):
    names = known + ood
    names += ['x%d' % i for i in range(VECTORS - len(names))]
    topics = rng.standard_normal((400, N), dtype=np.float32)
    with open(path, 'wb') as f:
        f.write(b'%d %d\n' % (VECTORS, N))
        for first in range(0, VECTORS, 20000):
            block = names[first:first + 20000]
            v = topics[rng.integers(0, len(topics), len(block))] + rng.standard_normal((len(block), N), dtype=np.float32)
            for name, row in zip(block, v):
                f.write(name.encode() + b' ' + row.tobytes())


def write_knowledge(folder, known, compounds, patterns):
    labels = np.repeat(np.arange(len(known) + len(compounds)), 3)
    labels = np.concatenate([labels, np.repeat(np.arange(len(known) // 3), 2)])
    rng.shuffle(labels)
    names = known + [c.replace('_', ' ') for c in compounds]
    features = np.empty((len(labels), M), np.float16)
    for first in range(0, len(labels), 4096):
        part = labels[first:first + 4096]
        features[first:first + 4096] = region_like(patterns[part])
    np.save(os.path.join(folder, 'features.npy'), features)
    with open(os.path.join(folder, 'regions.tsv'), 'w') as f:
        f.write('image\tx1\ty1\tx2\ty2\tlabel\n')
        for i, l in enumerate(labels):
            f.write('%d.jpg\t0\t0\t%d\t%d\t%s\n' % (i // REGIONS, 50 + i % 300, 40 + i % 200, names[l]))


def region_like(patterns):
    return np.maximum(patterns + rng.standard_normal(patterns.shape, dtype=np.float32) + 0.2, 0)


def make_captions(known, compounds, ood):
    """(text, terms of the text, in the order in which they are read) for each caption."""
    compound_set = set(compounds)
    ood_units = list(ood)[:int(UNITS * OOD_SHARE)]
    compound_units = compounds[:UNITS // 40]
    units = known[:UNITS - len(ood_units) - len(compound_units)]
    order = np.argsort(np.concatenate([np.arange(len(units)), rng.uniform(60, len(units), len(ood_units) + len(compound_units))]), kind='stable')
    units = [(units + ood_units + compound_units)[i] for i in order]
    ood_set, known_set = set(ood_units), set(known)
    p = 1 / (np.arange(len(units)) + 2.7) ** ZIPF
    out = []
    for n in np.clip(np.round(rng.normal(6, 2, CAPTIONS)), 2, 14).astype(int):
        tokens, terms = [], []
        for unit in rng.choice(len(units), n, p=p / p.sum()):
            base = units[unit]
            if not tokens or rng.random() < 0.75:
                tokens.append((FILLERS[int(len(FILLERS) * rng.random() ** 2)], None))
            for part in base.split('_'):
                surface = plural(part) if '_' not in base and base not in ood_set and rng.random() < 0.15 else part
                tokens.append((surface, surface if surface in known_set else part))
        joined = False  # the token before is part of a compound already
        for i, (surface, base) in enumerate(tokens):
            if base is None:
                joined = False
                continue
            before = tokens[i - 1][0] if i and tokens[i - 1][1] and not joined else None
            forms = dict.fromkeys((surface, base))
            compound = [c for c in [f'{before}_{s}' for s in forms] if before and c in compound_set]
            joins = before and before not in adjectives  # into one word of the knowledge (docs/text.md)
            compound = (compound or [c for c in [f'{before}{s}' for s in forms] if joins and c in known_set])[:1]
            joined = bool(compound)
            if joined:  # it takes its parts' place
                terms.pop()
            terms += compound or [base]
        out.append((' '.join(s for s, _ in tokens).capitalize() + ' .', terms))
    return out


def main():
    folder = sys.argv[1]
    for part in ('knowledge', 'f30k_precomp'):
        os.makedirs(os.path.join(folder, part), exist_ok=True)
    known, compounds, ood = choose_words()
    write_vectors(os.path.join(folder, 'words.bin'), known, compounds, ood)
    patterns = rng.standard_normal((KNOWN, M), dtype=np.float32) * 0.5
    write_knowledge(os.path.join(folder, 'knowledge'), known, compounds, patterns)
    captions = make_captions(known, compounds, ood)
    precomp = os.path.join(folder, 'f30k_precomp')
    with open(os.path.join(precomp, 'test_caps.txt'), 'w') as f:
        f.writelines(text + '\n' for text, _ in captions)
    with open(os.path.join(precomp, 'test_ids.txt'), 'w') as f:
        f.writelines('%d\n' % i for i in range(IMAGES))
    index = {w: i for i, w in enumerate(known + compounds)}
    features = np.empty((IMAGES, REGIONS, M), np.float32)
    for i in range(IMAGES):
        seen = [index[t] for _, terms in captions[5 * i:5 * i + 5] for t in terms if t in index] or [0]
        features[i] = region_like(patterns[rng.choice(seen, REGIONS)])
    np.save(os.path.join(precomp, 'test_ims.npy'), features)
    names = list(dict.fromkeys(t for _, terms in captions for t in terms))
    ids = {w: i for i, w in enumerate(names)}
    starts = np.cumsum([0] + [len(terms) for _, terms in captions])
    np.savez(os.path.join(folder, 'texts.npz'), names=np.array(names), starts=starts,
             terms=np.array([ids[t] for _, terms in captions for t in terms]))
    print('%d words, %d of them OOD; %.1f tokens and %.1f words a caption' % (
        len(names), sum(w not in index for w in names), np.mean([len(t.split()) for t, _ in captions]), starts[-1] / CAPTIONS))


if __name__ == '__main__':
    main()
