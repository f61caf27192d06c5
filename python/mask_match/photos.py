"""Photos: their regions and features, stores of them, and folders of photos to search."""
from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Iterable, List, NamedTuple, Optional, Sequence, Union

import numpy as np

from ._core import Handle, Options, Path, Progress, Run, Struct, _threads, call, documents, encoded, ffi, floats, lib, strings, text
from .data import Images, cache_folder, data_file, usual_encoder
from .gallery import Gallery, Results


class Regions(NamedTuple):
    """A photo's regions; region 0 is the whole photo."""
    boxes: np.ndarray  # regions x 4: x1, y1, x2, y2 in pixels of the upright photo
    features: np.ndarray  # regions x dim, float32
    labels: np.ndarray  # regions; -1 = not of the detector
    scores: np.ndarray  # regions; of the detector, else 0
    width: int
    height: int


def upright(photo: Any) -> Any:
    """A PIL image as its boxes see it: turned as EXIF says, RGB."""
    from PIL import ImageOps
    return ImageOps.exif_transpose(photo).convert("RGB")


class _Photo:
    """A path, bytes of a file, an array of height x width x 3 bytes, or a PIL image as a mask_photo."""

    def __init__(self, photo: Any):
        self.c = ffi.new("mask_photo *")
        self.id = "photo"
        if isinstance(photo, (str, os.PathLike)):
            self.kept: Any = ffi.new("char[]", encoded(photo))
            self.c.path, self.id = self.kept, os.fspath(photo)
        elif isinstance(photo, (bytes, bytearray, memoryview)):
            self.kept = ffi.from_buffer(photo)
            self.c.bytes, self.c.size = self.kept, len(self.kept)
        else:
            array = np.asarray(photo if isinstance(photo, np.ndarray) else upright(photo))
            if array.ndim == 2:
                array = np.repeat(array[:, :, None], 3, 2)
            if array.ndim != 3 or array.shape[2] != 3 or array.dtype != np.uint8:
                raise ValueError("a photo as an array is height x width x 3 of uint8, not %s of %s" % (array.shape, array.dtype))
            if array.strides[2] != 1 or array.strides[1] != 3 or array.strides[0] < 3 * array.shape[1]:
                array = np.ascontiguousarray(array)
            self.kept = array
            self.c.rgb = ffi.cast("uint8_t *", array.ctypes.data)
            self.c.height, self.c.width = array.shape[:2]
            self.c.stride = array.strides[0]


class Extractor(Handle):
    """Photos to regions in memory. encoder: a .menc file, None = MASK_ENCODER, or the one that comes with mask. Threads may share it."""

    @documents("EXTRACT")
    def __init__(self, encoder: Optional[Path] = None, **options: Any):
        """Opens the networks."""
        out, o = ffi.new("mask_extractor **"), Options("EXTRACT", options)
        Run()(lib.mask_extractor_open, out, encoded(encoder or usual_encoder()), o.c)
        self._take(out, lib.mask_extractor_close)

    @property
    def dim(self) -> int:
        """Length of a feature."""
        return int(lib.mask_extractor_dim(self._c))

    @property
    def most(self) -> int:
        """Regions that a photo has at most."""
        return int(lib.mask_extractor_most(self._c))

    def label(self, label: int) -> Optional[str]:
        """What the detector calls such a label."""
        name: Optional[str] = text(lib.mask_extractor_label(self._c, label))
        return name

    def regions(self, photo: Any) -> Regions:
        """Boxes and features of a photo: a path, bytes of a file, an array of height x width x 3 bytes, or a PIL image."""
        p, room = _Photo(photo), self.most
        boxes, features = np.empty((room, 4), np.float32), np.empty((room, self.dim), np.float32)
        labels, scores = np.empty(room, np.int32), np.empty(room, np.float32)
        out = ffi.new("mask_photo_regions *", {"room": room, "boxes": floats(boxes), "scores": floats(scores),
                                               "features": floats(features),
                                               "labels": ffi.cast("int32_t *", labels.ctypes.data)})
        call(lib.mask_extractor_regions, self._c, p.c, out)
        n = out.count
        return Regions(boxes[:n], features[:n], labels[:n], scores[:n], out.width, out.height)

    def images(self, photos: Any, ids: Optional[Sequence[str]] = None) -> Images:
        """Images of a photo, or of a list of them: to score, to search with, to add to a gallery. ids: None = the paths,
        else "photo", "photo 1", ..."""
        many = list(photos) if isinstance(photos, (list, tuple)) else [photos]
        with ThreadPoolExecutor(_threads or os.cpu_count() or 1) as pool:
            found = list(pool.map(self.regions, many))
        names = [os.fspath(p) if isinstance(p, (str, os.PathLike)) else None for p in many]
        own = [name or ("photo %d" % i if i else "photo") for i, name in enumerate(names)]
        return Images([r.features for r in found], ids or own, names, [r.boxes for r in found],
                      np.array([(r.width, r.height) for r in found], np.float32))


