"""Knowledge: prototypes of words; the matcher, which scores images with texts by them and explains why."""
from __future__ import annotations

import json
import os
import tempfile
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple, Union

import numpy as np

from . import _looks
from ._core import (TABLES, Handle, Items, Options, Path, Progress, Run, Struct, call, copied, documents, encoded, ffi, floats, lib,
                    options_of, quick, text)
from .data import Images, Labels, Vectors, as_images, as_texts, open_vectors
from .encoders import Encoder, Head, as_head


class Choice(NamedTuple):
    """A representation that learning tried on held-out labelled images; rsum is their retrieval by their own labels."""
    representation: str
    epoch: int
    whiten_dim: int
    whiten_shrink: float
    rsum: float
    kept: bool


class Knowledge(Handle):
    """Words with their prototypes, and what makes scores comparable: a .mask file."""

    choices: Sequence[Choice] = ()
    report: Optional[Struct] = None

    def __init__(self, path: Path):
        out = ffi.new("mask_knowledge **")
        Run()(lib.mask_knowledge_open, out, encoded(path))
        self._take(out, lib.mask_knowledge_close)
        self._again = Knowledge, (os.fspath(path),)

    @classmethod
    def _of(cls, out: Any) -> "Knowledge":
        self = cls.__new__(cls)
        self._take(out, lib.mask_knowledge_close)
        return self

    @classmethod
    @documents("LEARN", "TRAIN")
    def learn(cls, labels: Union[Labels, Images, Path], vectors: Union[Vectors, Path], preset: str = "tuned", encoder: str = "auto",
              progress: Progress = None, head: Union[None, Head, Encoder, Path] = None, **options: Any) -> "Knowledge":
        """Learns from labelled regions, or, from Images without labels, the classes of a head alone.

        preset   "tuned", "section9" (the first calibration's), or "paper": the paper's training of 400 epochs
        encoder  what is made of features: "none", "whiten", "mask" (trained), or "auto": the best of them on held-out
                 labelled images; then `choices` lists what was tried. "paper" is always "mask".
        head     a classifier whose classes are learned beside the labels: of an encoder, or a Head of arrays
        options  of learning and training, by name
        """
        if isinstance(labels, Images):
            labels, encoder = Labels.bare(labels), "whiten" if encoder == "auto" else encoder
        labels = labels if isinstance(labels, Labels) else Labels(labels)
        vectors = vectors if isinstance(vectors, Vectors) else Vectors(vectors)
        paper = preset == "paper"
        o = Options("LEARN", {}, None if paper else preset)
        train = Options("TRAIN", {}, "paper" if paper else None)
        if paper or encoder != "auto":
            o.set("representation", "mask" if paper else encoder)
        for name, value in options.items():
            (train if name in TABLES["TRAIN"] and name not in TABLES["LEARN"] else o).set(name, value)
        if not o.c.scenes or (encoder == "none" and not paper):
            o.c.scenes, o.c.reliability = False, 0
        if not train.c.whiten and "start_whiten" not in options:
            train.c.start_whiten = False
        o.c.train = train.c
        kept = [] if head is None else as_head(head)
        o.c.head = kept[0] if kept else ffi.NULL
        out, count, choices = ffi.new("mask_knowledge **"), ffi.new("size_t *"), ffi.new("mask_choice[]", 256)
        if paper or encoder != "auto":
            Run(progress)(lib.mask_knowledge_learn, out, labels._c, vectors._c, o.c)
        else:
            Run(progress)(lib.mask_knowledge_choose, out, labels._c, vectors._c, o.c, choices, len(choices), count)
        self = cls._of(out)
        rows = [Struct(choices[i]) for i in range(count[0])]
        self.choices = [Choice(*(getattr(row, name) for name in Choice._fields)) for row in rows]
        return self

    @classmethod
    def from_prototypes(cls, words: Union[Path, Sequence[str]], prototypes: Union[Path, np.ndarray], vectors: Union[Vectors, Path],
                        provenance: Optional[str] = None) -> "Knowledge":
        """A knowledge of prototypes that were made elsewhere, MACK's or your own; calibrate it like any other. Its `report` says
        which words were left out: those without a vector, with a prototype of zeros, or there before.

        words       a list, or MACK's JSON file: an object of word: row, or a list
        prototypes  words x features: an array or a .npy file
        """
        vectors = vectors if isinstance(vectors, Vectors) else Vectors(vectors)
        out, report = ffi.new("mask_knowledge **"), ffi.new("mask_import_report *")
        with tempfile.TemporaryDirectory() as folder:
            if not isinstance(words, (str, os.PathLike)):
                listed, words = words, os.path.join(folder, "words.json")
                with open(words, "w", encoding="utf8") as file:
                    json.dump(list(listed), file)
            if isinstance(prototypes, np.ndarray):
                array, prototypes = prototypes, os.path.join(folder, "prototypes.npy")
                np.save(prototypes, np.ascontiguousarray(array, np.float32))
            call(lib.mask_knowledge_import, out, encoded(words), encoded(prototypes), vectors._c,
                 provenance.encode() if provenance else ffi.NULL, report)
            self = cls._of(out)
        self.report = Struct(report)
        return self

    @documents("MATCH")
    def calibrate(self, images: Any, texts: Any, vectors: Union[Vectors, Path, None] = None, preset: Optional[str] = "tuned",
                  progress: Progress = None, **options: Any) -> "Knowledge":
        """A copy that holds an unpaired background: a few hundred images and a few thousand texts, which have to do neither
        with each other nor with what is searched later. options become the copy's defaults for matching."""
        o = Options("MATCH", {}, preset)
        if not self.info.scenes:
            o.c.scene = 0
        for name, value in options.items():
            o.set(name, value)
        images, texts, out = as_images(images), as_texts(texts), ffi.new("mask_knowledge **")
        Run(progress)(lib.mask_knowledge_calibrate, out, self._c, self._vectors(vectors)._c, images._c, texts._c, o.c)
        return Knowledge._of(out)

    @documents("ADAPT")
    def adapt(self, images: Any, texts: Any, vectors: Union[Vectors, Path, None] = None, progress: Progress = None,
              **options: Any) -> "Knowledge":
        """A copy fitted to a domain with unpaired images and texts of it (the paper's Eq. 88-93); its `report` says what
        training did."""
        images, texts, out = as_images(images), as_texts(texts), ffi.new("mask_knowledge **")
        report = ffi.new("mask_adapt_report *")
        Run(progress)(lib.mask_knowledge_adapt, out, self._c, self._vectors(vectors)._c, images._c, texts._c,
                      Options("ADAPT", options).c, report)
        adapted = Knowledge._of(out)
        adapted.report = Struct(report)
        return adapted

    def teach(self, word: str, images: Any, vectors: Union[Vectors, Path, None] = None) -> "Knowledge":
        """A copy that knows a word, one or two words such as "my cat", from photos that show it (Extractor.images): 1 is
        enough, 3 to 10 in different places are good. A word it knows already is sharpened."""
        images, out, sharpened = as_images(images), ffi.new("mask_knowledge **"), ffi.new("bool *")
        words = self._vectors(vectors)
        call(lib.mask_knowledge_teach, out, self._c, words._c, word.encode(errors="surrogateescape"), images._c, sharpened)
        return Knowledge._of(out)

    def mix(self, images: Any, progress: Progress = None, own: Union[str, int] = "auto") -> "Knowledge":
        """A copy whose background these images have joined, as a gallery's images do: to score these images with. Figures
        measured so are transductive on images. Fewer than 25 images change nothing."""
        images, out = as_images(images), ffi.new("mask_knowledge **")
        Run(progress)(lib.mask_knowledge_mix, out, self._c, images._c, Options("GALLERY", {"own": own}).c.own)
        return Knowledge._of(out)

    def seen(self, images: Any, progress: Progress = None) -> int:
        """How many of these images its background holds, found by content: figures of them are transductive."""
        images, out = as_images(images), ffi.new("size_t *")
        Run(progress)(lib.mask_knowledge_seen, out, self._c, images._c)
        return int(out[0])

    def round(self) -> None:
        """Rounds prototypes, word vectors and the background to 8 bits: a quarter of their size in files."""
        call(lib.mask_knowledge_round, self._c)

    def save(self, path: Path) -> None:
        """Writes a .mask file, whole or not at all."""
        call(lib.mask_knowledge_save, self._c, encoded(path))

    @property
    def info(self) -> Struct:
        """What it holds: words, feature_dim, dim, images, regions, background_images, vectors_path, ... (mask.h)."""
        info = ffi.new("mask_knowledge_info *")
        lib.mask_knowledge_describe(self._c, info)
        return Struct(info, self._c)

    @property
    def learned(self) -> Dict[str, str]:
        """The options it was learned with."""
        info = self.info
        return options_of("LEARN", ffi.addressof(info._c, "learned"))

    @property
    def match_options(self) -> Dict[str, str]:
        """The options that hold for matching unless others are given."""
        return options_of("MATCH", self._match())

    def _match(self) -> Any:
        o = ffi.new("mask_match_options *")
        lib.mask_knowledge_match_options(self._c, o, ffi.sizeof(o[0]))
        return o

    def _vectors(self, vectors: Union[Vectors, Path, None]) -> Vectors:
        if vectors is None:
            return open_vectors(self.info.vectors_path)
        return vectors if isinstance(vectors, Vectors) else Vectors(vectors)

    def __len__(self) -> int:
        return int(self.info.words)

    def _word(self, index: int) -> Tuple[str, int]:
        count = ffi.new("size_t *")
        return text(lib.mask_knowledge_word(self._c, index, count)), count[0]

    @property
    def words(self) -> List[str]:
        return [self._word(i)[0] for i in range(len(self))]

    @property
    def counts(self) -> np.ndarray:
        """How many regions carried each word."""
        return np.array([self._word(i)[1] for i in range(len(self))], np.int64)

    def __contains__(self, word: object) -> bool:
        return word in self.words

    @property
    def prototypes(self) -> np.ndarray:
        """The prototype of each word: words x dim, float32, a copy."""
        dim = self.info.dim
        rows = [copied(lib.mask_knowledge_prototype(self._c, i), (dim,)) for i in range(len(self))]
        return np.stack(rows) if rows else np.empty((0, dim), np.float32)

    def encode(self, images: Any) -> Iterator[np.ndarray]:
        """The representations of each image's regions, regions x dim, float32, image by image."""
        images, dim = as_images(images), self.info.dim
        for i in range(len(images)):
            out = np.empty((images.regions(i), dim), np.float32)
            call(lib.mask_knowledge_encode, self._c, images._c, i, floats(out))
            yield out

    def _repr_html_(self) -> str:
        return _looks.knowledge(self)


