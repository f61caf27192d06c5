"""What goes in: word vectors, images as sets of region features, texts, labelled regions."""
from __future__ import annotations

import os
from typing import Any, Iterator, List, NamedTuple, Optional, Sequence, Tuple, Union

import numpy as np

from ._core import (Handle, Items, MaskError, Options, Path, Progress, Run, Struct, call, copied, documents, encoded, ffi, floats,
                    lib, position, quick, strings, text)


class Vectors(Handle):
    """Word vectors of a .mvec file: `vectors["dog"]` is an array of `dim` values."""

    def __init__(self, path: Path):
        out = ffi.new("mask_vectors **")
        Run()(lib.mask_vectors_open, out, encoded(path))
        self._take(out, lib.mask_vectors_close)
        self._again = Vectors, (os.fspath(path),)

    @staticmethod
    @documents("VECTORS")
    def convert(source: Path, to: Path, progress: Progress = None, **options: Any) -> "Vectors":
        """Writes a .mvec file of GloVe's text, word2vec's binary, fastText's .vec or wink's JSON, .gz too, and opens it."""
        Run(progress)(lib.mask_vectors_import, encoded(source), encoded(to), Options("VECTORS", options).c)
        return Vectors(to)

    def __len__(self) -> int:
        return int(lib.mask_vectors_count(self._c))

    @property
    def dim(self) -> int:
        return int(lib.mask_vectors_dim(self._c))

    @property
    def path(self) -> str:
        return str(text(lib.mask_vectors_path(self._c)))

    @property
    def fingerprint(self) -> int:
        """Identifies words and numbers; a knowledge remembers that of the vectors it was learned with."""
        return int(lib.mask_vectors_fingerprint(self._c))

    @property
    def words(self) -> List[str]:
        """All words, in the order of rows."""
        return [self._word(row) for row in range(len(self))]

    def _word(self, row: int) -> str:
        length = ffi.new("size_t *")
        word = lib.mask_vectors_word(self._c, row, length)
        return bytes(ffi.buffer(word, length[0])).decode(errors="surrogateescape")

    def _row(self, word: str) -> int:
        raw = word.encode(errors="surrogateescape")
        return int(lib.mask_vectors_find(self._c, raw, len(raw)))

    def __contains__(self, word: object) -> bool:
        return isinstance(word, str) and self._row(word) >= 0

    def __getitem__(self, word: Union[str, int]) -> np.ndarray:
        """The vector of a word (exact spelling), or of a row: `dim` values of float32."""
        row = self._row(word) if isinstance(word, str) else word
        if isinstance(word, str) and row < 0:
            raise KeyError(word)
        if not 0 <= row < len(self):
            raise IndexError(row)
        out = np.empty(self.dim, np.float32)
        lib.mask_vectors_get(self._c, row, floats(out))
        return out

    def near(self, query: Union[str, np.ndarray], k: int = 10) -> List[Tuple[str, float]]:
        """The k words nearest to a word or a vector, with their cosines, best first."""
        vector = self[query] if isinstance(query, str) else np.ascontiguousarray(query, np.float32)
        if vector.shape != (self.dim,):
            raise ValueError("the query has shape %s, the vectors have %d dimensions" % (vector.shape, self.dim))
        out, found = ffi.new("mask_neighbour[]", max(k, 1)), ffi.new("size_t *")
        call(lib.mask_vectors_near, self._c, floats(vector), k, out, found, quick())
        return [(self._word(out[i].row), out[i].cosine) for i in range(found[0])]

    def verify(self) -> None:
        """Reads all of the file against its checksums."""
        call(lib.mask_vectors_verify, self._c)


# ---- Images -----------------------------------------------------------------------------------------------------


def _whole_floats(array: np.ndarray) -> bool:
    """Whether the library can read an array where it lies."""
    return (array.dtype == np.float32 and array.flags.aligned and array.dtype.isnative and
            all(stride > 0 and stride % 4 == 0 for stride in array.strides))


def _as_floats(array: Any, shape: Tuple[int, ...], what: str) -> np.ndarray:
    out = np.ascontiguousarray(array, np.float32)
    if out.shape != shape:
        raise ValueError("%s: shape %s, expected %s" % (what, out.shape, shape))
    return out


