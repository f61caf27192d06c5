#!/usr/bin/env python3
"""make quality: what each step of the method is worth on real data, each default against its alternatives, and the
paper's ablations.

Learns, calibrates and evaluates with the command line on $MASK_SHARED/flickr8k (its dev split) and writes the tables of
docs/QUALITY.md, each between its markers; the text around them is written by hand. `--part ladder|around|budget|photos|confidence|own|encoders|ablations`
makes one of them anew, keeping the knowledge files that are newer than the build. Standard library only; some ten
minutes for ladder and around, half an hour for the training of the ablations.
"""
import argparse
import collections
import json
import os
import re
import shutil
import resource
import struct
import subprocess
import sys
from statistics import mean

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.join(ROOT, os.environ.get("BUILD", "build"))
WORK, MASK, PAGE = os.path.join(BUILD, "quality"), os.path.join(BUILD, "mask"), os.path.join(ROOT, "docs", "QUALITY.md")
LIBRARY = os.path.join(BUILD, "libmask.so")
SHARED = os.environ.get("MASK_SHARED") or sys.exit("set MASK_SHARED to the folder that holds flickr8k/ and words/")
DATA = os.path.join(SHARED, "flickr8k")
EMPTY = {line.split()[0] for name in ("stopwords", "nonvisual") for line in open(os.path.join(ROOT, "data", name + ".txt"), encoding="utf8")
         if line.strip()}

NINE = "--preset section9 "
MACK = NINE + "--encoder none --min-count 5 --prototype-shrink 0"
WHITE = NINE + "--min-count 5 --prototype-shrink 0 --whiten-shrink 0.05"
OOD10 = "--ood 10 --ood-temperature 1 --ood-weight 1"
OOD50 = NINE + "--ood 50 --ood-temperature 0.1 --ood-weight 1"
PLAIN = " --top 1 --context 0"
NEARER = NINE + "--top 2 --context 0.4 --ood-temperature 0.1"
SCENES = NEARER + " --scene 0.8"
COMPANY = SCENES + " --ood-company 0.5"
HUBS = COMPANY + " --hub-neighbours 0 --hub-image 0.8 --hub-image-sharpness 1.5 --hub-text-sharpness 2"
# name, options of learn, options of eval, Rs under `letters` as it was measured when the step was chosen (None = it was not)
LADDER = [
    ("MACK as published", MACK, NINE + "--ood off --calibrate none" + PLAIN, 38.9),
    ("+ OOD words (m = 10, T = 1)", MACK, NINE + OOD10 + " --calibrate none" + PLAIN, 36.5),
    ("whitened (OOD m = 50, T = 0.1)", WHITE, OOD50 + " --calibrate none" + PLAIN, 143.2),
    ("+ word z-score", WHITE, OOD50 + " --calibrate zscore" + PLAIN, 149.6),
    ("+ top 3 regions", WHITE, OOD50 + " --calibrate zscore --top 3 --context 0", 157.6),
    ("+ whole image, 0.5", WHITE, OOD50 + " --calibrate zscore --top 3 --context 0.5", 166.1),
    ("+ text z-score", WHITE, OOD50 + " --calibrate text --top 3 --context 0.5", 195.7),
    ("+ hubness, a = b = 0.5", WHITE, OOD50 + " --calibrate full --hub-image 0.5 --hub-text 0.5", 205.1),
    ("+ tuned defaults = `--preset section9`", NINE, NINE, 237.5),
    ("+ power 0.75, stronger shrinking", "--no-scenes", NINE, None),
    ("+ top 2, whole image 0.4, T = 0.1", "--no-scenes", NEARER, None),
    ("+ scenes, 0.8", "--reliability 0", SCENES, None),
    ("+ company of words, 0.5", "--reliability 0", COMPANY, None),
    ("+ log-mean-exp hubness", "--reliability 0", HUBS, None),
    ("+ text and image powers", "--reliability 0", HUBS + " --text-power 0.15 --image-power 0.5", None),
    ("+ reliabilities = the defaults", "", "", 272.0),
]
AROUND = [  # name, options of learn, options of eval; everything else as by default
    ("plain token rule (`--tokens letters`)", "--tokens letters", ""),
    ("pooling over regions (`--pool region-max`)", "", "--pool region-max"),
    ("global mean (`--pool mean`)", "", "--pool mean"),
    ("maximum (`--top 1`)", "", "--top 1"),
    ("`--top 3`", "", "--top 3"),
    ("no whole image (`--context 0`)", "", "--context 0"),
    ("whole image = mean of the regions", "", "--whole-region mean"),
    ("OOD by Procrustes (`--ood procrustes`)", "", "--ood procrustes"),
    ("the paper's OOD (m = 10, T = 1, weight 1)", "", OOD10 + " --ood-company 0"),
    ("OOD words weigh 1 (`--ood-weight 1`)", "", "--ood-weight 1"),
    ("scenes weigh 1.6 (`--scene 1.6`)", "", "--scene 1.6"),
    ("hubness of 50 neighbours, a = 0.6", "", "--hub-neighbours 50 --hub-image 0.6"),
    ("no image power (`--image-power 0`)", "", "--image-power 0"),
    ("no text power (`--text-power 0`)", "", "--text-power 0"),
    ("`--min-count 1`", "--min-count 1", ""),
    ("`--min-count 5`", "--min-count 5", ""),
    ("no prototype shrinking", "--prototype-shrink 0", ""),
    ("features as they are (`--power 1`)", "--power 1", ""),
    ("eigenvalue shrink 0.05", "--whiten-shrink 0.05", ""),
    ("PCA 256", "--whiten-dim 256", ""),
    ("`--calibrate none`", "", "--calibrate none"),
    ("`--calibrate zscore`", "", "--calibrate zscore"),
    ("`--calibrate text`", "", "--calibrate text"),
]
SCENE = "0.5"  # of the starter: starter/make.sh
BUDGETS = "0 32 24 16 12 8 4 2 1"
PAPER = "--preset paper --epochs %d --no-scenes --prototype-shrink 0"
PAPER_MATCH = OOD10 + " --calibrate none" + PLAIN
OFF, NO_CM, NO_CL, RANDOM = "--ood off", "--lambda-cm 0", "--lambda-cl 0", "--prototype random"
# name, learn and eval of the default, learn and eval of the paper's method (None = does not apply), the paper's Rs
ABLATIONS = [
    ("full", ("", ""), ("", ""), "122.8 / 209.5"),
    ("without OOD words (`--ood off`)", ("", OFF), ("", OFF), "116.2 / 193.1"),
    ("without L_cm (`--lambda-cm 0`)", None, (NO_CM, ""), "101.0 / 150.8"),
    ("without L_cl (`--lambda-cl 0`)", None, (NO_CL, ""), "92.4 / 123.5"),
    ("random region for prototype (`--prototype random`)", (RANDOM, ""), (RANDOM, ""), "72.7 / 148.5"),
    ("the same without scenes and shrinking", (RANDOM + " --no-scenes --prototype-shrink 0", ""), None, "-"),
    ("without scenes (`--no-scenes`: nor reliabilities)", ("--no-scenes", ""), None, "-"),
    ("without reliabilities (`--reliability 0`)", ("--reliability 0", ""), None, "-"),
    ("without company of words (`--ood-company 0`)", ("", "--ood-company 0"), None, "-"),
]


