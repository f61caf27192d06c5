import os
import subprocess
import sys

import pytest

import mask_match as m

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
BUILD = os.path.abspath(os.environ.get("MASK_BUILD") or os.path.join(ROOT, "build"))


@pytest.fixture(scope="session")
def command():
    """The command line of the same build, to be compared with."""

    def run(*arguments):
        clean = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}
        done = subprocess.run([os.path.join(BUILD, "mask"), *map(str, arguments)], stdout=subprocess.PIPE, check=True, env=clean)
        return done.stdout.decode()

    return run


@pytest.fixture(scope="session")
def demo(tmp_path_factory):
    """The demo's made-up data, learned and calibrated by the package."""
    folder = tmp_path_factory.mktemp("demo")
    subprocess.run([sys.executable, os.path.join(ROOT, "demo", "generate.py"), str(folder)], check=True, stdout=subprocess.DEVNULL)

    class Demo:
        pass

    demo = Demo()
    demo.folder = folder
    demo.vectors = m.Vectors.convert(folder / "vectors.txt", folder / "vectors.mvec")
    demo.plain = m.Knowledge.learn(folder / "knowledge", demo.vectors, encoder="whiten")
    demo.plain.save(folder / "plain.mask")
    calibrated = demo.plain.calibrate(folder / "background_ims.npy", m.Texts.open(folder / "background_caps.txt"))
    calibrated.save(folder / "k.mask")
    demo.knowledge = m.Knowledge(folder / "k.mask")
    demo.data = m.open_dataset(folder / "demo_precomp", "dev")
    demo.matcher = m.Matcher(demo.knowledge)
    demo.scores = demo.matcher.scores(*demo.data)
    demo.gallery = m.Gallery.create(folder / "g.gallery", demo.knowledge, store="float32", own="off")  # exactly what the matcher scores
    demo.gallery.add(demo.data.images)
    return demo
