#!/usr/bin/env python3
"""Holds the one-way dependencies between the rooms of src/ (docs/ARCHITECTURE.md): who may include whom, and, by the
symbols of the object files in BUILD, who may call whom (a call through mask.h needs no include of its room).

    check-rooms.py [BUILD]      BUILD: where the library was built (default: build, if it is there)

Also: no circles, neither between headers nor between the calls of files; file names are unique in the tree; each room has
a README.md that says what it is, each header, or file without one, opens with what it is; the command line sees only mask.h; functions that cannot be used safely are not used. Prints each
breach and exits 1.
"""
import json
import os
import re
import subprocess
import sys

ROOMS = {  # room: the rooms it may include from, besides itself
    "base": [],
    "math": ["base"],
    "formats": ["base", "math"],
    "text": ["base", "math"],
    "images": ["base", "math", "formats"],
    "annotations": ["base", "math", "formats", "images"],
    "nn": ["base", "math"],
    "learn": ["base", "math", "formats", "text", "images", "annotations", "nn"],
    "knowledge": ["base", "math", "formats", "text", "images", "annotations", "nn", "learn"],
    "match": ["base", "math", "formats", "text", "images", "annotations", "nn", "learn", "knowledge"],
    "eval": ["base", "math", "formats", "text", "images", "annotations", "nn", "learn", "knowledge", "match"],
    "gallery": ["base", "math", "formats", "text", "images", "nn", "learn", "knowledge", "match"],
    "search": ["base", "math", "formats", "text", "images", "nn", "learn", "knowledge", "match", "gallery"],
    "adapt": ["base", "math", "formats", "text", "images", "annotations", "nn", "learn", "knowledge", "match"],
    "vision": ["base", "math"],
    "photos": ["base", "math", "formats", "images", "annotations", "vision"],
    "album": ["base", "images", "knowledge", "gallery", "search", "photos"],
    "cli": [],
}
BANNED = r"\b(strcpy|strcat|sprintf|vsprintf|gets|atoi|atof|strtok)\s*\("
BANNED_IN_LIBRARY = r"\b(exit|abort|printf|puts)\s*\(|\bstderr\b|\bstdout\b"

ADVICE = r"(?<![\w-])--[a-z]{2}|\bmask (adapt|calibrate|convert|encode|eval|extract|index|info|learn|search|vectors) |\bmake encoder\b"

os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
breaches = []
homes = {}
includes = {}
for folder, _, names in sorted(os.walk("src")):
    for name in sorted(names):
        path = os.path.join(folder, name)
        room = os.path.relpath(folder, "src").split(os.sep)[0]
        if not name.endswith((".c", ".h")):
            continue
        if room not in ROOMS:
            breaches.append(f"{path}: room '{room}' is not in scripts/check-rooms.py")
            continue
        if name in homes:
            breaches.append(f"{path}: its name is taken by {homes[name]}")
        homes[name] = path
        lines = open(path, encoding="utf8").read().split("\n")
        if len(lines) > 800:
            breaches.append(f"{path}: {len(lines)} lines: split it")
        for number, line in enumerate(lines, 1):
            include = re.match(r'\s*#include "([^"]+)"', line)
            if include and "/" in include.group(1):
                target = include.group(1).split("/")[0]
                if name.endswith(".h"):
                    includes.setdefault(path, set()).add("src/" + include.group(1))
                if target != room and target not in ROOMS[room]:
                    breaches.append(f"{path}:{number}: {room} must not include {include.group(1)}")
            code = re.sub(r'"(\\.|[^"\\])*"|//.*|/\*.*?\*/', "", line)
            if re.search(BANNED, code):
                breaches.append(f"{path}:{number}: banned function: {line.strip()}")
            if room != "cli" and re.search(BANNED_IN_LIBRARY, code) and not line.lstrip().startswith("*"):
                breaches.append(f"{path}:{number}: the library neither prints nor exits: {line.strip()}")



