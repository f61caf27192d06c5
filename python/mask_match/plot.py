"""Figures, by matplotlib: training curves, a map of prototypes, recall curves, the heat map of one match.

Each function draws on `ax` (None = a new figure's) and gives it back.
"""
from __future__ import annotations

import json
import os
from typing import Any, Dict, List, Mapping, Optional, Sequence, Union

import numpy as np

from ._core import Path, logger
from .evaluate import ranks
from .knowledge import Explanation, Knowledge
from .photos import upright


def _axes(ax: Any, size: Sequence[float] = (6, 4)) -> Any:
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt
    return plt.subplots(figsize=tuple(size), layout="constrained")[1]


def _legend_beside(ax: Any) -> None:
    ax.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))


def training(metrics: Path, ax: Any = None, smooth: int = 50) -> Any:
    """Losses over steps, of a metrics file (Knowledge.learn(..., metrics=FILE)): each divided by its first value, the mean of
    `smooth` steps."""
    ax, curves = _axes(ax), dict[str, List[float]]()
    with open(metrics, encoding="utf8") as file:
        for line in file:
            if not line.endswith("\n"):  # being written
                break
            for name, value in json.loads(line).items():
                if name in ("total", "kl", "rec", "word", "structure", "contrast") and isinstance(value, (int, float)):
                    curves.setdefault(name, []).append(value)
    for name, values in curves.items():
        width = max(1, min(smooth, len(values) // 4))
        means = np.convolve(values, np.ones(width) / width, "valid")
        ax.plot(np.arange(len(means)) + width, means / means[0], label="%s (%.3g at first)" % (name, means[0]))
    ax.set(xlabel="step", ylabel="share of its first value", ylim=(0, None))
    _legend_beside(ax)
    return ax


def project(points: np.ndarray) -> np.ndarray:
    """The two main axes of points: count x 2 (PCA)."""
    centred = points - points.mean(0)
    return np.asarray(centred @ np.linalg.svd(centred, full_matrices=False)[2][:2].T)


def tsne(points: np.ndarray, perplexity: float = 20, steps: int = 600) -> np.ndarray:
    """A map on which neighbours stay neighbours (van der Maaten and Hinton, 2008), exact: for up to a few hundred points."""
    count = len(points)
    square = (points ** 2).sum(1)[:, None] + (points ** 2).sum(1) - 2 * points @ points.T
    nearest = np.sort(square + np.diag(np.full(count, np.inf)), 1)[:, :1]
    low, high = np.full(count, 1e-9), np.full(count, 1e9)
    for _ in range(60):  # the width round each point that gives it so many neighbours
        beta = np.sqrt(low * high)
        p = np.exp(-beta[:, None] * np.maximum(square - nearest, 0)) * (1 - np.eye(count))
        p /= p.sum(1, keepdims=True)
        wide = -(p * np.log(np.maximum(p, 1e-12))).sum(1) > np.log(min(perplexity, (count - 1) / 3))
        low, high = np.where(wide, beta, low), np.where(wide, high, beta)
    p = (p + p.T) / (2 * count)
    at = project(points)
    at *= 1e-2 / max(at.std(), 1e-12)
    speed = np.zeros_like(at)
    for step in range(steps):
        near = (1 - np.eye(count)) / (1 + ((at[:, None] - at[None]) ** 2).sum(2))
        pull = ((12 if step < steps // 4 else 1) * p - near / near.sum()) * near
        gradient = 4 * (pull.sum(1)[:, None] * at - pull @ at)
        speed = (0.5 if step < steps // 4 else 0.8) * speed - max(count / 12, 10) * gradient
        at = at + speed
    return np.asarray(at - at.mean(0))


CLASSES = ("thing act animal artifact attribute body cognition communication event feeling food group location motive object person "
           "phenomenon plant possession process quantity relation shape state substance time").split()  # noun files 03 to 28


def wordnet_classes(words: Sequence[str], most: int = 9) -> Dict[str, List[str]]:
    """The words by the class of their first sense as a noun in WordNet (its lexicographers' files), the `most` largest classes.
    Empty where WordNet's data is not installed (Debian's wordnet-base) or named by WNSEARCHDIR."""
    folder = os.environ.get("WNSEARCHDIR", "/usr/share/wordnet")
    wanted, out = {word.replace(" ", "_"): word for word in words}, dict[str, List[str]]()
    try:
        with open(os.path.join(folder, "index.noun"), encoding="utf8") as index, open(os.path.join(folder, "data.noun"), "rb") as data:
            for line in index:
                fields = line.split()
                if line[0] != " " and fields[0] in wanted:
                    data.seek(int(fields[-int(fields[2])]))
                    out.setdefault(CLASSES[int(data.read(11)[9:]) - 3], []).append(wanted[fields[0]])
    except OSError:
        return {}
    return dict(sorted(out.items(), key=lambda item: -len(item[1]))[:most])


def prototypes(knowledge: Knowledge, groups: Union[None, str, Mapping[str, Sequence[str]]] = "wordnet", words: int = 300, label: int = 60,
               method: str = "tsne", ax: Any = None) -> Any:
    """A map of the prototypes of the words seen most: the paper's figure.

    groups  names and the words that have its colour, words in none are grey; "wordnet" = the classes of WordNet, where its
            data is installed
    label   so many words at most are written beside their points, those seen most first, where there is room
    method  "tsne", or "pca": the two main axes of their directions
    """
    ax = _axes(ax, (9, 7))
    names, counts = knowledge.words, knowledge.counts
    chosen = np.argsort(-counts, kind="stable")[:words]
    if isinstance(groups, str):
        groups = wordnet_classes([names[i] for i in chosen])
        if not groups:
            logger.warning("WordNet's data.noun is not there (WNSEARCHDIR, Debian's wordnet-base): words have no colours")
    elif groups:
        wanted = {word for members in groups.values() for word in members}
        chosen = np.array([i for i in range(len(names)) if names[i] in wanted] or chosen)
    units = knowledge.prototypes[chosen]
    places = (tsne if method == "tsne" and len(units) > 4 else project)(units / np.linalg.norm(units, axis=1, keepdims=True))
    of = {word: name for name, members in (groups or {}).items() for word in members}
    for name in [*(groups or {}), None]:
        at = [i for i, word in enumerate(chosen) if of.get(names[word]) == name]
        if at:
            ax.scatter(places[at, 0], places[at, 1], s=16, label=name or "other", color=None if name else "#bbbbbb")
    sheet = 72 * 0.8 * ax.figure.get_size_inches()
    points = (places - places.min(0)) / np.maximum(np.ptp(places, 0), 1e-12) * sheet
    written: List[int] = []
    for i in range(len(chosen)):
        clear = all(abs(points[i, 1] - points[j, 1]) > 8 or abs(points[i, 0] - points[j, 0]) >
                    4.2 * len(names[chosen[i if points[i, 0] < points[j, 0] else j]]) for j in written)
        if clear and len(written) < label:
            written.append(i)
            ax.annotate(names[chosen[i]], places[i], fontsize=7, xytext=(3, 2), textcoords="offset points")
    ax.set(xticks=[], yticks=[])
    if groups:
        _legend_beside(ax)
    return ax


def recall_curve(scores: Mapping[str, np.ndarray], most: int = 50, ax: Any = None) -> Any:
    """Text-to-image recall at 1 to `most`, in percent, of texts x images scores by name (text t belongs to image t // 5)."""
    ax = _axes(ax)
    for name, matrix in scores.items():
        found = ranks(matrix).t2i
        ax.plot(np.arange(1, most + 1), [100 * (found < k).mean() for k in range(1, most + 1)], label=name)
    ax.set(xlabel="K", ylabel="R@K, text to image (%)", ylim=(0, None))
    ax.legend(frameon=False)
    return ax


def match(explanation: Explanation, photo: Any = None, ax: Any = None) -> Any:
    """The words x regions table of one match as a heat map; with `photo` (a path or an array) the best region of each word on it."""
    if photo is None or explanation.boxes is None:
        ax = _axes(ax)
        ax.figure.colorbar(ax.imshow(explanation.cosines, cmap="viridis", aspect="auto"), ax=ax, label="cosine")
        ax.set_yticks(range(len(explanation.terms)), [word.word for word in explanation.terms])
        ax.set(xlabel="region", title="score %.3f" % explanation.score)
        return ax
    from matplotlib.patches import Rectangle
    from PIL import Image
    ax = _axes(ax)
    ax.imshow(photo if isinstance(photo, np.ndarray) else upright(Image.open(photo)))
    for i, word in enumerate(explanation.terms):
        x1, y1, x2, y2 = explanation.boxes[int(explanation.cosines[i].argmax())]
        ax.add_patch(Rectangle((x1, y1), x2 - x1, y2 - y1, fill=False, edgecolor="C%d" % i, lw=2))
        ax.text(x1 + 2, y1 + 2, word.word, color="white", backgroundcolor="C%d" % i, fontsize=8, va="top")
    ax.set_axis_off()
    return ax
