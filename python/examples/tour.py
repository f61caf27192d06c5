# %% [markdown]
# # From photos to recalls
# `mask_match` learns what words look like from labelled regions, and matches any image with any text. `python tour.py [FOLDER
# [PHOTOS [CAPTIONS]]]` runs it on made-up data (`demo/generate.py FOLDER`), then searches a folder of photos, and, where there is
# a file with five captions for each photo, in the order of their names, measures recalls.

# %%
import sys

import mask_match as m

demo = sys.argv[1] if len(sys.argv) > 1 else "build/demo"  # made by: python3 demo/generate.py build/demo
photos = sys.argv[2] if len(sys.argv) > 2 else None
captions_file = sys.argv[3] if len(sys.argv) > 3 else None

# %% [markdown]
# Word vectors, then a knowledge: the prototype of each word is what its regions look like on average.

# %%
vectors = m.Vectors.convert(demo + "/vectors.txt", demo + "/tour.mvec")
knowledge = m.Knowledge.learn(demo + "/knowledge", vectors, encoder="whiten")
print(len(knowledge), "words;", knowledge.prototypes.shape, "prototypes")

# %% [markdown]
# An unpaired background makes scores of different words, texts and images comparable.

# %%
knowledge = knowledge.calibrate(demo + "/background_ims.npy", m.Texts.open(demo + "/background_caps.txt"))

# %% [markdown]
# "puppy" stands in captions, but in no label: it looks as its neighbours do.

# %%
matcher = m.Matcher(knowledge)
for word in matcher.read("a puppy and a ball"):
    print(word.token, word.kind, [near.word for near in word.neighbours[:3]])

# %% [markdown]
# Every caption with every image, and the recalls of the literature.

# %%
images, captions = m.open_dataset(demo + "/demo_precomp", "dev")
scores = matcher.scores(images, captions)
print(scores.shape, m.recalls(scores))

# %% [markdown]
# Why one pair matches: in a notebook this is a table of words and regions.

# %%
matcher.explain(images, 38, "a puppy and a ball")

# %% [markdown]
# A gallery searches many images, exactly, in less than a millisecond.

# %%
gallery = m.Gallery.create(demo + "/tour.gallery", knowledge)
gallery.add(images)
print(gallery.search("a puppy and a ball", k=3))

# %% [markdown]
# Your own photos, with the knowledge that comes with mask: from files to results in one line, and to recalls in four.

# %%
if photos:
    print(m.Photos(photos).search("a dog in the snow", k=5))
if photos and captions_file:
    m.extract(photos, demo + "/tour.regions")
    own = m.open_dataset(demo + "/tour.regions", captions=captions_file)
    print(len(own.images), "photos:", m.recalls(m.Matcher(m.data_file("starter.mask")).scores(*own)))