def mask(*words):
    env = dict(os.environ, OMP_WAIT_POLICY="passive")  # kind to whoever shares the machine
    done = subprocess.run([MASK, *words, "--json", "--quiet"], stdout=subprocess.PIPE, env=env)
    if done.returncode:
        sys.exit("failed: mask " + " ".join(words))
    return json.loads(done.stdout)


def fresh(path):
    return os.path.exists(path) and os.path.getmtime(path) > os.path.getmtime(LIBRARY)


def vectors():
    path = os.path.join(WORK, "v.mvec")
    if not fresh(path):
        mask("vectors", "import", os.path.join(SHARED, "words", "glove.6B.100d.42k.txt.gz"), "-o", path)
    return path


def knowledge(options, rule):
    """A calibrated knowledge learned with these options; made once."""
    name = re.sub(r"[^a-z0-9.]+", "-", rule + " " + options).strip("-")
    plain, full = (os.path.join(WORK, name + end) for end in (".plain.mask", ".mask"))
    if not fresh(full):
        if "--encoder" not in options and "paper" not in options:
            options = "--encoder whiten " + options  # what `auto` picks here, without its trials
        mask("learn", os.path.join(DATA, "knowledge"), "--vectors", vectors(), "--tokens", rule, *options.split(), "-o",
             plain)
        mask("calibrate", plain, "--images", os.path.join(DATA, "background_ims.npy"), "--texts",
             os.path.join(DATA, "background_caps.txt"), "-o", full)
        os.remove(plain)
    return full


