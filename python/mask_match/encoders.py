"""Networks that turn photos into features, and the last layers of classifiers as words to learn."""
from __future__ import annotations

import os
from typing import Any, List, NamedTuple, Optional, Sequence, Union

import numpy as np

from ._core import Options, Path, Struct, call, copied, documents, encoded, ffi, floats, lib, strings, text


class Head(NamedTuple):
    """A classifier's last layer: class c scores weights[c] . feature + biases[c]. Knowledge.learn(head=...) makes words of it."""
    weights: np.ndarray  # classes x features, float32
    labels: Sequence[str]  # of the classes: names and what they are a kind of, set apart by commas
    biases: Optional[np.ndarray] = None  # classes; learning does not need them


class Encoder:
    """A .menc file, for Extractor, extract and Photos; `info` tells what it is. Knowledge of one encoder's features is of no use
    with another's."""

    def __init__(self, path: Path):
        self.path = os.path.expanduser(os.fspath(path))
        self.info

    @classmethod
    @documents("ENCODER")
    def convert(cls, source: Path, to: Path, mean: Union[None, float, Sequence[float]] = None,
                deviation: Union[None, float, Sequence[float]] = None, **options: Any) -> "Encoder":
        """Writes a .menc file of an ONNX or TFLite network, or of MediaPipe's bundle of labels and network, and opens it. One with
        SSD's boxes and scores is a detector; of any other, a classifier or a transformer, the features are used.

        mean, deviation  the network reads (byte - mean) / deviation: a number, or three for R, G, B; None = 127.5, or what a
                         quantised network says
        """
        o = Options("ENCODER", options)
        if mean is not None or deviation is not None:
            o.c.mean, o.c.deviation = ([float(value) for value in np.broadcast_to(127.5 if given is None else given, 3)]
                                       for given in (mean, deviation))
        call(lib.mask_encoder_import, encoded(source), encoded(to), o.c)
        return cls(to)

    @classmethod
    def join(cls, encoders: Sequence[Union["Encoder", Path]], to: Path) -> "Encoder":
        """Writes one .menc file of up to 8 classifiers with the same labels: each looks at a photo at its own size, and a feature
        is theirs one behind the other."""
        array, kept = strings([os.path.expanduser(os.fspath(one)) for one in encoders])
        call(lib.mask_encoder_join, array, len(kept), encoded(to))
        return cls(to)

    @property
    def info(self) -> Struct:
        """detector, head, networks, size, features, labels, provenance, ... (mask_research.h)."""
        info = ffi.new("mask_encoder_info *")
        call(lib.mask_encoder_describe, encoded(self.path), info)
        return Struct(info)

    @property
    def head(self) -> Head:
        """The last layer of the classifier that it was; MaskError when it holds none."""
        head = ffi.gc(ffi.new("mask_encoder_head *"), lib.mask_encoder_head_free)
        call(lib.mask_encoder_head_read, head, encoded(self.path))
        return Head(copied(head.weights, (head.classes, head.features)), [text(head.labels[c]) for c in range(head.classes)],
                    copied(head.biases, (head.classes,)))

    def __fspath__(self) -> str:
        return self.path

    def __repr__(self) -> str:
        return "Encoder(%r)" % self.path


def as_head(head: Union[Head, Encoder, Path]) -> List[Any]:
    """A mask_head * and what must live as long."""
    if not isinstance(head, Head):
        head = (head if isinstance(head, Encoder) else Encoder(head)).head
    weights = np.ascontiguousarray(head.weights, np.float32)
    if weights.ndim != 2 or len(weights) != len(head.labels):
        raise ValueError("head: weights of shape %s for %d labels, expected classes x features" % (weights.shape, len(head.labels)))
    labels, kept = strings(head.labels)
    c = ffi.new("mask_head *", {"classes": len(weights), "dim": weights.shape[1], "weights": floats(weights), "labels": labels})
    return [c, weights, labels, kept]