def circles(arrows):
    """The groups of names that lead back to each other (Tarjan), each sorted."""
    order, low, stack, found = {}, {}, [], []

    def visit(name):
        order[name] = low[name] = len(order)
        stack.append(name)
        for target in arrows.get(name, ()):
            if target not in order:
                visit(target)
            if target in stack:
                low[name] = min(low[name], low[target])
        if low[name] == order[name]:
            group = stack[stack.index(name):]
            del stack[len(stack) - len(group):]
            if len(group) > 1:
                found.append(sorted(group))

    for name in arrows:
        if name not in order:
            visit(name)
    return found


def calls(build):
    """Which file of the library needs which symbols that another defines: {file: {file: symbol}}; {} = none built."""
    homes, needs, sources = {}, {}, {}
    commands = os.path.join(build, "compile_commands.json")  # a build folder may hold objects of earlier targets
    for command in json.load(open(commands, encoding="utf8")) if os.path.exists(commands) else []:
        source = os.path.relpath(command["file"])
        path = os.path.join(command["directory"], re.search(r" -o (\S+)", command["command"]).group(1))
        if source.startswith("src/") and not source.startswith("src/cli/") and os.path.exists(path):
            sources[path] = source
            needs[source] = set()
    if not sources:
        return {}
    for line in subprocess.run(["nm", "-P", "-A", *sources], capture_output=True, text=True, check=True).stdout.splitlines():
        path, symbol, kind = re.match(r"(.*): (\S+) (\S)", line).groups()
        if kind == "U":
            needs[sources[path]].add(symbol)
        elif kind in "TDBRVW":
            homes[symbol] = sources[path]
    return {source: {homes[s]: s for s in sorted(symbols) if homes.get(s, source) != source}
            for source, symbols in needs.items()}


for room in ROOMS:
    readme = f"src/{room}/README.md"
    if not os.path.exists(readme) or not open(readme, encoding="utf8").read().startswith(f"# {room}: "):
        breaches.append(f"{readme}: must begin with '# {room}: ' and what the room is")
for path in homes.values():
    header = path[:-1] + "h"
    if not open(path, encoding="utf8").read(2) == "/*" and (path.endswith(".h") or not os.path.exists(header)):
        breaches.append(f"{path}: must open with what it is")
for group in circles(includes):
    breaches.append("headers include each other: " + ", ".join(group))
build = sys.argv[1] if len(sys.argv) > 1 else "build"
called = calls(build)
if not called and len(sys.argv) > 1:
    breaches.append(f"{build}: holds no objects of the library: build it first")
for source, targets in sorted(called.items()):
    room = source.split("/")[1]
    for target, symbol in targets.items():
        if target.split("/")[1] not in [room] + ROOMS[room]:
            breaches.append(f"{source}: {room} must not call {symbol} of {target}")
for group in circles(called):
    breaches.append("files call each other: " + ", ".join(group))

# A library's message has no advice that names a command or its options: src/cli/advice.c adds it, to phrases that must be there.
strings = {}
for path in homes.values():
    text = re.sub(r"/\*.*?\*/", lambda m: "\n" * m.group().count("\n"), open(path, encoding="utf8").read(), flags=re.S)
    strings[path] = re.sub(r'"\s*\n\s*"', "", text)
    for literal in re.findall(r'"(?:\\.|[^"\\\n])*"', strings[path]):
        if not path.startswith("src/cli/") and not literal.startswith('"--') and re.search(ADVICE, literal):
            breaches.append(f"{path}: names a command or an option, which src/cli/advice.c adds: {literal}")
library = "\n".join(text for path, text in strings.items() if not path.startswith("src/cli/"))
for phrase in re.findall(r'^    \{"([^"]+)",', strings.get("src/cli/advice.c", ""), flags=re.M):
    if phrase not in library and phrase != "is not a MASK":
        breaches.append(f"src/cli/advice.c: no message of the library says: {phrase}")

for breach in breaches:
    print(breach)
print(f"rooms: {len(homes)} files, calls of {len(called)}, {len(breaches)} breaches")
sys.exit(bool(breaches))
