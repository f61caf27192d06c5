"""Evaluation: recalls of a score matrix, ranks, mAP@R, and another model's results re-ranked."""
from __future__ import annotations

import json
import os
import tempfile
from typing import Any, Mapping, NamedTuple, Optional, Sequence, Union

import numpy as np

from . import _looks
from ._core import Handle, Options, Path, Progress, Run, Struct, call, documents, encoded, ffi, floats, lib
from .data import as_images, as_texts
from .knowledge import Matcher


class Recalls(Struct):
    """t2i and i2t (text to image and back): r1, r5, r10 in percent, medr, meanr, queries; t2i_known, t2i_ood; rsum, and
    rsum_low to rsum_high, its interval of 95% by bootstrap over images."""

    __slots__ = ()

    def __repr__(self) -> str:
        ways = ("%s R@1 %.1f R@5 %.1f R@10 %.1f" % (name, way.r1, way.r5, way.r10) for name, way in (("t2i", self.t2i),
                                                                                                  ("i2t", self.i2t)))
        return "Recalls(%s; Rs %.1f, %.1f to %.1f)" % ("; ".join(ways), self.rsum, self.rsum_low, self.rsum_high)

    def _repr_html_(self) -> str:
        return _looks.recalls(self)


def _matrix(scores: np.ndarray) -> np.ndarray:
    out = np.ascontiguousarray(scores, np.float32)
    if out.ndim != 2 or out.shape[0] != 5 * out.shape[1]:
        raise ValueError("scores: shape %s, expected texts x images with five texts per image" % (out.shape,))
    return out


def recalls(scores: np.ndarray, folds: int = 1, text_kinds: Optional[np.ndarray] = None) -> Recalls:
    """Recalls of texts x images scores, where text t belongs to image t // 5. Equal scores share their ranks.

    folds       > 1: the images are cut into so many parts, each ranked by itself, and the metrics averaged (COCO's 1K)
    text_kinds  of Matcher.scores_and_report: also the recalls of texts with known words only, and of those with OOD words
    """
    matrix, out = _matrix(scores), ffi.new("mask_recalls *")
    kinds = None if text_kinds is None else np.ascontiguousarray(text_kinds, np.uint8)
    if kinds is not None and kinds.shape != (len(matrix),):
        raise ValueError("text_kinds: shape %s, expected one for each of %d texts" % (kinds.shape, len(matrix)))
    Run()(lib.mask_recalls_compute, out, floats(matrix), matrix.shape[1], matrix.shape[0],
          ffi.NULL if kinds is None else ffi.cast("unsigned char *", kinds.ctypes.data), folds)
    return Recalls(out, out)


class Ranks(NamedTuple):
    """The rank of each text's image and of each image's best text, from 0; halves where scores are equal. As `mask eval
    --per-query` writes them."""
    t2i: np.ndarray
    i2t: np.ndarray


def ranks(scores: np.ndarray, folds: int = 1) -> Ranks:
    """Ranks of texts x images scores, from which recalls come: `100 * (ranks(s).t2i < 5).mean()` is R@5."""
    matrix = _matrix(scores)
    out = Ranks(np.empty(len(matrix), np.float32), np.empty(matrix.shape[1], np.float32))
    Run()(lib.mask_ranks_compute, floats(out.t2i), floats(out.i2t), floats(matrix), matrix.shape[1], matrix.shape[0], folds)
    return out


class AtR(NamedTuple):
    """Of queries with several relevant items, R each, in percent: mean average precision and precision among the first R, and
    how often the first is relevant; average_precision of each query, 0 to 1."""
    map_at_r: float
    r_precision: float
    r1: float
    average_precision: np.ndarray


