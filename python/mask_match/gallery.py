"""Galleries: an index over images that can be changed and searched at any time."""
from __future__ import annotations

import json
import os
import sys
import tempfile
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple, Union

import numpy as np

from . import _looks
from ._core import (TABLES, Handle, Items, MaskError, Options, Path, Progress, Run, Struct, call, documents, encoded, failed, ffi, lib, quick,
                    strings, text)
from .data import Images, Texts, Vectors, as_images, as_texts, cache_folder, open_vectors
from .knowledge import Knowledge, Reading

Query = Union[str, Tuple[str, float], Sequence[Union[str, Tuple[str, float]]]]


class HitWord(Struct):
    """A word's part in a hit: word, score, region (with the largest cosine), cosine, box (x1, y1, x2, y2, or None)."""

    __slots__ = ("word",)
    word: str

    @property
    def box(self) -> Optional[Tuple[float, ...]]:
        return tuple(self._c.box) if self._c.has_box else None


class Hit(Struct):
    """An image that was found: id, name (of its file, or None), score, confidence (0 to 1, or NaN), width, height (0 = unknown)."""

    __slots__ = ("_readings",)
    _readings: List[Reading]

    @property
    def words(self) -> List[HitWord]:
        """Each word's part in the score, where it was asked for with explain=True."""
        out = []
        for i in range(self._c.word_count):
            part = HitWord(self._c.words[i], self._owner)
            part.word = self._readings[part.text][self._c.words[i].word].word
            out.append(part)
        return out


class Results(Items[Hit]):
    """Hits, best first; valid whatever happens to the gallery. `searched` images passed the filters."""

    def __init__(self, c: Any, owner: Any, query: Any = "", root: Optional[str] = None):
        self._c, self._owner, self.query, self.root = c, owner, query, root

    def __len__(self) -> int:
        return int(self._c.count)

    def _item(self, index: int) -> Hit:
        hit = Hit(self._c.hits[index], self._owner)
        hit._readings = self.readings
        return hit

    @property
    def ids(self) -> List[str]:
        return [text(self._c.hits[i].id) for i in range(len(self))]

    @property
    def scores(self) -> np.ndarray:
        """Scores of the hits, float64."""
        return np.array([self._c.hits[i].score for i in range(len(self))])

    @property
    def readings(self) -> List[Reading]:
        """What became of the words of each text of the query."""
        return [Reading(self._c.readings[i], self._owner) for i in range(self._c.reading_count)]

    @property
    def searched(self) -> int:
        return int(self._c.searched)

    @property
    def rescored(self) -> int:
        """Images whose score was computed exactly; bounds ruled the others out."""
        return int(self._c.rescored)

    @property
    def seconds(self) -> float:
        return float(self._c.seconds)

    def __repr__(self) -> str:
        return "\n".join("%9.4f  %s" % (hit.score, hit.name or hit.id) for hit in self) or "Results()"

    def _repr_html_(self) -> str:
        return _looks.results(self)


def _texts_of(query: Query) -> List[Tuple[str, float]]:
    items = [query] if isinstance(query, str) or (isinstance(query, tuple) and len(query) == 2 and
                                                  isinstance(query[1], (int, float))) else query
    return [(item, 1.0) if isinstance(item, str) else (str(item[0]), float(item[1])) for item in items]  # type: ignore[index]


class _Query:
    """A mask_query and what it points to."""

    def __init__(self, texts: Sequence[Tuple[str, float]], images: Sequence[Tuple[Any, float]], k: int, offset: int,
                 min_score: Optional[float], where: Optional[str], ids: Optional[Sequence[str]], explain: bool):
        self.kept: List[Any] = []
        self.c = q = ffi.new("mask_query *")
        q[0] = lib.mask_query_defaults()
        q.k, q.offset, q.explain = k, offset, explain
        if texts:
            held = [ffi.new("char[]", item.encode(errors="surrogateescape")) for item, _ in texts]
            q.texts = array = ffi.new("mask_query_text[]", [(c, weight) for c, (_, weight) in zip(held, texts)])
            q.count = len(held)
            self.kept += [held, array]
        if images:
            q.images = array = ffi.new("mask_query_image[]", [self.image(*item) for item in images])
            q.image_count = len(images)
            self.kept.append(array)
        if min_score is not None:
            q.min_score = min_score
        if where is not None:
            q.where = self.keep(ffi.new("char[]", where.encode()))
        if ids is not None:
            given = [""] if len(ids) == 0 else ids  # an empty list lets nothing through
            array, held = strings(given)
            q.ids, q.id_count = array, len(held)
            self.kept += [array, held]

    def keep(self, c: Any) -> Any:
        self.kept.append(c)
        return c

    def image(self, image: Any, weight: float) -> Dict[str, Any]:
        """An id of the gallery, or Images, of which the first is meant."""
        if isinstance(image, str):
            return {"id": self.keep(ffi.new("char[]", image.encode(errors="surrogateescape"))), "weight": weight}
        images = as_images(image)
        return {"images": self.keep(images._c), "image": 0, "weight": weight}


