#!/usr/bin/env python3
"""run.py [--fresh] [--update] MASK [NAME...]: the command line's contract, a small shell script each (cases/NAME.sh).
Standard library only. `tests/cli/run.py build/mask score` runs one case in seconds: the data set and the knowledges are kept
beside MASK (cli-data), and made anew by --fresh or when all cases run.

A case runs in a fresh folder where `d` is a read-only data set made by demo/generate.py with knowledges learned from it
(raw.mask, full.mask = whitened and calibrated, v.mvec); `mask` and tools/ are on its PATH. Comments at its top say what must
come out, line by line:
    #exit N      the exit status (0 when absent)
    #out LINE    the lines of stdout, all of them; `*` is any text, `\\*` a star, and numbers with decimals may differ in their
                 last digit, as processors do
    #err LINE    the same for stderr
No case may leave a temporary file behind. --update writes the #out lines anew from what came out (look at the diff!): lines that
still match stay as they are, and what differs between two runs becomes `*`.
"""
import concurrent.futures
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(os.path.dirname(HERE))
NUMBER = re.compile(r"-?\d+\.\d+(?:e[-+]\d+)?")


def prepare(folder, env):
    os.makedirs(folder)
    run = lambda *words: subprocess.run(words, cwd=folder, env=env, check=True, stdout=subprocess.DEVNULL)
    run(sys.executable, "-B", os.path.join(SOURCE, "demo", "generate.py"), folder)
    run("mask", "vectors", "import", "vectors.txt", "-o", "v.mvec")
    run("mask", "learn", "knowledge", "--vectors", "v.mvec", "--encoder", "none", "-o", "raw.mask")
    run("mask", "learn", "knowledge", "--vectors", "v.mvec", "--encoder", "whiten", "-o", "white.mask")
    run("mask", "calibrate", "white.mask", "--images", "background_ims.npy", "--texts", "background_caps.txt", "-o", "full.mask")


def expectations(path):
    want = {"exit": 0, "out": [], "err": []}
    for line in open(path, encoding="utf8"):
        found = re.match(r"#(exit|out|err)(?: (.*))?$", line.rstrip("\n"))
        if found and found[1] == "exit":
            want["exit"] = int(found[2])
        elif found:
            want[found[1]].append(found[2] or "")
    return want


def near(wanted, got):
    """Whether two numbers with decimals are equal but for their last digit."""
    if wanted == got:
        return True
    digits = len(wanted.split("e")[0].split(".")[1])
    exponent = int(wanted.split("e")[1]) if "e" in wanted else 0
    return abs(float(wanted) - float(got)) <= max(1.01 * 10.0 ** (exponent - digits), 1e-4 * abs(float(wanted)))


def matches(pattern, line):
    parts = re.split(r"(\\\*|\*)", pattern)
    expression = "".join(r"\*" if p == "\\*" else "(.*)" if p == "*" else
                         "".join("(" + NUMBER.pattern + ")" if NUMBER.fullmatch(q) else re.escape(q)
                                 for q in re.split("(" + NUMBER.pattern + ")", p)) for p in parts)
    found = re.fullmatch(expression, line)
    if not found:
        return False
    wanted = re.findall(r"(?<!\\)(\*)|(" + NUMBER.pattern + ")", pattern)
    return all(star or near(number, got) for (star, number), got in zip(wanted, found.groups()))


def equal(patterns, lines):
    return len(patterns) == len(lines) and all(map(matches, patterns, lines))


def judge(want, done, folder):
    """What is wrong with a finished case, or nothing."""
    if done.returncode != want["exit"]:
        yield "exit status %d, not %d" % (done.returncode, want["exit"])
    for name, text in (("out", done.stdout), ("err", done.stderr)):
        lines = text.splitlines()
        if not equal(want[name], lines):
            at = next((i for i, (p, l) in enumerate(zip(want[name], lines)) if not matches(p, l)),
                      min(len(want[name]), len(lines)))
            expected = want[name][at] if at < len(want[name]) else "the end"
            yield "std%s line %d is not: %s" % (name, at + 1, expected)
    left = glob.glob(os.path.join(folder, "**", "*.tmp-*"), recursive=True)
    if left:
        yield "temporary files stayed: " + " ".join(left)