class Images(Handle):
    """Images as sets of region features: arrays of this program, or files (Images.open).

    features  an array of images x regions x dim, or a list with an array of regions x dim for each image. float32 whose
              strides are whole floats is read where it lies: it must not change while the images are open. Anything else
              is copied.
    ids       a text for each image; None = positions, "0", "1", ...
    names     file names; None = not known
    boxes     x1, y1, x2, y2 of every region: an array of images x regions x 4, or a list with one of regions x 4 for each image
    sizes     width and height of each image: images x 2
    """

    def __init__(self, features: Union[np.ndarray, Sequence[np.ndarray]], ids: Optional[Sequence[str]] = None,
                 names: Optional[Sequence[Optional[str]]] = None, boxes: Any = None, sizes: Any = None):
        memory = ffi.new("mask_images_memory *", {"borrow": True})
        if isinstance(features, np.ndarray):
            held = self._one_array(memory, features)
            regions = [features.shape[1]] * len(features)
        else:
            held = self._many_arrays(memory, features)
            regions = [len(array) for array in features]
        rest: List[Any] = []
        for name, values in (("ids", ids), ("names", names)):
            if values is not None:
                if len(values) != memory.count:
                    raise ValueError("%s: %d of them for %d images" % (name, len(values), memory.count))
                array, kept = strings(values)
                setattr(memory, name, array)
                rest += [array, kept]
        if boxes is not None:
            joined = boxes if isinstance(boxes, np.ndarray) else np.concatenate([*boxes, np.empty((0, 4))])
            flat = _as_floats(np.reshape(joined, (-1, 4)), (sum(regions), 4), "boxes")
            memory.boxes = floats(flat)
            held.append(flat)
        if sizes is not None:
            pairs = _as_floats(sizes, (len(regions), 2), "sizes")
            memory.sizes = floats(pairs)
            held.append(pairs)
        out = ffi.new("mask_images **")
        call(lib.mask_images_create, out, memory)
        self._take(out, lib.mask_images_close, (held,))

    @staticmethod
    def _one_array(memory: Any, features: np.ndarray) -> List[Any]:
        if features.ndim != 3:
            raise ValueError("features: shape %s, expected images x regions x dim" % (features.shape,))
        array = features if _whole_floats(features) else np.ascontiguousarray(features, np.float32)
        memory.count, memory.regions, memory.dim = array.shape
        memory.features, memory.strides = floats(array), list(array.strides)
        return [array]

    @staticmethod
    def _many_arrays(memory: Any, features: Sequence[np.ndarray]) -> List[Any]:
        arrays = [np.ascontiguousarray(array, np.float32) for array in features]
        if not arrays:
            raise ValueError("features: an empty list does not tell the dimensions: give an array of 0 x 1 x dim")
        for i, array in enumerate(arrays):
            if array.ndim != 2 or array.shape[1] != arrays[0].shape[1]:
                raise ValueError("features of image %d: shape %s, expected regions x %d" % (i, array.shape, arrays[0].shape[-1]))
        each = ffi.new("const float *[]", [floats(array) for array in arrays])
        counts = ffi.new("size_t[]", [len(array) for array in arrays])
        memory.count, memory.dim, memory.each, memory.each_regions = len(arrays), arrays[0].shape[1], each, counts
        return [arrays, each, counts]

    @classmethod
    def open(cls, path: Path, split: Optional[str] = None, progress: Progress = None) -> "Images":
        """Opens *_ims.npy, a precomp folder with a split ("dev"), TSV of bottom-up attention or LXMERT, folders of .npz,
        HDF5, or a region store of extract(); told apart by content."""
        out = ffi.new("mask_images **")
        Run(progress)(lib.mask_images_open, out, encoded(path), split.encode() if split else ffi.NULL)
        self = cls.__new__(cls)
        self._take(out, lib.mask_images_close)
        self._again = Images.open, (os.fspath(path), split)
        return self

    @documents("CONVERT")
    def save(self, path: Path, progress: Progress = None, **options: Any) -> None:
        """Writes the features as a *_ims.npy file, a folder of .npz (to="npz") or a TSV of bottom-up attention (to="tsv"), one
        image in memory at a time."""
        Run(progress)(lib.mask_images_convert, self._c, encoded(path), Options("CONVERT", options).c)

    def __len__(self) -> int:
        return int(lib.mask_images_count(self._c))

    @property
    def dim(self) -> int:
        """Length of a region's feature."""
        return int(lib.mask_images_dim(self._c))

    @property
    def ids(self) -> List[str]:
        return [text(lib.mask_images_id(self._c, i)) for i in range(len(self))]

    @property
    def names(self) -> List[Optional[str]]:
        """File names, None where one is not known."""
        return [text(lib.mask_images_name(self._c, i)) for i in range(len(self))]

    def _check(self, image: int) -> int:
        return position(image, len(self))

    def regions(self, image: int) -> int:
        """How many regions an image has."""
        return int(lib.mask_images_regions(self._c, self._check(image)))

    def find(self, id: str) -> int:
        """The position of the image with this id or file name; KeyError when none has it."""
        image = int(lib.mask_images_find(self._c, id.encode(errors="surrogateescape")))
        if image < 0:
            raise KeyError(id)
        return image

    def __getitem__(self, image: int) -> np.ndarray:
        """A copy of an image's features, regions x dim, float32."""
        image = self._check(image)
        out = np.empty((self.regions(image), self.dim), np.float32)
        call(lib.mask_images_features, self._c, image, floats(out))
        return out

    def __iter__(self) -> Iterator[np.ndarray]:
        return (self[i] for i in range(len(self)))

    def boxes(self, image: int) -> Optional[np.ndarray]:
        """x1, y1, x2, y2 of an image's regions, regions x 4; None when they are not known."""
        image = self._check(image)
        box, out = ffi.new("float[4]"), np.empty((self.regions(image), 4), np.float32)
        for region in range(len(out)):
            if not lib.mask_images_box(self._c, image, region, box):
                return None
            out[region] = list(box)
        return out