def map_at_r(scores: np.ndarray, relevant: Union[Mapping[Any, Sequence[Any]], Path], queries: Optional[Sequence[Any]] = None,
             items: Optional[Sequence[Any]] = None) -> AtR:
    """ECCV Caption's measures: every item that is relevant counts, not only the caption's own image.

    scores    queries x items: Matcher.scores as it is for text to image, transposed for image to text
    relevant  for each query that is measured its relevant items: a dict, or a JSON file of one, such as
              eccv_caption_to_image.json of PyPI's eccv_caption
    queries   what rows are called in `relevant`; None = their numbers, from 0
    items     what columns are called; None = their numbers
    """
    if not isinstance(relevant, Mapping):
        with open(relevant, encoding="utf8") as file:
            relevant = json.load(file)
    places = [{str(name): i for i, name in enumerate(given if given is not None else range(size))}
              for given, size in zip((queries, items), np.shape(scores))]
    precisions, shares, firsts = [], [], []
    for query, wanted in relevant.items():  # type: ignore[union-attr]
        try:
            row, columns = places[0][str(query)], [places[1][str(item)] for item in wanted]
        except KeyError as error:
            raise KeyError("relevance of query %s: %s is among neither queries nor items" % (query, error)) from None
        best = np.argsort(-np.asarray(scores[row]), kind="stable")[:len(columns)]
        hits = np.isin(best, columns)
        precisions.append(float((np.cumsum(hits) / np.arange(1, len(best) + 1))[hits].sum() / max(len(columns), 1)))
        shares.append(float(hits.mean()) if len(hits) else 0.0)
        firsts.append(bool(len(hits) and hits[0]))
    mean = [float(100 * np.mean(values)) if values else float("nan") for values in (precisions, shares, firsts)]
    return AtR(mean[0], mean[1], mean[2], np.array(precisions))


def save_scores(path: Path, scores: np.ndarray) -> None:
    """Writes texts x images scores as other programs expect them: a .npy of images x texts."""
    matrix = _matrix(scores)
    call(lib.mask_scores_save, encoded(path), floats(matrix), matrix.shape[1], matrix.shape[0])


class Reranking(Handle):
    """The best candidates of another model's scores, to be re-ranked in many ways.

    base   scores: an array of texts x images, or a .npy file of images x texts
    top_k  candidates of each query
    """

    def __init__(self, base: Union[np.ndarray, Path], top_k: int = 15, folds: int = 1, progress: Progress = None):
        out = ffi.new("mask_reranking **")
        if isinstance(base, np.ndarray):
            with tempfile.TemporaryDirectory() as folder:
                path = os.path.join(folder, "base.npy")
                save_scores(path, base)
                Run(progress)(lib.mask_rerank_open, out, encoded(path), top_k, folds)
        else:
            Run(progress)(lib.mask_rerank_open, out, encoded(base), top_k, folds)
        self._take(out, lib.mask_rerank_close)
        self.top_k = top_k

    def add(self, other: Union[np.ndarray, Path, Matcher], images: Any = None, texts: Any = None, progress: Progress = None) -> None:
        """The scores to re-rank by: an array of texts x images, a .npy of images x texts, or a matcher's of images and texts."""
        if isinstance(other, Matcher):
            images, texts = as_images(images), as_texts(texts)
            Run(progress)(lib.mask_rerank_add_matcher, self._c, other._c, images._c, texts._c)
        elif isinstance(other, np.ndarray):
            with tempfile.TemporaryDirectory() as folder:
                path = os.path.join(folder, "other.npy")
                save_scores(path, other)
                Run(progress)(lib.mask_rerank_add_matrix, self._c, encoded(path))
        else:
            Run(progress)(lib.mask_rerank_add_matrix, self._c, encoded(other))

    def _options(self, options: Any) -> Any:
        return Options("RERANK", {"top_k": self.top_k, **options})

    @documents("RERANK")
    def recalls(self, **options: Any) -> Recalls:
        """Recalls of the re-ranked lists."""
        out = ffi.new("mask_recalls *")
        Run()(lib.mask_rerank_recalls, out, self._c, self._options(options).c)
        return Recalls(out, out)

    @documents("RERANK")
    def save(self, path: Path, text_to_image: bool = True, **options: Any) -> None:
        """Writes a direction's lists as a .npy of images x texts: negated positions."""
        Run()(lib.mask_rerank_save, self._c, self._options(options).c, text_to_image, encoded(path))


@documents("RERANK")
def rerank(base: Union[np.ndarray, Path], other: Union[np.ndarray, Path, Matcher], images: Any = None, texts: Any = None,
           folds: int = 1, progress: Progress = None, **options: Any) -> Recalls:
    """Recalls of another model's best candidates re-ranked by ours: zscore(base) + alpha zscore(other), the paper's Eq. 15."""
    with Reranking(base, options.get("top_k", 15), folds, progress) as reranking:
        reranking.add(other, images, texts, progress)
        return reranking.recalls(**options)