def _clickhouse(url: str, database: str, cluster: str) -> Tuple[Any, List[Any]]:
    """A mask_clickhouse * and what must live as long."""
    c, (_, kept) = ffi.new("mask_clickhouse *"), strings([url, database, cluster])
    c[0] = lib.mask_clickhouse_defaults()
    c.urls, c.database, c.cluster = kept
    return c, kept


class Gallery(Handle):
    """An index over images in a folder, open for searching: exact rankings, whatever its size.

    Any number of threads may search while one changes it. vectors: None = those that its knowledge names.
    """

    root: Optional[str] = None  # the folder of its photos, where there is one

    def __init__(self, path: Path, vectors: Union[Vectors, Path, None] = None, progress: Progress = None):
        out = ffi.new("mask_gallery **")
        self.path = os.path.expanduser(os.fspath(path))
        Run(progress)(lib.mask_gallery_open, out, encoded(path))
        self._take(out, lib.mask_gallery_close)
        self._find_vectors(vectors)
        self._again = Gallery, (self.path,)

    def _find_vectors(self, vectors: Union[Vectors, Path, None]) -> None:
        if vectors is None and self.info.options.ood != "off":
            vectors = open_vectors(self.info.vectors_path)
        self.vectors = Vectors(vectors) if isinstance(vectors, (str, os.PathLike)) else vectors

    @classmethod
    @documents("MATCH", "GALLERY")
    def create(cls, path: Path, knowledge: Union[Knowledge, Path], vectors: Union[Vectors, Path, None] = None,
               **options: Any) -> "Gallery":
        """Makes an empty gallery with a copy of a calibrated knowledge, and opens it. One that is there already with the
        same knowledge and options is opened as it is. options, of matching and of the gallery, are fixed from now on."""
        knowledge = knowledge if isinstance(knowledge, Knowledge) else Knowledge(knowledge)
        shape = Options("GALLERY", {name: options.pop(name) for name in TABLES["GALLERY"] if name in options})
        o = Options("MATCH", options, start=knowledge._match()[0])
        call(lib.mask_gallery_create, encoded(path), knowledge._c, o.c, shape.c)
        return cls(path, vectors)

    @staticmethod
    def delete(path: Path) -> None:
        """Removes a gallery with all its files; what others put into the folder stays."""
        call(lib.mask_gallery_delete, encoded(path))

    @property
    def info(self) -> Struct:
        """images, removed, segments, regions, words, dim, bytes, generation, options, ... (mask.h)."""
        info = ffi.new("mask_gallery_info *")
        lib.mask_gallery_describe(self._c, info)
        return Struct(info, self._c)

    def __len__(self) -> int:
        return int(self.info.images)

    def name(self, id: str) -> Optional[str]:
        """The path of an image's file; None where it is not known. MaskError when no image has the id."""
        out = ffi.new("char **")
        call(lib.mask_gallery_name, self._c, id.encode(errors="surrogateescape"), out)
        name: Optional[str] = text(out[0])
        lib.free(out[0])
        return name

    def metadata(self, ids: Optional[Sequence[str]] = None) -> List[Any]:
        """What is known of images beside their features, a dict of each (None of an id that is not there). Without ids, the
        names of the columns that `where` can ask for."""
        out, (array, kept) = ffi.new("char **"), strings(ids or [])
        if ids is not None and not kept:
            return []
        call(lib.mask_gallery_metadata, self._c, array, len(kept), out)
        return list(json.loads(ffi.string(ffi.gc(out[0], lib.free)).decode(errors="surrogateescape")))

    # -- Changing it --

    def _change(self, progress: Progress, function: Any, *arguments: Any) -> Struct:
        change = ffi.new("mask_gallery_change *")
        self._c
        Run(progress)(function, encoded(self.path), *arguments, change)
        self.refresh()
        return Struct(change)

    def add(self, images: Any, progress: Progress = None) -> Struct:
        """Adds images, or replaces those of the same id. Stopped, it goes on when it is called again."""
        images = as_images(images)
        return self._change(progress, lib.mask_gallery_add, images._c)

    def remove(self, ids: Union[str, Iterable[str]], progress: Progress = None) -> Struct:
        """Removes images by id; `missing` of the answer counts those that were not there."""
        array, kept = strings([ids] if isinstance(ids, str) else list(ids))
        return self._change(progress, lib.mask_gallery_remove, array, len(kept))

    def keep(self, images: Any, progress: Progress = None) -> Struct:
        """Removes the images that are not, by id, among these."""
        images = as_images(images)
        return self._change(progress, lib.mask_gallery_keep, images._c)

    def describe(self, metadata: Union[Path, Mapping[str, Mapping[str, Any]]], progress: Progress = None) -> None:
        """Sets metadata that `where` asks for: a tab-separated table whose first column is `id`, or a dict of dicts by id."""
        if not isinstance(metadata, Mapping):
            Run(progress)(lib.mask_gallery_describe_images, encoded(self.path), encoded(metadata))
        else:
            columns = list(dict.fromkeys(name for row in metadata.values() for name in row))
            with tempfile.NamedTemporaryFile("w", suffix=".tsv", encoding="utf8", errors="surrogateescape") as file:
                for cells in [("id", *columns), *((id, *(row.get(name, "") for name in columns)) for id, row in metadata.items())]:
                    file.write("\t".join(" ".join(str(cell).split()) for cell in cells) + "\n")
                file.flush()
                Run(progress)(lib.mask_gallery_describe_images, encoded(self.path), encoded(file.name))
        self.refresh()

    def compact(self, progress: Progress = None) -> None:
        """Rewrites segments with many removed images and joins small ones."""
        Run(progress)(lib.mask_gallery_compact, encoded(self.path))
        self.refresh()

    def verify(self, progress: Progress = None) -> None:
        """Reads all of it against its checksums."""
        Run(progress)(lib.mask_gallery_verify, encoded(self.path))

    def refresh(self) -> bool:
        """Brings it to its state at this moment; whether that is another. Changes by this object do so by themselves."""
        changed = ffi.new("bool *")
        call(lib.mask_gallery_refresh, self._c, changed, quick())
        return bool(changed[0])

    # -- Searching --

    def search(self, query: Query = (), k: int = 10, offset: int = 0, images: Sequence[Any] = (), where: Optional[str] = None,
               ids: Optional[Sequence[str]] = None, min_score: Optional[float] = None, explain: bool = True,
               min_confidence: float = 0) -> Results:
        """The k best images.

        query    a text, a (text, weight), or a list of these, whose weighted scores are added; a negative weight sends
                 images like it down
        images   ids of the gallery, Images of one photo (Extractor.images), or pairs of these with a weight
        where    an SQL condition over the images' metadata
        ids      only these
        explain  each hit tells its words' parts and regions
        min_confidence  only hits at least so sure, 0 to 1, where the knowledge is calibrated for it (Hit.confidence)
        """
        pairs = [item if isinstance(item, tuple) else (item, 1.0) for item in images]
        q = _Query(_texts_of(query), pairs, k, offset, min_score, where, ids, explain)
        q.c.min_confidence = min_confidence
        out = ffi.gc(ffi.new("mask_results *"), lib.mask_results_free)
        call(lib.mask_gallery_search, self._c, self.vectors._c if self.vectors else ffi.NULL, q.c, out, quick())
        return Results(out, out, query, self.root)

    def search_batch(self, queries: Sequence[Query], k: int = 10, where: Optional[str] = None, ids: Optional[Sequence[str]] = None,
                     min_score: Optional[float] = None, explain: bool = False, progress: Progress = None) -> List[Results]:
        """Many queries, on every core. A query without a usable word has no hits."""
        asked = [_Query(_texts_of(query), (), k, 0, min_score, where, ids, explain) for query in queries]
        array, out = ffi.new("mask_query[]", [q.c[0] for q in asked]), ffi.new("mask_results[]", len(asked))

        def free(results: Any, count: int = len(asked)) -> None:
            for i in range(count):
                lib.mask_results_free(results + i)

        owner = ffi.gc(out, free)
        Run(progress)(lib.mask_gallery_search_batch, self._c, self.vectors._c if self.vectors else ffi.NULL, array, len(asked), out)
        return [Results(out[i], owner, query, self.root) for i, query in enumerate(queries)]

    def similar(self, image: Any, k: int = 10, offset: int = 0, where: Optional[str] = None, ids: Optional[Sequence[str]] = None,
                min_score: Optional[float] = None) -> Results:
        """The images most like one of the gallery, by id, or like any photo (Images of one, from Extractor.images)."""
        return self.search((), k, offset, [image], where, ids, min_score)

    # -- In a database --

    def export_clickhouse(self, url: str, database: str = "mask", cluster: str = "", progress: Progress = None) -> int:
        """Copies the gallery as it is, or what has changed since the last time, into a ClickHouse database; how many rows were
        written. url: "http://host:8123/", of several servers of a cluster with commas."""
        rows, to, kept = ffi.new("uint64_t *"), *_clickhouse(url, database, cluster)
        Run(progress)(lib.mask_clickhouse_export, encoded(self.path), to, rows)
        return int(rows[0])

    @classmethod
    def open_clickhouse(cls, url: str, database: str = "mask", cluster: str = "", vectors: Union[Vectors, Path, None] = None,
                        cache: Optional[Path] = None, progress: Progress = None) -> "Gallery":
        """Opens a gallery that was exported, for searches by texts: the same results as the gallery's. What reads texts is copied
        into a folder below `cache` (None = ~/.cache/mask) the first time."""
        out, (of, kept) = ffi.new("mask_gallery **"), _clickhouse(url, database, cluster)
        cache = cache or cache_folder()
        Run(progress)(lib.mask_gallery_open_clickhouse, out, of, encoded(cache))
        self = cls.__new__(cls)
        self.path = url
        self._take(out, lib.mask_gallery_close)
        self._find_vectors(vectors)
        self._again = Gallery.open_clickhouse, (url, database, cluster, vectors, cache)
        return self

    def sql(self, query: Query, k: int = 10) -> str:
        """The statement by which a gallery in a database finds the images with the k highest upper bounds."""
        q, out = _Query(_texts_of(query), (), k, 0, None, None, None, False), ffi.new("char **")
        call(lib.mask_gallery_sql, self._c, self.vectors._c if self.vectors else ffi.NULL, q.c, out)
        return str(text(ffi.gc(out[0], lib.free)))

    def annotator(self, texts: Any, progress: Progress = None) -> "Annotator":
        """Texts made ready to be ranked for this gallery's images."""
        return Annotator(self, texts, progress)

    def annotate(self, id: str, texts: Any, k: int = 10) -> List[Tuple[str, float]]:
        """The k texts that score highest with an image, best first. For many images open an annotator once."""
        return self.annotator(texts).image(id, k)

    def _repr_html_(self) -> str:
        return _looks.table([(name, value) for name, value in self.info.as_dict().items()])