# ---- Matching ---------------------------------------------------------------------------------------------------


class Word(Struct):
    """A word of a text: token, word (as looked up), kind ("known", "ood", "dropped", "unknown"), reason, count, weight."""

    __slots__ = ()

    @property
    def neighbours(self) -> List[Struct]:
        """The known words that stand for an OOD word: word, cosine, weight; best first."""
        return [Struct(self._c.neighbours[i], self._owner) for i in range(self._c.neighbour_count)]


class Reading(Items[Word]):
    """A text, word by word."""

    def __init__(self, c: Any, owner: Any):
        self._c, self._owner = c, owner

    def __len__(self) -> int:
        return int(self._c.count)

    def _item(self, index: int) -> Word:
        return Word(self._c.words[index], self._owner)

    def __repr__(self) -> str:
        return "Reading(%s)" % ", ".join("%s: %s" % (word.token, word.kind) for word in self)


class Explanation(Struct):
    """Why an image and a text match: score = (weighted mean of word_scores - text_mean) / text_deviation - hub_image -
    hub_text."""

    __slots__ = ("boxes", "name")
    boxes: Optional[np.ndarray]  # regions x 4
    name: Optional[str]  # of the image's file

    @property
    def reading(self) -> Reading:
        return Reading(self._c.reading, self._c)

    @property
    def terms(self) -> List[Word]:
        """The words that take part, in the order of `cosines`' rows."""
        reading = self.reading
        return [reading[self._c.word_index[i]] for i in range(self._c.words)]

    @property
    def cosines(self) -> np.ndarray:
        """words x regions, float32."""
        return copied(self._c.cosines, (self._c.words, self._c.regions))

    @property
    def word_scores(self) -> np.ndarray:
        """Of each word: pooled and calibrated."""
        return copied(self._c.word_scores, (self._c.words,))

    def _repr_html_(self) -> str:
        return _looks.explanation(self)


