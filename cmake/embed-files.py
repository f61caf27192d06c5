#!/usr/bin/env python3
"""embed-files.py OUT FILE...: files as rows of a C table: name, media type, ETag, bytes, the same by gzip, both sizes."""
import gzip
import hashlib
import os
import sys

TYPES = {".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8",
         ".json": "application/json", ".svg": "image/svg+xml"}
with open(sys.argv[1], "w", encoding="ascii") as out:
    for path in sorted(sys.argv[2:]):
        data = open(path, "rb").read()
        name = os.path.basename(path)
        small = gzip.compress(data, 9, mtime=0)
        row = lambda b: "(const unsigned char[]){%s}" % ",".join(map(str, b))
        out.write('{"%s", "%s", "\\"%s\\"", %s, %s, %d, %d},\n' % (
            name, TYPES[os.path.splitext(name)[1]], hashlib.sha256(data).hexdigest()[:16], row(data), row(small), len(data), len(small)))