def case(name, top, data, env):
    folder = tempfile.mkdtemp(prefix=name + ".", dir=top)
    os.symlink(data, os.path.join(folder, "d"))
    return folder, subprocess.run(["sh", os.path.join(HERE, "cases", name + ".sh")], cwd=folder,
                                  env=dict(env, XDG_CACHE_HOME=os.path.join(top, "cache-" + name)),
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  encoding="utf8", errors="replace", timeout=600)


def merged(first, second):
    """A line of two runs as a pattern: words that differ become `*`."""
    escape = lambda text: text.replace("*", "\\*")
    words = [re.split(r"([ \t,:;/=()\[\]{}\"]+)", line) for line in (first, second)]
    if len(words[0]) != len(words[1]):
        return "*"
    return "".join(escape(a) if a == b else "*" for a, b in zip(*words))


def update(name, first, second):
    path = os.path.join(HERE, "cases", name + ".sh")
    old, new = expectations(path)["out"], []
    lines = first.stdout.splitlines()
    again = second.stdout.splitlines()
    for number, line in enumerate(lines):
        kept = next((i for i, pattern in enumerate(old) if matches(pattern, line)), None)
        if kept is None:
            pattern = merged(line, again[number]) if len(again) == len(lines) else "*"
            new.append(re.sub(r"/[^ ,:]*(/cli-data|/tests|/demo)", r"*\1", pattern))
        else:
            new.append(old[kept])
            del old[:kept + 1]
    text = open(path, encoding="utf8").read().splitlines()
    at = next((i for i, line in enumerate(text) if re.match("#out( |$)", line)), None)
    rest = [line for line in text if not re.match("#out( |$)", line)]
    if at is None:
        at = next((i for i, line in enumerate(text) if not re.match("# |#exit", line)), 0)
    rest[at:at] = ["#out " + line if line else "#out" for line in new]
    open(path, "w", encoding="utf8").write("\n".join(rest) + "\n")


def main(mask, names, fresh, updating):
    home = os.path.dirname(os.path.abspath(mask))
    env = dict(os.environ, PATH=":".join([home, os.path.join(HERE, "tools"), os.environ["PATH"]]), LC_ALL="C.UTF-8",
               SOURCE=SOURCE)
    data = os.path.join(home, "cli-data")
    if fresh or not names or not os.path.exists(os.path.join(data, "full.mask")):
        shutil.rmtree(data, ignore_errors=True)
        prepare(data, env)
    names = names or sorted(os.path.basename(p)[:-3] for p in glob.glob(os.path.join(HERE, "cases", "*.sh")))
    missed = 0
    with tempfile.TemporaryDirectory() as top, concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        done = {name: pool.submit(case, name, top, data, env) for name in names}
        for name in names:
            folder, result = done[name].result()
            if updating:
                update(name, result, case(name, top, data, env)[1])
            wrong = list(judge(expectations(os.path.join(HERE, "cases", name + ".sh")), result, folder))
            if wrong:
                missed += 1
                print("MISS %s: %s\n--- stdout\n%s--- stderr\n%s---" % (name, "; ".join(wrong), result.stdout, result.stderr))
    print("%d cases, %d missed" % (len(names), missed))
    return 1 if missed else 0


if __name__ == "__main__":
    words = sys.argv[1:]
    flags = [w for w in words if w in ("--fresh", "--update")]
    words = [w for w in words if w not in flags]
    if not words:
        sys.exit("usage: run.py [--fresh] [--update] MASK [NAME...]")
    sys.exit(main(words[0], words[1:], "--fresh" in flags, "--update" in flags))
