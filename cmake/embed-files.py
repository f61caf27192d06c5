#!/usr/bin/env python3
"""embed-files.py OUT FILE...: files as rows of a C table: name, media type, ETag, bytes, size."""
import hashlib
import os
import sys

TYPES = {".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8",
         ".json": "application/json", ".svg": "image/svg+xml"}
with open(sys.argv[1], "w", encoding="ascii") as out:
    for path in sorted(sys.argv[2:]):
        data = open(path, "rb").read()
        name = os.path.basename(path)
        out.write('{"%s", "%s", "\\"%s\\"", (const unsigned char[]){%s}, %d},\n' % (
            name, TYPES[os.path.splitext(name)[1]], hashlib.sha256(data).hexdigest()[:16], ",".join(map(str, data)), len(data)))
