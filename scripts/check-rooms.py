#!/usr/bin/env python3
"""Holds the one-way dependencies between the rooms of src/ (docs/ARCHITECTURE.md): who may include whom.

Also: file names are unique in the tree, the command line sees only mask.h, and functions that cannot be used safely are
not used. Prints each breach and exits 1.
"""
import os
import re
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
    "cli": [],
}
BANNED = r"\b(strcpy|strcat|sprintf|vsprintf|gets|atoi|atof|strtok)\s*\("
BANNED_IN_LIBRARY = r"\b(exit|abort|printf|puts)\s*\(|\bstderr\b|\bstdout\b"

os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
breaches = []
homes = {}
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
                if target != room and target not in ROOMS[room]:
                    breaches.append(f"{path}:{number}: {room} must not include {include.group(1)}")
            code = re.sub(r'"(\\.|[^"\\])*"|//.*|/\*.*?\*/', "", line)
            if re.search(BANNED, code):
                breaches.append(f"{path}:{number}: banned function: {line.strip()}")
            if room != "cli" and re.search(BANNED_IN_LIBRARY, code) and not line.lstrip().startswith("*"):
                breaches.append(f"{path}:{number}: the library neither prints nor exits: {line.strip()}")

for breach in breaches:
    print(breach)
print(f"rooms: {len(homes)} files, {len(breaches)} breaches")
sys.exit(bool(breaches))
