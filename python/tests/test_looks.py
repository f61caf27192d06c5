"""Results in a notebook, and figures."""
import xml.etree.ElementTree as xml

import numpy as np
import pytest

import mask_match as m


def parsed(markup):
    """Well-formed, but for the two void elements and the entities of HTML."""
    markup = markup.replace("<br>", "<br/>").replace("&nbsp;", " ").replace("&#9632;", "")
    out, rest = "", markup
    while "<img " in rest:
        before, rest = rest.split("<img ", 1)
        inside, rest = rest.split(">", 1)
        out += before + "<img " + inside + "/>"
    return xml.fromstring("<div>" + out + rest + "</div>")


def test_tables(demo):
    e = demo.matcher.explain(demo.data.images, 38, "A puppy and a ball")
    page = parsed(e._repr_html_())
    assert len(page.findall(".//tr")) == 1 + 3 + 8 and "hubness" in "".join(page.itertext())
    assert "900 regions" in "".join(parsed(demo.knowledge._repr_html_()).itertext())
    assert "Rs 488" in "".join(parsed(m.recalls(demo.scores)._repr_html_()).itertext())
    assert "images" in "".join(parsed(demo.gallery._repr_html_()).itertext())


def test_results_show_their_photos(demo, tmp_path):
    image = pytest.importorskip("PIL.Image", reason="python3-pil makes the photos")
    image.fromarray(np.zeros((224, 224, 3), np.uint8)).save(tmp_path / "a <b>.png")
    images = m.Images(np.stack([demo.data.images[38], demo.data.images[0]]), ids=["a", "b"], names=[str(tmp_path / "a <b>.png"), None],
                      boxes=np.stack([demo.data.images.boxes(38), demo.data.images.boxes(0)]), sizes=[(224, 224)] * 2)
    gallery = m.Gallery.create(tmp_path / "g.gallery", demo.knowledge)
    gallery.add(images)
    page = parsed(gallery.search("a puppy and a ball")._repr_html_())
    text = "".join(page.itertext())
    assert len(page.findall(".//img")) == 1 and len(page.findall(".//rect")) == 2 and "no picture" in text and "a <b>.png" in text
    assert "puppy was in no label" in text


def test_figures(demo, tmp_path):
    pytest.importorskip("matplotlib", reason="python3-matplotlib draws").use("Agg")
    from mask_match import plot
    m.Knowledge.learn(demo.folder / "knowledge", demo.vectors, encoder="mask", epochs=2, metrics=tmp_path / "m.jsonl")
    assert len(plot.training(tmp_path / "m.jsonl").lines) >= 4
    assert plot.prototypes(demo.knowledge, {"animals": ["dog", "cat"], "things": ["ball", "kite"]}).get_legend()
    by_class = {word: name for name, words in plot.wordnet_classes(["dog", "cat", "ball", "kite", "walk", "xqzzy"]).items() for word in words}
    if by_class:
        assert by_class["dog"] == by_class["cat"] == "animal" and by_class["ball"] == "artifact" and "xqzzy" not in by_class
        assert len(plot.prototypes(demo.knowledge).collections) > 2
    points = np.repeat(np.eye(3), 20, 0) + np.random.default_rng(0).normal(0, 0.05, (60, 3))
    places = plot.tsne(points)
    far = ((places[:, None] - places[None]) ** 2).sum(2)
    assert (np.argsort(far, 1)[:, :15] // 20 == np.arange(60)[:, None] // 20).all()  # three heaps stay three heaps
    assert plot.recall_curve({"ours": demo.scores}).lines[0].get_ydata()[9] == pytest.approx(m.recalls(demo.scores).t2i.r10)
    e = demo.matcher.explain(demo.data.images, 38, "A puppy and a ball")
    assert plot.match(e).images and len(plot.match(e, np.zeros((224, 224, 3))).patches) == 2
    image = pytest.importorskip("PIL.Image")
    exif = image.Exif()
    exif[0x112] = 6  # lies on its side
    image.new("RGB", (64, 32)).save(tmp_path / "turned.jpg", exif=exif)
    assert plot.match(e, tmp_path / "turned.jpg").images[0].get_array().shape == (64, 32, 3)
