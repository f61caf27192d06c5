"""Photos: paths, bytes, arrays and PIL images give the same; a folder is searched in three lines."""
import json
import os
import pickle

import numpy as np
import pytest

import mask_match as m

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
    assert len(m.Images.open(tmp_path / "p.regions")) == 3


def test_thumbnail(folder):
    jpeg = m.thumbnail(folder / "red.png", 32)
    assert jpeg[:2] == b"\xff\xd8"


def test_a_folder_in_three_lines(folder, tmp_path, monkeypatch, command):
    """What the command line has read is found, and the other way round."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    photos = m.Photos(folder)
    assert photos.report.extracted == 3 and len(photos.search("a dog", k=2)) == 2
    kept = {place: place.stat().st_mtime_ns for place in tmp_path.rglob("*.regions")}
    hits = json.loads(command("search", "--photos", folder, "a dog", "--json", "--quiet"))
    found = m.search_photos(folder, "a dog")
    assert [(hit["id"], np.float32(hit["score"])) for hit in hits] == [(hit.id, np.float32(hit.score)) for hit in found]
    assert "date" in photos.metadata() and photos.metadata(["red.png"])[0]["folder"] == str(folder)
    os.remove(folder / "red.png")
    command("search", "--photos", folder, "a dog", "--quiet", "--exclude", "green*")
    photos = m.Photos([folder], exclude="green*")
    assert photos.report.unchanged == 1 and photos.report.vanished == 0 and len(pickle.loads(pickle.dumps(photos))) == 1
    assert len(kept) == 1 and list(tmp_path.rglob("*.regions")) == list(kept)
    with pytest.raises(m.MaskError, match="cannot be opened"):
        m.Photos(folder / "nothing")


def test_what_a_camera_wrote(folder):
    exif = Image.Exif()
    exif[0x132] = "2019:06:01 14:03:22"
    Image.new("RGB", (64, 48)).save(folder / "dated.jpg", exif=exif)
    assert m.photo_facts(folder / "dated.jpg") == ("2019-06-01 14:03:22", None, None)
    assert m.photo_facts(folder / "blue.png").date is None
    os.remove(folder / "dated.jpg")