def evaluate(learn, options, rule):
    print("%s  %s  %s" % (rule, learn, options), file=sys.stderr)
    if learn.startswith("--tokens "):
        rule, learn = learn.split()[1], ""
    return mask("eval", knowledge(learn, rule), os.path.join(DATA, "f8k_precomp"), "--split", "dev", *options.split())


def recalls(e, way):
    return " ".join("%.1f" % e[way]["r%d" % k] for k in (1, 5, 10)) if e[way]["queries"] else "-"


def rsum_ties_won(e):
    """Rs as the prototype counted it: a tie counts half from text to image, and as won from image to text."""
    return sum(e["t2i"]["r%d" % k] for k in (1, 5, 10)) + sum(e["i2t"]["high"])


def table(head, rows):
    return "\n".join(["| " + " | ".join(r) + " |" for r in [head, ["---"] * len(head)] + rows]) + "\n"


def ladder(rule, missed):
    rows = []
    for name, learn, options, measured in LADDER:
        e, off = evaluate(learn, options, rule), evaluate(learn, options + " --ood off", rule)
        rows.append([name, recalls(e, "t2i"), recalls(e, "i2t"), "**%.1f**" % e["rsum"], "%.1f" % rsum_ties_won(e),
                     "%.1f" % measured if measured else "-", "%.1f" % off["rsum"], recalls(off, "t2i"),
                     recalls(e, "t2i_known"), recalls(e, "t2i_ood")])
        if rule == "letters" and measured and abs(rsum_ties_won(e) - measured) > 2:
            missed.append("%s: %.1f, not %.1f" % (name, rsum_ties_won(e), measured))
    head = ["step", "t2i R@1 5 10", "i2t R@1 5 10", "Rs", "ties won", "expected", "Rs, known words only", "its t2i",
            "t2i, texts of known words", "t2i, texts with OOD words"]
    share = "%d texts have only known words, %d an OOD word; of their words %d are known, %d OOD, %d neither." % (
        e["t2i_known"]["queries"], e["t2i_ood"]["queries"], e["known"], e["ood"], e["unusable"])
    return table(head, rows) + "\nIn the last row, " + share + "\n"


def ladders(missed):
    return ("### Step by step, `--tokens letters`\n\n" + ladder("letters", missed) +
            "\n### Step by step, `--tokens caption` (the default)\n\n" + ladder("caption", missed))


def around():
    base, rows = evaluate("", "", "caption"), []
    for name, learn, options in AROUND:
        e = evaluate(learn, options, "caption")
        rows.append([name, recalls(e, "t2i"), recalls(e, "i2t"), "%.1f" % e["rsum"], "%+.1f" % (e["rsum"] - base["rsum"])])
    rows.insert(0, ["(the default)", recalls(base, "t2i"), recalls(base, "i2t"), "%.1f" % base["rsum"], ""])
    return table(["instead of the default", "t2i R@1 5 10", "i2t R@1 5 10", "Rs", "difference"], rows)


def ablations(epochs):
    full, rows = {}, []
    ways = [("", ""), (PAPER % epochs, PAPER_MATCH), (PAPER % epochs, "")]
    for name, ours, theirs, paper in ABLATIONS:
        cells = [name]
        for i, (learn, options) in enumerate(ways):
            extra = theirs if i else ours
            if extra is None:
                cells.append("does not apply" if not i else "-")
                continue
            rsum = evaluate((learn + " " + extra[0]).strip(), (options + " " + extra[1]).strip(), "letters")["rsum"]
            full.setdefault(i, rsum)
            cells.append("%.1f" % rsum + (" (%+.1f)" % (rsum - full[i]) if rows else ""))
        rows.append(cells + [paper])
    head = ["", "the default (closed form)", "trained, %d epochs, the paper's matching" % epochs,
            "trained, %d epochs, calibrated matching" % epochs, "the paper: Flickr30K / COCO"]
    return table(head, rows)


def budgets():
    """Recalls when every image keeps only so many regions, scored as a gallery scores them."""
    command = [os.path.join(BUILD, "bench", "budget"), knowledge("", "caption"), vectors(),
               os.path.join(DATA, "f8k_precomp"), "dev", WORK, *BUDGETS.split()]
    done = subprocess.run(command, stdout=subprocess.PIPE, env=dict(os.environ, OMP_WAIT_POLICY="passive"))
    if done.returncode:
        sys.exit("failed: " + " ".join(command))
    lines = [line.split() for line in done.stdout.decode().splitlines()]
    rows = [[n if n != "0" else "all (36)", " ".join(r[:3]), " ".join(r[3:]), rsum,
             "%+.1f" % (float(rsum) - float(lines[0][1])) if n != "0" else ""] for n, rsum, *r in lines]
    return table(["regions an image", "t2i R@1 5 10", "i2t R@1 5 10", "Rs", "difference"], rows)


