"""Photos: paths, bytes, arrays and PIL images give the same; a folder is searched in three lines."""
import fcntl
import json
import os
import pickle
import subprocess

import numpy as np
import pytest

import mask_match as m
from conftest import ROOT

Image = pytest.importorskip("PIL.Image", reason="python3-pil makes the photos")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    rows = np.linspace(0, 255, 96, dtype=np.uint8)
    for i, name in enumerate(["red.png", "green.png", "blue.png"]):
        pixels = np.zeros((96, 128, 3), np.uint8)
        pixels[..., i] = rows[:, None]
        Image.fromarray(pixels).save(folder / name)
    return folder


@pytest.fixture(scope="module")
def extractor():
    return m.Extractor(side=96)


def test_a_photo_may_be_many_things(folder, extractor):
    path = folder / "green.png"
    photo = Image.open(path)
    whole = extractor.regions(path)
    assert whole.features.shape == (len(whole.boxes), extractor.dim) and (whole.width, whole.height) == (128, 96)
    assert np.array_equal(whole.boxes[0], [0, 0, 128, 96])
    padded = np.zeros((96, 200, 3), np.uint8)
    padded[:, :128] = np.asarray(photo)
    for other in (str(path), path.read_bytes(), photo, np.asarray(photo), padded[:, :128]):
        assert np.array_equal(extractor.regions(other).features, whole.features)
    assert np.array_equal(extractor.images(path)[0], whole.features)
    grey = np.asarray(photo)[..., 1]
    assert extractor.regions(grey).features.shape == whole.features.shape
    with pytest.raises(ValueError, match="uint8"):
        extractor.regions(np.zeros((3, 3, 3)))
    with pytest.raises(m.MaskError) as failed:
        extractor.regions(b"no photo")
    assert failed.value.status == m.Status.EFORMAT


def test_many_photos(folder, extractor):
    images = extractor.images([folder / "red.png", folder / "blue.png"])
    assert images.ids == [str(folder / "red.png"), str(folder / "blue.png")] and images.boxes(1).shape[1] == 4


def test_a_store(folder, tmp_path):
    report = m.extract(folder, tmp_path / "p.regions", side=96)
    assert (report.photos, report.good, report.extracted) == (3, 3, 3)
    assert m.extract(folder, tmp_path / "p.regions", side=96).unchanged == 3
    images, store = m.Images.open(tmp_path / "p.regions"), m.describe_store(tmp_path / "p.regions")
    assert len(images) == 3 == store.photos and store.regions == sum(map(len, images)) and store.dim == images.dim


def test_thumbnail(folder):
    jpeg = m.thumbnail(folder / "red.png", 32)
    assert jpeg[:2] == b"\xff\xd8"


def test_a_folder_in_three_lines(folder, tmp_path, monkeypatch, command, capsys):
    """What the command line has read is found, and the other way round."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    photos = m.Photos(folder)
    assert "3 of 3 photos" in capsys.readouterr().err.replace("3/3", "3 of 3")
    assert photos.report.extracted == 3 and len(photos.search("a dog", k=2)) == 2
    kept = {place: place.stat().st_mtime_ns for place in tmp_path.rglob("*.regions")}
    hits = json.loads(command("search", "--photos", folder, "a dog", "--json", "--quiet"))
    found = m.search_photos(folder, "a dog")
    assert capsys.readouterr().err == ""  # nothing to read, nothing to say
    assert [(hit["id"], np.float32(hit["score"])) for hit in hits] == [(hit.id, np.float32(hit.score)) for hit in found]
    assert "date" in photos.metadata() and photos.metadata(["red.png"])[0]["folder"] == str(folder)
    os.remove(folder / "red.png")
    command("search", "--photos", folder, "a dog", "--quiet", "--exclude", "green*")
    photos = m.Photos([folder], exclude="green*")
    assert photos.report.unchanged == 1 and photos.report.vanished == 0 and len(pickle.loads(pickle.dumps(photos))) == 1
    assert len(kept) == 1 and list(tmp_path.rglob("*.regions")) == list(kept)
    with pytest.raises(m.MaskError, match="cannot be opened"):
        m.Photos(folder / "nothing")
    with open(list(kept)[0].parent / "lock") as other:  # another is reading them
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(m.MaskError) as stopped:
            m.Photos(folder, progress=lambda what, *_: what == "waiting")
    assert stopped.value.status == m.Status.ECANCELLED
    monkeypatch.setenv("MASK_ENCODER", str(tmp_path / "mine.menc"))
    with pytest.raises(m.MaskError, match="mine.menc"):
        m.Photos(folder)


def test_what_a_camera_wrote(folder):
    exif = Image.Exif()
    exif[0x132] = "2019:06:01 14:03:22"
    Image.new("RGB", (64, 48)).save(folder / "dated.jpg", exif=exif)
    assert m.photo_facts(folder / "dated.jpg") == ("2019-06-01 14:03:22", None, None)
    assert m.photo_facts(folder / "blue.png").date is None
    os.remove(folder / "dated.jpg")


def test_encoders(folder, tmp_path):
    (tmp_path / "net.tflite").write_bytes(subprocess.run([os.path.join(ROOT, "tests", "cli", "tools", "make-tflite"), "classifier"],
                                                         stdout=subprocess.PIPE, check=True).stdout)
    one = m.Encoder.convert(tmp_path / "net.tflite", tmp_path / "one.menc", mean=[120, 110, 100], deviation=58, provenance="mine")
    assert (one.info.features, one.info.provenance, one.info.detector) == (20, "mine", False)
    both = m.Encoder.join([one, tmp_path / "one.menc"], tmp_path / "both.menc")
    assert (both.info.features, both.info.networks) == (40, 2)
    x = m.Extractor(both).regions(folder / "green.png").features
    assert x.shape[1] == 40 and np.array_equal(x[:, :20], m.Extractor(one).regions(folder / "green.png").features)
    plain = m.Encoder.convert(tmp_path / "net.tflite", tmp_path / "plain.menc")
    assert not np.array_equal(x[:, :20], m.Extractor(plain).regions(folder / "green.png").features)
    with pytest.raises(m.MaskError, match="net.tflite"):
        m.Encoder(tmp_path / "net.tflite")
    with pytest.raises(m.MaskError) as failed:
        one.head
    assert failed.value.status == m.Status.ENOTFOUND
    head = m.Encoder(m.data_file("default.menc")).head
    assert head.weights.shape == (len(head.labels), m.Extractor().dim) and head.biases.shape == (len(head.labels),)
