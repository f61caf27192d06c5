"""Figures, by matplotlib: training curves, a map of prototypes, recall curves, the heat map of one match.

Each function draws on `ax` (None = a new figure's) and gives it back.
"""
from __future__ import annotations

import json
from typing import Any, List, Mapping, Optional, Sequence

import numpy as np

from ._core import Path
from .evaluate import ranks
from .knowledge import Explanation, Knowledge


def _axes(ax: Any, size: Sequence[float] = (6, 4)) -> Any:
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt
    return plt.subplots(figsize=tuple(size), layout="constrained")[1]


def training(metrics: Path, ax: Any = None, smooth: int = 50) -> Any:
    """Losses over steps, of a metrics file (Knowledge.learn(..., metrics=FILE)): each divided by its first value, the mean of
    `smooth` steps."""
    ax, curves = _axes(ax), dict[str, List[float]]()
    with open(metrics, encoding="utf8") as file:
        for line in file:
            for name, value in json.loads(line).items():
                if name in ("total", "kl", "rec", "word", "structure", "contrast") and isinstance(value, (int, float)):
                    curves.setdefault(name, []).append(value)
    for name, values in curves.items():
        width = max(1, min(smooth, len(values) // 4))
        means = np.convolve(values, np.ones(width) / width, "valid")
        ax.plot(np.arange(len(means)) + width, means / means[0], label="%s (%.3g at first)" % (name, means[0]))
    ax.set(xlabel="step", ylabel="share of its first value", ylim=(0, None))
    ax.legend(frameon=False)
    return ax


def project(points: np.ndarray) -> np.ndarray:
    """The two main axes of points: count x 2 (PCA)."""
    centred = points - points.mean(0)
    return np.asarray(centred @ np.linalg.svd(centred, full_matrices=False)[2][:2].T)


def prototypes(knowledge: Knowledge, groups: Optional[Mapping[str, Sequence[str]]] = None, words: int = 200, label: int = 40,
               ax: Any = None) -> Any:
    """A map of the prototypes of the words seen most, by the two main axes of their directions.

    groups  names and the words that have its colour; words in none are grey
    label   so many words are written beside their points
    """
    ax = _axes(ax, (7, 6))
    names, counts = knowledge.words, knowledge.counts
    chosen = np.argsort(-counts, kind="stable")[:words]
    if groups:
        wanted = {word for members in groups.values() for word in members}
        chosen = np.array([i for i in range(len(names)) if names[i] in wanted] or chosen)
    units = knowledge.prototypes[chosen]
    places = project(units / np.linalg.norm(units, axis=1, keepdims=True))
    of = {word: name for name, members in (groups or {}).items() for word in members}
    for name in [*(groups or {}), None]:
        at = [i for i, word in enumerate(chosen) if of.get(names[word]) == name]
        if at:
            ax.scatter(places[at, 0], places[at, 1], s=14, label=name, color=None if name else "#888888")
    for i in range(min(label, len(chosen))):
        ax.annotate(names[chosen[i]], places[i], fontsize=7, xytext=(3, 2), textcoords="offset points")
    ax.set(xticks=[], yticks=[])
    if groups:
        ax.legend(frameon=False)
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
        ax.imshow(explanation.cosines, cmap="viridis", aspect="auto")
        ax.set_yticks(range(len(explanation.terms)), [word.word for word in explanation.terms])
        ax.set(xlabel="region", title="score %.3f" % explanation.score)
        return ax
    import matplotlib.pyplot as plt
    from matplotlib.patches import Rectangle
    ax = _axes(ax)
    ax.imshow(photo if isinstance(photo, np.ndarray) else plt.imread(photo))
    for i, word in enumerate(explanation.terms):
        x1, y1, x2, y2 = explanation.boxes[int(explanation.cosines[i].argmax())]
        ax.add_patch(Rectangle((x1, y1), x2 - x1, y2 - y1, fill=False, edgecolor="C%d" % i, lw=2))
        ax.text(x1 + 2, y1 + 2, word.word, color="white", backgroundcolor="C%d" % i, fontsize=8, va="top")
    ax.set_axis_off()
    return ax