def dev_captions():
    """The captions of flickr8k/dev_photos in the order of a region store, which lists its photos by id."""
    path, folder = os.path.join(WORK, "photos_caps.txt"), os.path.join(DATA, "dev_photos")
    names, texts = ([line.rstrip("\n") for line in open(os.path.join(DATA, "f8k_precomp", "dev_" + end), encoding="utf8")]
                    for end in ("names.txt", "caps.txt"))
    place = {name: i for i, name in enumerate(names)}
    with open(path, "w", encoding="utf8") as file:
        for name in sorted(os.listdir(folder)):
            file.writelines(text + "\n" for text in texts[5 * place[name]:5 * place[name] + 5])
    return path


def content_words(text):
    return {word for word in re.findall("[a-z]{3,}", text.lower()) if word not in EMPTY}


def photo_sets():
    return [("Flickr", os.path.join(DATA, "dev_photos"), dev_captions()),
            ("COCO", os.path.join(SHARED, "coco100", "photos"), os.path.join(SHARED, "coco100", "captions.txt"))]


def everyday(captions, least, captions_of_five=2):
    """Queries and the photos relevant to them: each content word, and each two words of one caption, that at least two of a
    photo's five captions hold, for at least `least` photos."""
    texts, relevant = open(captions, encoding="utf8").read().splitlines(), {}
    for photo in range(len(texts) // 5):
        held = collections.Counter()
        for text in texts[5 * photo:5 * photo + 5]:
            words = sorted(content_words(text))
            held.update(words)
            held.update(a + " " + b for i, a in enumerate(words) for b in words[i + 1:])
        for query, times in held.items():
            if times >= captions_of_five:
                relevant.setdefault(query, set()).add(photo)
    return {query: photos for query, photos in sorted(relevant.items()) if len(photos) >= least}


def answers(knowledge, given, store, queries, options, k=10):
    """What a gallery finds for each query: its k best as (place of the photo, confidence)."""
    gallery = os.path.join(WORK, "precision.gallery")
    shutil.rmtree(gallery, ignore_errors=True)
    mask("index", knowledge, store, "-o", gallery, *options)
    ids = [hit["id"] for hit in mask("search", gallery, next(iter(queries)), "-k", "1000000", *given)]
    place = {name: i for i, name in enumerate(sorted(ids))}
    listed = os.path.join(WORK, "queries.txt")
    with open(listed, "w", encoding="utf8") as file:
        file.writelines(query + "\n" for query in queries)
    out = subprocess.run([MASK, "search", gallery, "--queries", listed, "-k", str(k), "--json", "--quiet", *given], check=True,
                         stdout=subprocess.PIPE, env=dict(os.environ, OMP_WAIT_POLICY="passive")).stdout.decode()
    return [[(place[hit["id"]], hit.get("confidence")) for hit in json.loads(line)["results"]] for line in out.splitlines()]


def precision(queries, found):
    """Precision at 10 of single words, and of pairs."""
    shares = {False: [], True: []}
    for (query, relevant), hits in zip(queries.items(), found):
        shares[" " in query].append(100 * sum(photo in relevant for photo, _ in hits) / 10)
    return " / ".join("%.1f" % (sum(x) / len(x)) if x else "-" for x in shares.values())


def variants():
    """Knowledges from what `make starter` and `make starter CLEAN=1` left in build/starter and build/clean: the starter, and what it would
    be without one of its parts. Those whose sources are not there are left out."""
    made, starter = [("starter, as it comes", os.path.join(ROOT, "starter", "starter.mask"))], os.path.join(BUILD, "starter")
    learn = ["--vectors", os.path.join(ROOT, "starter", "starter.mvec"), "--encoder", "whiten", "--whiten-dim", "320", "--min-count", "1"]
    head = ["--head", os.path.join(ROOT, "encoders", "default.menc"), "--head-labels", os.path.join(ROOT, "encoders", "imagenet1k.txt")]
    background, labelled = os.path.join(starter, "background.regions"), os.path.join(starter, "labelled")
    if os.path.exists(background):
        for name, sources in (("regions only", [labelled]), ("head only", ["--images", background, *head])):
            plain, full = (os.path.join(WORK, name.replace(" ", "-") + end) for end in (".plain.mask", ".mask"))
            if not fresh(full):
                mask("learn", *sources, *learn, "-o", plain)
                mask("calibrate", plain, "--images", background, "--texts", os.path.join(starter, "texts.txt"), "--small", "--scene", SCENE, "-o", full)
            made.append((name, full))
    clean = os.path.join(BUILD, "clean", "clean.mask")
    return made + [("clean (`make starter CLEAN=1`)", clean)] * os.path.exists(clean)


def photos():
    """The starter knowledge on real photos and their captions, from the JPEGs on."""
    given = ["--vectors", os.path.join(ROOT, "starter", "starter.mvec")]
    ways = [(name, knowledge, []) for name, knowledge in variants()]
    starter = ways[0][1]
    ways += [("starter, " + name, starter, options) for name, options in
             [("half of the background from these photos", ["--own", "auto"]), ("without OOD words", ["--ood", "off"]),
              ("without calibration", ["--calibrate", "none"]), ("without scenes", ["--scene", "0"]), ("scenes as for sentences", ["--scene", "0.8"]),
              ("all of the images' hubness for short queries", ["--hub-words", "0"])]]
    rows, shares = [], []
    for name, folder, captions in photo_sets():
        store, n = os.path.join(WORK, name + ".regions"), len(os.listdir(folder))
        mask("extract", folder, "-o", store, "--prune")
        asked = [everyday(captions, max(5, n // 50)), everyday(captions, 5 if n > 100 else 3)]
        for way, knowledge, options in ways:
            e = mask("eval", knowledge, store, "--captions", captions, *given, *options)
            index = options if "--own" in options else [*options, "--own", "off"]
            rows.append(["%s, %d photos" % (name, n), way, recalls(e, "t2i"), recalls(e, "i2t"), "%.1f" % e["rsum"]] +
                        [precision(queries, answers(knowledge, given, store, queries, index)) for queries in asked])
            if way == ways[0][0]:
                first = e
        chance = sum(100 * k / n + 100 * (1 - (1 - 1 / n) ** k) for k in (1, 5, 10))
        rows.append(["", "chance", "", "", "%.1f" % chance] + ["%.1f" % (100 * mean(len(x) for x in queries.values()) / n) for queries in asked])
        for queries in asked:
            shares.append("%s: asked of the words and pairs that %d photos or more show: %d words, %d pairs; precision at 10 can be %.1f at most." % (
                name, min(len(x) for x in queries.values()), sum(" " not in x for x in queries), sum(" " in x for x in queries),
                10 * mean(min(len(x), 10) for x in queries.values())))
        shares.append("%s: %d texts; of their words %d are known (%d different ones), %d OOD, %d neither." % (
            name, first["texts"], first["known"], first["known_words"], first["ood"], first["unusable"]))
    return table(["photos", "", "t2i R@1 5 10", "i2t R@1 5 10", "Rs", "P@10 words / pairs", "of rarer ones too"], rows) + "\n" + "\n".join(shares) + "\n"


CURVE = [0, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 1]


def area(pairs):
    """The share of (shown, not shown) pairs that stand in the right order, ties half: the area under the ROC curve."""
    rank, wins, below = sorted(pairs), 0.0, 0
    i = 0
    while i < len(rank):
        j = i
        while j < len(rank) and rank[j][0] == rank[i][0]:
            j += 1
        shown = sum(is_shown for _, is_shown in rank[i:j])
        wins += shown * (below + (j - i - shown) / 2)
        below += j - i - shown
        i = j
    return wins / (below * (len(rank) - below))


def draw_curves(curves, path):
    """Reliability diagrams as one SVG: said probability to the right, share that shows it upwards, both as squares."""
    side, lines = 260, []
    for number, (name, points) in enumerate(curves):
        left = 40 + number * (side + 50)
        at = lambda x, y: (left + side * x, 20 + side * (1 - y))
        lines.append('<rect x="%d" y="20" width="%d" height="%d" fill="none" stroke="#999"/>' % (left, side, side))
        lines.append('<path d="M%g %g L%g %g" stroke="#999" stroke-dasharray="4"/>' % (*at(0, 0), *at(1, 1)))
        lines.append('<path d="M%s" fill="none" stroke="#2e86ab" stroke-width="2"/>' % " L".join("%.1f %.1f" % at(x, y) for x, y, _ in points))
        lines += ['<circle cx="%.1f" cy="%.1f" r="3.5" fill="#2e86ab"><title>%d</title></circle>' % (*at(x, y), n) for x, y, n in points]
        lines.append('<text x="%d" y="14">%s</text>' % (left, name))
        for tick in (0, 0.5, 1):
            x, y = at(tick, tick)
            lines.append('<text x="%d" y="%d" text-anchor="middle">%g</text>' % (x, side + 36, tick))
            lines.append('<text x="%d" y="%d" text-anchor="end">%g</text>' % (left - 5, y + 4, tick))
    with open(path, "w", encoding="utf8") as file:
        file.write('<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="12">\n'
                   '<rect width="100%%" height="100%%" fill="#fff"/>\n' % (len(curves) * (side + 50) + 20, side + 46) + "\n".join(lines) + "\n</svg>\n")


def confidence():
    """Said probabilities beside what captions say, for every everyday query and every photo."""
    starter = os.path.join(ROOT, "starter", "starter.mask")
    given, rows, curves, words = ["--vectors", os.path.join(ROOT, "starter", "starter.mvec")], [], [], []
    for name, folder, captions in photo_sets():
        store, n = os.path.join(WORK, name + ".regions"), len(os.listdir(folder))
        mask("extract", folder, "-o", store, "--prune")
        for least, held in ((2, "two captions of five"), (1, "one caption of five")):
            queries = {query: photos for query, photos in everyday(captions, max(5, n // 50)).items()}
            truth = queries if least == 2 else everyday(captions, 1, 1)
            pairs = [(sure, photo in truth[query]) for query, hits in zip(queries, answers(starter, given, store, queries, [], n))
                     for photo, sure in hits]
            points, error = [], 0
            for low, high in zip(CURVE, CURVE[1:]):
                part = [pair for pair in pairs if low <= pair[0] < high or pair[0] == high == 1]
                if not part:
                    continue
                said, shown = mean(sure for sure, _ in part), mean(is_shown for _, is_shown in part)
                error += abs(said - shown) * len(part) / len(pairs)
                points.append((said, shown, len(part)))
                rows.append([name, held, "%g to %g" % (low, high), str(len(part)), "%.3f" % said, "%.3f" % shown])
            curves.append(("%s, %s" % (name, held), points))
            words.append("%s, %s: %d queries, %d pairs; area under the ROC curve %.3f, expected calibration error %.4f, mean said %.4f, shown %.4f." % (
                name, held, len(queries), len(pairs), area(pairs), error, mean(x for x, _ in pairs), mean(x for _, x in pairs)))
    draw_curves(curves, os.path.join(ROOT, "docs", "confidence.svg"))
    return table(["photos", "it shows it when", "said", "pairs", "mean said", "share that shows it"], rows) + "\n" + "\n".join(words) + "\n"


def rows_of(array, which, out):
    """Some rows of a .npy as another; only the standard library."""
    data = open(array, "rb").read()
    start = 10 + struct.unpack_from("<H", data, 8)[0]
    count = int(re.search(rb"'shape': \((\d+)", data[:start]).group(1))
    size = (len(data) - start) // count
    header = re.sub(rb"'shape': \(\d+", b"'shape': (%d" % len(which), data[10:start]).rstrip()
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    with open(out, "wb") as file:
        file.write(data[:8] + struct.pack("<H", len(header)) + header)
        file.writelines(data[start + size * i:start + size * (i + 1)] for i in which)


def own():
    """Parts of the photo sets with the background that comes with the starter, and half from these photos themselves."""
    starter = os.path.join(ROOT, "starter", "starter.mask")
    given = ["--vectors", os.path.join(ROOT, "starter", "starter.mvec")]
    plans = [("Flickr", os.path.join(DATA, "dev_photos"), dev_captions(), [(25, 8), (50, 6), (100, 5), (200, 2), (500, 1)]),
             ("COCO", os.path.join(SHARED, "coco100", "photos"), os.path.join(SHARED, "coco100", "captions.txt"),
              [(25, 4), (50, 2), (100, 1)])]
    rows = []
    for name, folder, captions, plan in plans:
        store, array, part = (os.path.join(WORK, name + end) for end in (".regions", "_ims.npy", "_part"))
        mask("extract", folder, "-o", store, "--prune")
        mask("convert", store, "-o", array)
        texts = open(captions, encoding="utf8").read().splitlines(True)
        for count, parts in plan:
            found = []
            for i in range(parts):
                which = list(range(len(texts) // 5))[i::len(texts) // 5 // count][:count]
                rows_of(array, which, part + "_ims.npy")
                rows_of(array.replace("_ims", "_boxes"), which, part + "_boxes.npy")
                with open(part + ".txt", "w", encoding="utf8") as file:
                    file.writelines(text for image in which for text in texts[5 * image:5 * image + 5])
                found.append([mask("eval", starter, part + "_ims.npy", "--captions", part + ".txt", *given, "--own", how)["rsum"]
                              for how in ("off", "auto")])
            plain, mixed = (sum(column) / parts for column in zip(*found))
            rows.append([name, "%d (%d times)" % (count, parts), "%.1f" % plain, "%.1f" % mixed, "%+.1f" % (mixed - plain)])
    return table(["photos", "of them", "Rs, the background that comes", "half from these photos", ""], rows)


def network_of(encoder, out):
    """The ONNX file that a .menc holds (docs/format.md, docs/encoders.md)."""
    data = open(encoder, "rb").read()
    table, count = struct.unpack_from("<QQ", data, 24)
    for entry in (data[table + 112 * i:table + 112 * (i + 1)] for i in range(count)):
        if entry[:48].rstrip(b"\0") == b"network.0":
            first, size = struct.unpack_from("<QQ", entry, 88)
            with open(out, "wb") as file:
                file.write(data[first:first + size])
    return out


def links(name, photos):
    """A folder of links to photos."""
    folder = os.path.join(WORK, name)
    os.makedirs(folder, exist_ok=True)
    for photo in photos:
        if not os.path.lexists(os.path.join(folder, os.path.basename(photo))):
            os.symlink(photo, os.path.join(folder, os.path.basename(photo)))
    return folder


def encoder_rows():
    """Name, encoder, side, options of the regions, what was measured when the encoder was chosen, dimensions it is learned with."""
    network = network_of(os.path.join(ROOT, "encoders", "default.menc"), os.path.join(WORK, "lite2.onnx"))
    mobile = os.path.join(SHARED, "networks", "mobilenet_v2_1.0_224_quant.tflite")
    for preset, weights in (("lite0", ""), ("lite0+lite2", ""), ("default", "float32"), ("default", "int8")):
        path = os.path.join(WORK, preset + weights + ".menc")
        if not os.path.exists(path):
            subprocess.run([os.path.join(ROOT, "scripts", "make-encoder.sh"), preset, path], check=True, stdout=sys.stderr,
                           env=dict(os.environ, WEIGHTS=weights or "float16"))
    plain = ["--features", "map", "--mean", "127", "--deviation", "128"]
    small = network_of(os.path.join(WORK, "lite0.menc"), os.path.join(WORK, "lite0.onnx"))
    for name, options in {"MobileNetV2": [mobile], "Lite0": [small, *plain], "Lite2": [network, *plain]}.items():
        mask("encoder", "import", *options, "-o", os.path.join(WORK, name + ".menc"))
    default = os.path.join(ROOT, "encoders", "default.menc")
    rows = [("**the default**", default, 384, "", "-", 400)]
    rows += [(name, os.path.join(WORK, name + ".menc"), side, "", expected, 320) for name, side, expected in
             (("Lite2", 320, "330 / 337"), ("Lite0", 320, "329 / 337"), ("MobileNetV2", 352, "-"))]
    rows += [("the default", default, 384, cut, "-", 400) for cut in
             ("--grid-from 3", "--grid-from 4 --grid 4", "--grid 4", "--grid-from 3 --grid-overlap 0.3", "--grid-from 5 --grid 5",
              "--shape pad", "--shape pad --side 448")]
    rows += [("the default", default, side, "", expected, 400) for side, expected in ((320, "335 / 343"), (256, "-"), (512, "-"))]
    rows += [("the default with %s weights" % kind, os.path.join(WORK, "default%s.menc" % kind), 384, "", "-", 400)
             for kind in ("int8", "float32")]
    rows.append(("Lite0 and Lite2 side by side", os.path.join(WORK, "lite0+lite2.menc"), 0, "", "348 / 353", 400))
    return rows


def encoders(again):
    """Encoder x side x regions, from JPEGs to recall: learned from flickr8k/photos, calibrated on 500 of them. Rows that are
    newer than the build are kept; of others those whose name or key matches are measured."""
    listed = sorted(os.listdir(os.path.join(DATA, "photos")))[::12][:500]
    background = links("encoder_background", [os.path.join(DATA, "photos", name) for name in listed])
    sets = [(os.path.join(DATA, "dev_photos"), dev_captions()),
            (os.path.join(SHARED, "coco100", "photos"), os.path.join(SHARED, "coco100", "captions.txt"))]
    rows = []
    for name, file, side, regions, expected, dims in encoder_rows():
        key = "%s-%d" % (os.path.basename(file), side)
        given, cut = ["--encoder", file] + (["--side", str(side)] if side and "--side" not in regions else []), regions.split()
        learned, row = (os.path.join(WORK, key + end) for end in (".plain.mask", re.sub(r"[^a-z0-9]+", "-", regions) + ".row.json"))
        if not fresh(row) and not re.search(again, name + " " + os.path.basename(row)):
            continue
        if not fresh(row):
            if not fresh(learned):
                labelled = os.path.join(WORK, key + ".labelled")
                mask("extract", os.path.join(DATA, "photos"), "--boxes", os.path.join(DATA, "knowledge", "regions.tsv"), "-o",
                     labelled, *given)
                mask("learn", labelled, "--vectors", vectors(), "--encoder", "whiten", "--whiten-dim", str(dims), "-o", learned)
                shutil.rmtree(labelled)
            stores = [os.path.join(WORK, "encoder%d.regions" % i) for i in range(3)]
            cpu = []
            for folder, store in zip([background, sets[0][0], sets[1][0]], stores):
                if os.path.exists(store):
                    os.remove(store)
                before = resource.getrusage(resource.RUSAGE_CHILDREN)
                mask("extract", folder, "-o", store, *given, *cut)
                after = resource.getrusage(resource.RUSAGE_CHILDREN)
                cpu.append(1000 * (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / len(os.listdir(folder)))
            full = os.path.join(WORK, "encoder.mask")
            mask("calibrate", learned, "--images", stores[0], "--texts", os.path.join(DATA, "background_caps.txt"), "-o", full)
            rs = [mask("eval", full, store, "--captions", captions)["rsum"] for store, (_, captions) in zip(stores[1:], sets)]
            with open(row, "w", encoding="utf8") as out:
                json.dump({"rs": rs, "cpu": min(cpu[:2]), "size": os.path.getsize(stores[1]) / len(os.listdir(sets[0][0]))}, out)
        found = json.load(open(row, encoding="utf8"))
        cut = "whole, 2 x 2, 3 x 3" if not regions or "shape" in regions else ""
        speed = ["", ""] if "grid" in regions else ["%.1f" % found["cpu"], "%.0f" % (1000 / found["cpu"])] # the network is most of it
        rows.append([name, str(side or "320, 384"), (cut + " " + regions).strip(), "%.1f / %.1f" % tuple(found["rs"]), expected,
                     *speed, "%.0f" % (found["size"] / 1000)])
        print(rows[-1], file=sys.stderr)
    return table(["encoder", "side", "regions", "Rs Flickr / COCO", "expected", "CPU ms per photo", "photos a second and core",
                  "KB per photo"], rows)


def write(part, text):
    """Puts a part's tables between its markers."""
    begin, end = "<!-- begin: %s -->\n" % part, "<!-- end: %s -->\n" % part
    with open(PAGE, encoding="utf8") as file:
        before, rest = file.read().split(begin)
    with open(PAGE, "w", encoding="utf8") as file:
        file.write(before + begin + "\n" + text + "\n" + end + rest.split(end)[1])
    print("wrote %s of %s" % (part, PAGE))


def main():
    parser = argparse.ArgumentParser(description="Measures quality and writes docs/QUALITY.md")
    parser.add_argument("--part", choices=["ladder", "around", "budget", "photos", "confidence", "own", "encoders", "ablations"], help="only this part")
    parser.add_argument("--rows", default="", help="of encoders: a regular expression, which rows to measure anew (default: all)")
    parser.add_argument("--epochs", type=int, default=10, help="of the trained rows of the ablations (default: 10)")
    args = parser.parse_args()
    os.makedirs(WORK, exist_ok=True)
    missed = []
    parts = {"ladder": lambda: ladders(missed), "around": lambda: around(), "budget": lambda: budgets(), "photos": lambda: photos(),
             "confidence": lambda: confidence(), "own": lambda: own(),
             "encoders": lambda: encoders(args.rows),
             "ablations": lambda: ablations(args.epochs)}
    for part, make in parts.items():
        if args.part in (None, part):
            write(part, make())
    for line in missed:
        print("farther than 2 from what was measured before: " + line)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