@documents("EXTRACT")
def extract(photos: Union[Path, Iterable[Path]], out: Path, progress: Progress = None, **options: Any) -> Struct:
    """Reads photos, files and folders with all below them, into a region store, which Images.open opens. A store that is
    there is continued. The answer counts photos: photos, good, extracted, unchanged, bad, ..."""
    many = [photos] if isinstance(photos, (str, os.PathLike)) else list(photos)
    array, kept = strings([os.path.expanduser(os.fspath(p)) for p in many])
    o = Options("EXTRACT", {"encoder": usual_encoder(), **options})
    report = ffi.new("mask_extract_report *")
    Run(progress)(lib.mask_extract, array, len(kept), encoded(out), o.c, report)
    return Struct(report)


def describe_store(path: Path) -> Struct:
    """What a region store holds: photos, bad, regions, dim, encoder (its fingerprint), options (how regions were chosen)."""
    info = ffi.new("mask_extract_info *")
    call(lib.mask_extract_describe, info, encoded(path))
    return Struct(info)


class PhotoFacts(NamedTuple):
    """What a camera wrote into a photo (EXIF)."""
    date: Optional[str]  # "2019-06-01 14:03:22", of where it was taken
    latitude: Optional[float]  # degrees, north
    longitude: Optional[float]  # degrees, east


def photo_facts(path: Path) -> PhotoFacts:
    """Date and place of a photo, None where the camera did not write them."""
    facts = ffi.new("mask_photo_facts *")
    call(lib.mask_photo_describe, facts, encoded(path))
    place = [None if np.isnan(value) else value for value in (facts.latitude, facts.longitude)]
    return PhotoFacts(text(facts.date) or None, *place)


def thumbnail(path: Path, side: int = 320) -> bytes:
    """A photo, upright and at most side x side pixels, as JPEG."""
    jpeg, size = ffi.new("unsigned char **"), ffi.new("size_t *")
    call(lib.mask_photo_thumbnail, encoded(path), side, jpeg, size)
    data = bytes(ffi.buffer(jpeg[0], size[0]))
    lib.free(jpeg[0])
    return data


class Photos(Gallery):
    """Folders of photos, ready to be searched: `Photos("~/Pictures").search("a dog in the snow")`.

    Reads what is new or has changed since the last time, and keeps what it read in ~/.cache/mask, where `mask search
    --photos` and it find what the other has read.

    folder     a folder, or a list of them
    knowledge  .mask, encoder: .menc; None = those that come with mask (an encoder: that of MASK_ENCODER, where it is set)
    exclude    files and folders to leave out, "*.png,private"
    progress   True = a bar on stderr while photos are read, None = none, or a function
    """

    def __init__(self, folder: Union[Path, Sequence[Path]], knowledge: Optional[Path] = None, encoder: Optional[Path] = None,
                 progress: Progress = True, exclude: Optional[str] = None):
        many = [folder] if isinstance(folder, (str, os.PathLike)) else list(folder)
        array, kept = strings([os.path.expanduser(os.fspath(one)) for one in many])
        texts = [ffi.NULL if given is None else ffi.new("char[]", encoded(given))
                 for given in (cache_folder(), encoder or usual_encoder(), knowledge or data_file("starter.mask"), exclude)]
        gallery, report = ffi.new("char **"), ffi.new("mask_extract_report *")
        Run(progress)(lib.mask_photos_gallery, gallery, array, len(kept), ffi.new("mask_photo_cache *", texts), report)
        path = ffi.gc(gallery[0], lib.free)
        super().__init__(str(text(path)))
        self.report = Struct(report)
        self._again = Photos, (many, knowledge, encoder, None, exclude)


def search_photos(folder: Union[Path, Sequence[Path]], query: Any, k: int = 10) -> Results:
    """The k best photos of a folder for a text."""
    return Photos(folder).search(query, k)