def as_images(images: Any) -> Images:
    """Images, arrays, or the path of a file."""
    if isinstance(images, Images):
        return images
    return Images.open(images) if isinstance(images, (str, os.PathLike)) else Images(images)


# ---- Texts ------------------------------------------------------------------------------------------------------


class Texts(Handle, Items[str]):
    """A list of texts in the library: of strings, or of a file (Texts.open)."""

    def __init__(self, texts: Sequence[str]):
        array, kept = strings(texts)
        out = ffi.new("mask_texts **")
        call(lib.mask_texts_create, out, array, len(kept))
        self._take(out, lib.mask_texts_close)
        self._again = Texts, (list(texts),)

    @classmethod
    def open(cls, path: Path, split: Optional[str] = None) -> "Texts":
        """Opens a file with a text per line, or a Karpathy JSON, of which a split ("test") can be taken."""
        out = ffi.new("mask_texts **")
        Run()(lib.mask_texts_open, out, encoded(path), split.encode() if split else ffi.NULL)
        self = cls.__new__(cls)
        self._take(out, lib.mask_texts_close)
        self._again = Texts.open, (os.fspath(path), split)
        return self

    def __len__(self) -> int:
        return int(lib.mask_texts_count(self._c))

    def _item(self, index: int) -> str:
        return str(text(lib.mask_texts_get(self._c, index)))

    @property
    def by_name(self) -> bool:
        """Whether open_dataset paired them with images by name, and not by position."""
        return bool(lib.mask_texts_by_name(self._c))


def as_texts(texts: Any) -> Texts:
    """Texts, one string, or a list of strings."""
    return texts if isinstance(texts, Texts) else Texts([texts] if isinstance(texts, str) else list(texts))


class Dataset(NamedTuple):
    """Images with five texts each: text t belongs to image t // 5."""
    images: Images
    texts: Texts


def open_dataset(folder: Path, split: Optional[str] = None, captions: Optional[Path] = None, progress: Progress = None) -> Dataset:
    """Opens both sides of a split of a precomp folder, or images with their captions' file, in the images' order."""
    images, texts = ffi.new("mask_images **"), ffi.new("mask_texts **")
    Run(progress)(lib.mask_dataset_open, images, texts, encoded(folder), split.encode() if split else ffi.NULL,
                  encoded(captions) if captions else ffi.NULL)
    out = Dataset(Images.__new__(Images), Texts.__new__(Texts))
    out.images._take(images, lib.mask_images_close)
    out.texts._take(texts, lib.mask_texts_close)
    return out


