"""Vectors, images, texts, labels; arrays in without a copy."""
import base64

import numpy as np
import pytest

import mask_match as m
from mask_match._core import ffi, lib


def test_vectors(demo):
    v = demo.vectors
    lines = dict(line.split(" ", 1) for line in open(demo.folder / "vectors.txt"))
    assert len(v) == len(lines) and v.words == list(lines) and "dog" in v and "xyzzy" not in v
    assert np.allclose(v["dog"], np.array(lines["dog"].split(), np.float32))
    assert v.near("dog", 3)[0] == ("dog", pytest.approx(1)) and len(v.near(v["cat"], 3)) == 3
    with pytest.raises(KeyError):
        v["xyzzy"]
    with pytest.raises(ValueError, match="dimensions"):
        v.near(np.zeros(3))
    v.verify()


def test_a_dense_array_is_read_where_it_lies(demo):
    """What is written into the array later is what the library sees, and no copy is held."""
    array = np.random.default_rng(0).standard_normal((5, 4, 8)).astype(np.float32)
    images = m.Images(array)
    array[3, 2, 1] = 42
    assert images[3][2, 1] == 42 and np.array_equal(images[3], array[3])


@pytest.mark.parametrize("view", [lambda a: a[::2], lambda a: a[:, 1:3], lambda a: a[:, :, ::2], lambda a: a.transpose(1, 0, 2),
                                  lambda a: a.transpose(2, 1, 0), np.asfortranarray])
def test_strides_are_followed_without_a_copy(view):
    array = view(np.random.default_rng(1).standard_normal((6, 4, 8)).astype(np.float32))
    images = m.Images(array)
    array[1, 1, 1] = 42
    assert images[1][1, 1] == 42
    assert all(np.array_equal(got, row) for got, row in zip(images, array))


@pytest.mark.parametrize("array", [np.arange(24).reshape(2, 3, 4), np.arange(24, dtype=np.float64).reshape(2, 3, 4),
                                   np.arange(24, dtype=np.float16).reshape(2, 3, 4),
                                   np.arange(24, dtype=">f4").reshape(2, 3, 4),
                                   np.arange(24, dtype=np.float32).reshape(2, 3, 4)[:, ::-1],
                                   np.broadcast_to(np.arange(4, dtype=np.float32), (2, 3, 4))])
def test_other_arrays_are_copied(array):
    assert all(np.array_equal(got, row) for got, row in zip(m.Images(array), array))


def test_memory_that_an_image_reads_outlives_its_array():
    images = m.Images(np.full((100, 10, 64), 7, np.float32))
    junk = [np.zeros((100, 10, 64), np.float32) for _ in range(20)]
    assert images[99][9, 63] == 7 and len(junk) == 20


def test_images_of_different_sizes():
    arrays = [np.full((n, 3), n, np.float32) for n in (1, 4, 2)]
    boxes = [np.tile([0, 0, 10, n], (n, 1)) for n in (1, 4, 2)]
    images = m.Images(arrays, ids=["a", "b", "c"], names=["a.jpg", None, "c.jpg"], boxes=boxes, sizes=[(10, 1), (10, 4), (10, 2)])
    assert (len(images), images.dim, images.ids, images.names) == (3, 3, ["a", "b", "c"], ["a.jpg", None, "c.jpg"])
    assert [images.regions(i) for i in range(3)] == [1, 4, 2] and images.find("c.jpg") == images.find("c") == 2
    assert np.array_equal(images.boxes(1), boxes[1]) and np.array_equal(images[-1], arrays[2])
    with pytest.raises(KeyError):
        images.find("d")
    with pytest.raises(IndexError):
        images[3]


@pytest.mark.parametrize("arguments, message", [
    ({"features": np.zeros((2, 3), np.float32)}, "images x regions x dim"),
    ({"features": [np.zeros((2, 3)), np.zeros((2, 4))]}, "image 1"),
    ({"features": []}, "dimensions"),
    ({"features": np.zeros((2, 3, 4)), "ids": ["a"]}, "1 of them for 2"),
    ({"features": np.zeros((2, 3, 4)), "boxes": np.zeros((5, 4))}, "boxes"),
    ({"features": np.zeros((2, 3, 4)), "sizes": np.zeros((1, 2))}, "sizes")])
def test_images_that_do_not_fit_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        m.Images(**arguments)