class _Annotations:
    """What mask_annotator_all hands over, image by image."""

    def __init__(self) -> None:
        self.failure: Optional[BaseException] = None
        self.best: Dict[str, List[Tuple[int, float]]] = {}


@ffi.def_extern(error=1, onerror=failed)
def mask_py_annotation(user: Any, id: Any, best: Any, count: int) -> int:
    ffi.from_handle(user).best[text(id)] = [(int(best[i].text), float(best[i].score)) for i in range(count)]
    return 0


class Annotator(Handle):
    """Texts ready to be ranked for the images of a gallery as it was when this was opened."""

    def __init__(self, gallery: Gallery, texts: Any, progress: Progress = None):
        self.texts = as_texts(texts)
        out = ffi.new("mask_annotator **")
        vectors = gallery.vectors._c if gallery.vectors else None
        Run(progress)(lib.mask_annotator_open, out, gallery._c, vectors or ffi.NULL, self.texts._c)
        self._take(out, lib.mask_annotator_close, (gallery._c, vectors))

    def image(self, id: str, k: int = 10) -> List[Tuple[str, float]]:
        """The k texts that score highest with an image, with their scores, best first."""
        out, count = ffi.new("mask_annotation[]", max(k, 1)), ffi.new("size_t *")
        call(lib.mask_annotator_image, self._c, id.encode(errors="surrogateescape"), k, out, count)
        return [(self.texts[out[i].text], out[i].score) for i in range(count[0])]

    def all(self, k: int = 10, progress: Progress = None) -> Dict[str, List[Tuple[int, float]]]:
        """For every image, by id: positions of the k best texts, and their scores."""
        out = _Annotations()
        handle = ffi.new_handle(out)
        try:
            Run(progress)(lib.mask_annotator_all, self._c, k, lib.mask_py_annotation, handle)
        except MaskError:
            raise out.failure or sys.exc_info()[1]  # type: ignore[misc]
        return out.best
