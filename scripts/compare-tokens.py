#!/usr/bin/python3
"""Compares our CAPTION tokens with NLTK's word_tokenize (Debian: python3-nltk), on files and on made-up texts.

    compare-tokens.py COMMAND [FILE...]     COMMAND reads texts, one a line, and prints each one's tokens, space between

NLTK's sentence model is a download; its Punkt algorithm runs here with our abbreviations in the model's place."""
import random, subprocess, sys
from nltk.tokenize import NLTKWordTokenizer
from nltk.tokenize.punkt import PunktParameters, PunktSentenceTokenizer

model = PunktParameters()
model.abbrev_types = set('''mr mrs ms dr st jr sr prof rev gen col lt sgt capt gov rep sen vs ave blvd inc co corp ltd
    bros ph.d u.s a.m p.m e.g i.e'''.split())
sentences, words = PunktSentenceTokenizer(model), NLTKWordTokenizer()


def theirs(text):
    return [token for sentence in sentences.tokenize(text) for token in words.tokenize(sentence)]


def made_up(count, seed=1):
    random.seed(seed)
    parts = '''dog dogs' dog's the don't cannot gonna wanna gimme d'ye more'n 'tis 'twas they'll they'd've i'm o'clock
        rock'n'roll u.s. a.m. dr. t-shirt 3,000 3.14 10:30 4 4th $5 50% #1 at&t and/or 'a 'em 'hello' "hi" (red) [x] {y}
        -- --- ... .. . , ; : ! ? " ' '' `` ` * - _ / café naïve x y's n't we've hasn't cannot-do merry-go-round'''.split()
    for _ in range(count):
        yield ''.join(random.choice(parts) + random.choice(['', ' ', ' ', ' ']) for _ in range(random.randint(1, 9)))


command, files = sys.argv[1], sys.argv[2:]
for name in files + [None]:
    texts = [t.casefold() for t in (open(name, encoding='utf8').read().splitlines() if name else made_up(20000))]
    run = subprocess.run(command, shell=True, input='\n'.join(texts) + '\n', capture_output=True, encoding='utf8', check=True)
    ours = [line.split(' ') if line else [] for line in run.stdout.split('\n')[:len(texts)]]
    differ = [(t, o, theirs(t)) for t, o in zip(texts, ours) if o != theirs(t)]
    print('%s: %d of %d texts agree' % (name or 'made-up texts', len(texts) - len(differ), len(texts)))
    for text, our, their in differ[:20]:
        print('  %r\n    ours   %s\n    theirs %s' % (text, ' '.join(our), ' '.join(their)))