def test_nan_is_refused_when_it_is_read(demo):
    array = np.zeros((2, 3, 64), np.float32)
    array[1, 2, 3] = np.nan
    with pytest.raises(m.MaskError, match="image 1.*region 2") as failed:
        demo.matcher.scores(array, ["a dog"])
    assert failed.value.status == m.Status.ENUMERIC


def test_texts(demo):
    texts = m.Texts(["a dog", "größe", ""])
    assert list(texts) == ["a dog", "größe", ""] and texts[-1] == "" and texts[:2] == ["a dog", "größe"]
    assert len(m.Texts.open(demo.folder / "background_caps.txt")) == 1000
    with pytest.raises(IndexError):
        texts[3]


def test_dataset_and_labels(demo):
    assert len(demo.data.texts) == 5 * len(demo.data.images) == 1000
    labels = m.Labels(demo.folder / "knowledge")
    lines = open(demo.folder / "knowledge" / "regions.tsv").read().splitlines()[1:]
    assert [labels[i] for i in range(len(labels))] == [line.split("\t")[5] for line in lines]


def test_the_declarations_are_the_headers(demo):
    """Structs are those of the library: a field that the header gains is there without a change here."""
    info = demo.knowledge.info
    assert set(dir(info)) >= {field for field, _ in ffi.typeof("mask_knowledge_info").fields}
    assert info.words == len(demo.knowledge) and hasattr(lib, "mask_gallery_search")


@pytest.mark.parametrize("to, name", [("npy", "x_ims.npy"), ("npz", "x"), ("tsv", "x.tsv")])
def test_features_are_written_in_other_formats(demo, tmp_path, to, name):
    some = m.Images(np.stack([demo.data.images[i] for i in range(3)]), ids=["5", "6", "7"],
                    boxes=np.stack([demo.data.images.boxes(i) for i in range(3)]))
    some.save(tmp_path / name, to=to)
    again = m.Images.open(tmp_path / name)
    assert again.ids == some.ids and all(np.array_equal(a, b) for a, b in zip(again, some))


def test_other_programs_annotations(tmp_path):
    (tmp_path / "objects.json").write_text('[{"image_id": 1, "objects": [{"object_id": 5, "x": 3, "y": 4, "w": 10, "h": 20, '
                                           '"names": ["T-shirt"]}, {"object_id": 6, "x": 1, "y": 1, "w": 5, "h": 5, "names": ["!"]}]}]')
    report = m.regions_from_genome(tmp_path / "objects.json", tmp_path / "regions.tsv", min_count=1)
    assert (report.regions, report.images, report.no_label) == (1, 1, 1)
    assert (tmp_path / "regions.tsv").read_text().splitlines()[1] == "1.jpg\t3\t4\t13\t24\tt shirt"
    for name, file, content in (("Sentences", "7.txt", "[/EN#1/people Two men] here ."), ("Annotations", "7.xml",
            "<annotation><object><name>1</name><bndbox><xmin>1</xmin><ymin>2</ymin><xmax>30</xmax><ymax>60</ymax></bndbox></object></annotation>")):
        (tmp_path / name).mkdir()
        (tmp_path / name / file).write_text(content)
    assert m.regions_from_entities(tmp_path, tmp_path / "regions.tsv").regions == 1
    assert (tmp_path / "regions.tsv").read_text().splitlines()[1] == "7.jpg\t1\t2\t30\t60\tTwo men"
    array = lambda values, kind: base64.b64encode(np.array(values, kind).tobytes()).decode()
    cells = ["9", "64", "48", array([0, 1], "<i8"), array([0.9, 0.1], "<f4"), array([0, 0], "<i8"), array([0, 0], "<f4"), "2",
             array([[1, 2, 30, 40]] * 2, "<f4"), array([[1, 2, 3, 4]] * 2, "<f4")]
    (tmp_path / "found.tsv").write_text("\t".join(cells) + "\n")
    (tmp_path / "classes.txt").write_text("dog\ncat\n")
    report = m.regions_from_detections(tmp_path / "found.tsv", tmp_path / "set", tmp_path / "classes.txt", min_confidence=0.5)
    labels = m.Labels(tmp_path / "set")
    assert (report.regions, report.no_label, list(labels), labels.dim) == (1, 1, ["dog"], 4)