class Scores(NamedTuple):
    """What Matcher.scores gives with report=True."""
    scores: np.ndarray
    text_kinds: np.ndarray
    report: Struct


class Matcher(Handle):
    """A knowledge with its word vectors under one set of options, used by any number of threads.

    vectors   None = those that the knowledge names
    options   of matching, by name; else the knowledge's own (Knowledge.match_options); preset "plain", "tuned", "section9"
    """

    @documents("MATCH")
    def __init__(self, knowledge: Union[Knowledge, Path], vectors: Union[Vectors, Path, None] = None,
                 preset: Optional[str] = None, **options: Any):
        """Opens it: microseconds. What the background says of words is computed by the first call that needs it."""
        knowledge = knowledge if isinstance(knowledge, Knowledge) else Knowledge(knowledge)
        o = Options("MATCH", options, preset, None if preset else knowledge._match()[0])
        words = None if vectors is None and o.c.ood == lib.MASK_OOD_OFF else knowledge._vectors(vectors)
        out = ffi.new("mask_matcher **")
        Run()(lib.mask_matcher_open, out, knowledge._c, words._c if words else ffi.NULL, o.c)
        self._take(out, lib.mask_matcher_close, (knowledge._c, words and words._c, o.kept))
        self.knowledge, self.vectors = knowledge, words

    def scores(self, images: Any, texts: Any, progress: Progress = None) -> np.ndarray:
        """The score of every text with every image: texts x images, float32."""
        return self.scores_and_report(images, texts, progress).scores

    def scores_and_report(self, images: Any, texts: Any, progress: Progress = None) -> Scores:
        """Scores; what words each text has (bit 0: a known one, bit 1: an OOD one); and a report, which says whether the
        statistics were transductive, taken from the very images and texts that are scored."""
        images, texts = as_images(images), as_texts(texts)
        scores = np.empty((len(texts), len(images)), np.float32)
        kinds, report = np.zeros(len(texts), np.uint8), ffi.new("mask_match_report *")
        Run(progress)(lib.mask_matcher_scores, self._c, images._c, texts._c, floats(scores),
                      ffi.cast("unsigned char *", kinds.ctypes.data), report)
        return Scores(scores, kinds, Struct(report))

    def read(self, text: str) -> Reading:
        """What becomes of the words of a text."""
        out = ffi.gc(ffi.new("mask_reading *"), lib.mask_reading_free)
        call(lib.mask_matcher_read, self._c, text.encode(errors="surrogateescape"), out)
        return Reading(out, out)

    def explain(self, images: Any, image: int, text: str) -> Explanation:
        """The score of one image and one text, and the words x regions table behind it."""
        images = as_images(images)
        out = ffi.gc(ffi.new("mask_explanation *"), lib.mask_explanation_free)
        call(lib.mask_matcher_explain, self._c, images._c, images._check(image), text.encode(errors="surrogateescape"), out,
             quick())
        explanation = Explanation(out, out)
        explanation.boxes, explanation.name = images.boxes(image), images.names[image]
        return explanation
