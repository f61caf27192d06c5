"""The package's own promises: errors, progress, Ctrl-C, closed handles, pickling, threads, types."""
import inspect
import logging
import os
import pickle
import re
import shutil
import signal
import subprocess
import threading
import typing

import numpy as np
import pytest

import mask_match as m
from conftest import ROOT
from mask_match import _core


def test_errors_carry_status_and_offset(tmp_path):
    with pytest.raises(m.MaskError, match="nothing.mask") as failed:
        m.Knowledge(tmp_path / "nothing.mask")
    assert failed.value.status == m.Status.EIO and failed.value.offset is None
    bad = tmp_path / "bad.mask"
    bad.write_bytes(b"MASKFILE" + b"x" * 200)
    with pytest.raises(m.MaskError) as failed:
        m.Knowledge(bad)
    assert failed.value.status == m.Status.EFORMAT
    again = pickle.loads(pickle.dumps(failed.value))
    assert (again.status, str(again)) == (failed.value.status, str(failed.value))


def test_an_error_names_the_byte(demo, tmp_path):
    data = bytearray((demo.folder / "plain.mask").read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "damaged.mask").write_bytes(data)
    with pytest.raises(m.MaskError) as failed:
        m.Knowledge(tmp_path / "damaged.mask")
    assert 0 < failed.value.offset < len(data)


def test_options_are_those_of_the_library(demo):
    with pytest.raises(TypeError, match="unknown option 'colour'.*pool, top"):
        m.Matcher(demo.knowledge, colour=1)
    with pytest.raises(m.MaskError, match="top") as failed:
        m.Matcher(demo.knowledge, top=0)
    assert failed.value.status == m.Status.EINVAL
    assert "hubness" in m.Matcher.__init__.__doc__ and "lambda_cm = 3" in inspect.getdoc(m.Knowledge.learn)
    assert demo.knowledge.match_options["calibrate"] == "full"
    assert demo.plain.learned["whiten_dim"] == "512"


def test_closed_handles_raise_and_never_crash(demo):
    knowledge = m.Knowledge(demo.folder / "k.mask")
    with m.Matcher(knowledge, demo.vectors) as matcher:
        knowledge.close()
        with pytest.raises(ValueError, match="Knowledge: closed"):
            knowledge.words
        assert knowledge.closed and matcher.read("dog")[0].kind == "known"  # the matcher keeps what it stands on
    matcher.close()
    for use in (lambda: matcher.read("dog"), matcher.__enter__, lambda: matcher.scores(*demo.data)):
        with pytest.raises(ValueError, match="closed"):
            use()
    texts = m.Texts(["a dog"])
    texts.close()
    with pytest.raises(ValueError, match="closed"):
        texts[0]


def test_every_handle_says_that_it_is_closed(demo):
    for handle in (m.Vectors(demo.vectors.path), m.Images(np.ones((1, 1, 4), np.float32)), m.Labels(demo.folder / "knowledge"),
                   m.Gallery(demo.folder / "g.gallery"), demo.gallery.annotator(["a dog"])):
        handle.close()
        with pytest.raises(ValueError, match="closed"):
            handle._c


def test_files_that_are_open_can_be_pickled(demo):
    for handle in (demo.vectors, demo.knowledge, demo.gallery, m.Texts(["a dog"]), m.Images.open(demo.folder / "background_ims.npy")):
        assert len(pickle.loads(pickle.dumps(handle))) == len(handle)
    with pytest.raises(TypeError, match="save it"):
        pickle.dumps(demo.plain)


def test_progress_goes_to_a_callback_and_stops_the_call(demo):
    seen = []
    m.Knowledge.learn(demo.folder / "knowledge", demo.vectors, encoder="mask", epochs=1,
                      progress=lambda what, unit, done, total: seen.append((what, unit, done, total)) and None)
    assert seen and all(isinstance(call[0], str) and call[2] <= call[3] for call in seen if call[3])
    with pytest.raises(m.MaskError) as failed:
        m.Knowledge.learn(demo.folder / "knowledge", demo.vectors, encoder="mask", epochs=1, progress=lambda *call: 1)
    assert failed.value.status == m.Status.ECANCELLED