class Labels(Handle, Items[str]):
    """Labelled regions to learn from: a folder with features.npy (regions x dim) and regions.tsv. As a sequence, their labels."""

    def __init__(self, folder: Path):
        out = ffi.new("mask_labels **")
        Run()(lib.mask_labels_open, out, encoded(folder))
        self._take(out, lib.mask_labels_close)
        self._again = Labels, (os.fspath(folder),)

    @classmethod
    def bare(cls, images: Images) -> "Labels":
        """Regions without labels, for learning from a classifier's head alone."""
        out = ffi.new("mask_labels **")
        call(lib.mask_labels_bare, out, images._c)
        self = cls.__new__(cls)
        self._take(out, lib.mask_labels_close, (images._c,))
        return self

    def __len__(self) -> int:
        return int(lib.mask_labels_regions(self._c))

    @property
    def images(self) -> int:
        return int(lib.mask_labels_images(self._c))

    @property
    def dim(self) -> int:
        return int(lib.mask_labels_dim(self._c))

    def _item(self, index: int) -> str:
        return str(text(lib.mask_labels_text(self._c, index)))


# ---- Other programs' annotations as labelled regions ----------------------------------------------------------------


@documents("REGIONS")
def regions_from_genome(source: Path, to: Path, progress: Progress = None, **options: Any) -> Struct:
    """Writes a regions.tsv of Visual Genome's objects.json, attributes.json or region_descriptions.json. The answer counts images,
    regions, and what was dropped and why."""
    report = ffi.new("mask_regions_report *")
    Run(progress)(lib.mask_regions_from_genome, encoded(source), encoded(to), Options("REGIONS", options).c, report)
    return Struct(report)


def regions_from_entities(folder: Path, to: Path, split: Optional[str] = None, progress: Progress = None) -> Struct:
    """Writes a regions.tsv of Flickr30K Entities: a folder with Sentences, Annotations and, for a split, SPLIT.txt."""
    report = ffi.new("mask_regions_report *")
    Run(progress)(lib.mask_regions_from_entities, encoded(folder), split.encode() if split else ffi.NULL, encoded(to), report)
    return Struct(report)


def regions_from_detections(source: Path, folder: Path, vocabulary: Path, attribute_vocabulary: Optional[Path] = None,
                            min_confidence: float = 0, progress: Progress = None) -> Struct:
    """Writes a folder of labelled regions, features and all, of a TSV of LXMERT's ten columns. A region's label is its attribute,
    where their vocabulary is given, and its class; those whose class is less sure than min_confidence are left out."""
    report = ffi.new("mask_regions_report *")
    Run(progress)(lib.mask_regions_from_detections, encoded(source), encoded(folder), encoded(vocabulary),
                  encoded(attribute_vocabulary) if attribute_vocabulary else ffi.NULL, min_confidence, report)
    return Struct(report)


# ---- Files that come with mask ------------------------------------------------------------------------------------


def data_file(name: str) -> str:
    """A file that comes with mask: "default.menc", "starter.mask", "starter.mvec". MASK_DATA names another folder."""
    beside = os.path.dirname(os.path.realpath(text(lib.mask_py_library()))).split("/glibc-hwcaps/")[0]
    given = os.environ.get("MASK_DATA")
    places = [given] if given else [os.path.join(os.path.dirname(__file__), "data"), beside,
                                    os.path.join(beside, "..", "share", "mask"), os.path.join(beside, "..", "..", "share", "mask"),
                                    os.path.join(os.environ.get("XDG_DATA_HOME") or os.path.expanduser("~/.local/share"), "mask")]
    for place in places:
        if os.path.exists(os.path.join(place, name)):
            return os.path.normpath(os.path.join(place, name))
    raise MaskError("%s: is not in %s: name its folder in MASK_DATA" % (name, ", ".join(places)), lib.MASK_ENOTFOUND)


def usual_encoder() -> str:
    """The encoder of photos unless another is named: that of MASK_ENCODER, or the one that comes with mask."""
    return os.environ.get("MASK_ENCODER") or data_file("default.menc")


def cache_folder() -> str:
    """Where what is kept between runs lies, as the command line has it; it is made."""
    folder = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "mask")
    os.makedirs(folder, exist_ok=True)
    return folder


def open_vectors(path: Optional[str]) -> Vectors:
    """The vectors a knowledge names; where they have moved, a file of that name that comes with mask."""
    try:
        return Vectors(path or "")
    except MaskError:
        try:
            return Vectors(data_file(os.path.basename(path or "")))
        except MaskError:
            pass
        raise
