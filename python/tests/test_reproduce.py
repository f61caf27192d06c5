"""The paper's tables on the demo's data."""
import csv
import json
import os
import shutil

import numpy as np
import pytest

import mask_match as m
from mask_match import reproduce


@pytest.fixture
def report(demo, tmp_path):
    def make(*more):
        assert reproduce.main(["demo", "--data", str(demo.folder), "-o", str(tmp_path / "r.html"), "--epochs", "0", "--quiet", *more]) == 0
        return json.loads((tmp_path / "r.json").read_text())

    return make


def rsum(report, section, id):
    return next(step["values"][-1] for step in report["steps"] if (step["section"], step["id"]) == (section, id))


def test_steps_and_what_is_kept(demo, report, tmp_path):
    first = report()
    assert len(first["steps"]) == 33 and not first["warnings"] and set(first["hashes"]) >= {"images", "captions", "regions"}
    assert rsum(first, "methods", "full") == pytest.approx(m.recalls(demo.scores).rsum)
    assert rsum(first, "methods", "full") > rsum(first, "methods", "mack")
    work = tmp_path / "r.html.work"
    times = {name: os.stat(work / name).st_mtime_ns for name in os.listdir(work)}
    os.remove(work / "ood.ood-10.seed0.json")
    assert [step["values"] for step in report()["steps"]] == [step["values"] for step in first["steps"]]
    assert {name for name in times if os.stat(work / name).st_mtime_ns != times[name]} == {"ood.ood-10.seed0.json"}
    rows = list(csv.DictReader(open(tmp_path / "r.csv")))
    assert len(rows) == 33 and float(rows[0]["Rs"]) == pytest.approx(rsum(first, "methods", "mack"), abs=1e-3)
    assert "\\toprule" in (tmp_path / "r.tex").read_text() and "<h1>MASK on the demo" in (tmp_path / "r.html").read_text()
    (work / "key.json").write_text("other")
    with pytest.raises(SystemExit, match="other data"):
        report()


def test_the_paper_s_columns_and_seeds(demo, tmp_path):
    data = tmp_path / "d30"
    (data / "f30k_precomp").mkdir(parents=True)
    for name in ("knowledge", "vectors.txt"):
        os.symlink(demo.folder / name, data / name)
    for name in ("ims.npy", "ids.txt", "caps.txt"):
        shutil.copy(demo.folder / "demo_precomp" / ("dev_" + name), data / "f30k_precomp" / ("test_" + name))
    shutil.copy(demo.folder / "background_ims.npy", data / "f30k_precomp" / "dev_ims.npy")
    shutil.copy(demo.folder / "background_caps.txt", data / "f30k_precomp" / "train_caps.txt")
    m.save_scores(data / "clip_sims.npy", demo.scores)
    arguments = ["flickr30k", "--data", str(data), "-o", str(tmp_path / "r.html"), "--epochs", "0", "--quiet", "--seeds", "2"]
    assert reproduce.main(arguments) == 0
    page, report = (tmp_path / "r.html").read_text(), json.loads((tmp_path / "r.json").read_text())
    assert '<tr class="paper"><td>the paper</td><td>3.0</td>' in page and "534.3" in page and "&plusmn;" in page
    spread = next(step for step in report["steps"] if step["id"] == "random")
    assert spread["seeds"] == 2 and spread["spread"][-1] > 0
    assert rsum(report, "alpha", "alpha-0") == pytest.approx(m.recalls(demo.scores).rsum, abs=0.5)


def test_statistics_of_the_evaluated_images_are_noticed(demo, tmp_path):
    data = tmp_path / "d"
    data.mkdir()
    for name in ("knowledge", "vectors.txt", "demo_precomp"):
        os.symlink(demo.folder / name, data / name)
    evaluated = np.load(demo.folder / "demo_precomp" / "dev_ims.npy")
    np.save(data / "background_ims.npy", evaluated[:50])
    shutil.copy(demo.folder / "background_caps.txt", data)
    run = reproduce.Reproduction(reproduce.argparse.Namespace(dataset="demo", data=str(data), split=None, epochs=0, bf16=False, seed=0, seeds=1, sections="methods",
                                                              work=str(tmp_path / "w"), out="r.html", vectors=None, base=None))
    run.open()
    run.check_background()
    assert any("TRANSDUCTIVE" in line and "images" in line for line in run.warnings)


def test_missing_files_are_all_named(tmp_path):
    with pytest.raises(SystemExit) as failed:
        reproduce.main(["mscoco", "--data", str(tmp_path), "-o", "r.html"])
    message = str(failed.value)
    assert message.count(": missing: ") == 7 and "SCAN's download page" in message and "nothing was computed" in message