def test_an_exception_in_a_callback_comes_out(demo):
    def stop(*call):
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        m.Knowledge.learn(demo.folder / "knowledge", demo.vectors, encoder="mask", epochs=1, progress=stop)


def test_ctrl_c_stops_a_long_call(demo):
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores it
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            m.Knowledge.learn(demo.folder / "knowledge", demo.vectors, encoder="mask", epochs=500)
    finally:
        timer.join()
        signal.signal(signal.SIGINT, before)


def test_the_log_is_python_s(demo, caplog):
    with caplog.at_level(logging.INFO, "mask_match"):
        demo.gallery.describe({"no such image": {"year": 2020}})
    assert any(record.levelno == logging.WARNING for record in caplog.records)


def test_threads_of_the_library(demo):
    try:
        m.use(threads=1, seed=3)
        assert _core.quick().threads == 1 and _core.quick().seed == 3
        assert np.allclose(demo.matcher.scores(*demo.data), demo.scores, atol=1e-4)
    finally:
        m.use(threads=0, seed=0)


def test_everything_public_is_typed_and_explained():
    for name in m.__all__:
        thing = getattr(m, name)
        assert inspect.getdoc(thing), name
        members = vars(thing).items() if inspect.isclass(thing) else [(name, thing)]
        for member, value in members:
            function = getattr(value, "__func__", getattr(value, "fget", value))
            if not inspect.isfunction(function) or member.startswith("_") and member != "__init__":
                continue
            hints = typing.get_type_hints(function)
            missing = [p for p in inspect.signature(function).parameters if p not in hints and p not in ("self", "cls")]
            assert not missing and ("return" in hints or member == "__init__"), (name, member, missing)
    assert os.path.exists(os.path.join(os.path.dirname(m.__file__), "py.typed"))


def test_every_function_of_the_headers_is_there():
    """A function that the headers gain must get a place here, or its reason why not."""
    otherwise = {"mask_status_text": "Status", "mask_options_presets": "their names are in docstrings",
                 "mask_head_open": "Head is arrays", "mask_head_close": "", "mask_extractor_images": "Extractor.images",
                 "mask_knowledge_encode_file": "Knowledge.encode", "mask_ranks_save": "numpy.savez",
                 "mask_rerank_images": "of what was given", "mask_rerank_texts": ""}
    folder = os.path.dirname(m.__file__)
    used = set(re.findall(r"lib\.(mask_\w+)", "".join(open(os.path.join(folder, name)).read() for name in os.listdir(folder)
                                                     if name.endswith(".py"))))
    functions = {name for name in dir(_core.lib) if name.startswith("mask_") and not name.startswith("mask_py_")}
    presets = {name for name in functions if re.search("_(defaults|plain|tuned|section9|paper)$", name)}
    missing = functions - used - set(otherwise) - presets
    assert not missing and set(otherwise) <= functions, (missing, set(otherwise) - functions)


def test_type_checkers_understand_a_user(tmp_path):
    """The tour's types are right, a wrong call is found, and what comes back is known."""
    checker = shutil.which("mypy") or pytest.skip("mypy is not installed")
    wrong = tmp_path / "wrong.py"
    wrong.write_text("import mask_match as m\nm.Texts(5)\nm.Knowledge('k').words.append(1)\nreveal_type(m.Gallery('g').search('a dog')[0])\n")
    said = subprocess.run([checker, "--follow-imports=silent", "--cache-dir", str(tmp_path), str(wrong),
                           os.path.join(ROOT, "python", "examples", "tour.py")], stdout=subprocess.PIPE,
                          env=dict(os.environ, MYPYPATH=os.path.dirname(os.path.dirname(m.__file__)), LD_PRELOAD="")).stdout.decode()
    lines = [line for line in said.splitlines() if ": error:" in line]
    assert len(lines) == 2 and "wrong.py:2" in lines[0] and "wrong.py:3" in lines[1] and 'Revealed type is "mask_match.gallery.Hit"' in said, said
