#!/usr/bin/env python3
"""run.py MASK [NAME...]: the command line's contract, a small shell script each (cases/NAME.sh). Standard library only.

A case runs in a fresh folder where `d` is a read-only data set made by demo/generate.py with knowledges learned from it
(raw.mask, full.mask = whitened and calibrated, v.mvec); `mask` and tools/ are on its PATH. Comments at its top say what must
come out; a pattern is a shell glob for one line:
    #exit N        the exit status (0 when absent)
    #out PATTERN   these lines must appear on stdout, in this order; `#out` alone: nothing may
    #err PATTERN   the lines of stderr, all of them; without any, stderr must stay empty
No case may leave a temporary file behind.
"""
import fnmatch
import glob
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(os.path.dirname(HERE))


def prepare(folder, env):
    run = lambda *words: subprocess.run(words, cwd=folder, env=env, check=True, stdout=subprocess.DEVNULL)
    run(sys.executable, "-B", os.path.join(SOURCE, "demo", "generate.py"), folder)
    run("mask", "vectors", "import", "vectors.txt", "-o", "v.mvec")
    run("mask", "learn", "knowledge", "--vectors", "v.mvec", "--encoder", "none", "-o", "raw.mask")
    run("mask", "learn", "knowledge", "--vectors", "v.mvec", "-o", "white.mask")
    run("mask", "calibrate", "white.mask", "--images", "background_ims.npy", "--texts", "background_caps.txt", "-o", "full.mask")


def expectations(path):
    want = {"exit": 0, "out": [], "err": []}
    for line in open(path, encoding="utf8"):
        found = re.match(r"#(exit|out|err)(?: (.*))?$", line.rstrip("\n"))
        if found and found[1] == "exit":
            want["exit"] = int(found[2])
        elif found:
            want[found[1]].append(found[2])
    return want


def in_order(patterns, lines):
    rest = iter(lines)
    return all(any(fnmatch.fnmatchcase(line, p) for line in rest) for p in patterns)


def judge(want, done, folder):
    """What is wrong with a finished case, or nothing."""
    out, err = done.stdout.splitlines(), done.stderr.splitlines()
    if done.returncode != want["exit"]:
        yield "exit status %d, not %d" % (done.returncode, want["exit"])
    if (want["out"] == [None] and out) or (want["out"] != [None] and not in_order(want["out"], out)):
        yield "stdout is not as it should be"
    if len(err) != len(want["err"]) or not all(map(fnmatch.fnmatchcase, err, want["err"])):
        yield "stderr is not as it should be"
    left = glob.glob(os.path.join(folder, "**", "*.tmp-*"), recursive=True)
    if left:
        yield "temporary files stayed: " + " ".join(left)


def main(mask, names):
    env = dict(os.environ, PATH=":".join([os.path.dirname(os.path.abspath(mask)), os.path.join(HERE, "tools"), os.environ["PATH"]]),
               LC_ALL="C.UTF-8", SOURCE=SOURCE)
    missed = 0
    with tempfile.TemporaryDirectory() as top:
        data = os.path.join(top, "data")
        os.mkdir(data)
        prepare(data, env)
        names = names or sorted(os.path.basename(p)[:-3] for p in glob.glob(os.path.join(HERE, "cases", "*.sh")))
        for name in names:
            path, folder = os.path.join(HERE, "cases", name + ".sh"), os.path.join(top, name)
            os.mkdir(folder)
            os.symlink(data, os.path.join(folder, "d"))
            done = subprocess.run(["sh", path], cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, encoding="utf8", errors="replace", timeout=600)
            wrong = list(judge(expectations(path), done, folder))
            if wrong:
                missed += 1
                print("MISS %s: %s\n--- stdout\n%s--- stderr\n%s---" % (name, "; ".join(wrong), done.stdout, done.stderr))
    print("%d cases, %d missed" % (len(names), missed))
    return 1 if missed else 0


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("usage: run.py MASK [NAME...]")
    sys.exit(main(sys.argv[1], sys.argv[2:]))
