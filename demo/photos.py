#!/usr/bin/env python3
"""photos.py RCC OUT PACK...: the JPEG and WebP pictures of Qt resource packs RCC/PACK.rcc, as files below OUT/PACK.
Standard library only. The packs are those of Debian's gcompris-qt-data, whose pictures are free.
"""
import os
import struct
import sys
import zlib

COMPRESSED, FOLDER = 1, 2


def files(data):
    """(path, bytes) of every file of a pack; version 1 to 3, without zstd."""
    magic, version, tree, content, names = struct.unpack_from(">4sIIII", data)
    if magic != b"qres":
        sys.exit("this is no Qt resource pack")
    size = 14 if version == 1 else 22
    todo = [(0, "")]
    while todo:
        node, above = todo.pop()
        name, flags, first, second = struct.unpack_from(">IHII", data, tree + size * node)
        length = struct.unpack_from(">H", data, names + name)[0]
        path = os.path.join(above, data[names + name + 6:names + name + 6 + 2 * length].decode("utf-16-be")) if node else ""
        if flags & FOLDER:
            todo += [(second + i, path) for i in range(first)]
        else:
            start = content + second + 4
            body = data[start:start + struct.unpack_from(">I", data, start - 4)[0]]
            yield path, zlib.decompress(body[4:]) if flags & COMPRESSED else body


def main():
    rcc, out, *packs = sys.argv[1:]
    for pack in packs:
        with open(os.path.join(rcc, pack + ".rcc"), "rb") as file:
            data = file.read()
        for path, body in files(data):
            name = os.path.basename(path)
            if ".." in name or not (body.startswith(b"\xff\xd8") or body[8:12] == b"WEBP"):
                continue
            os.makedirs(os.path.join(out, pack), exist_ok=True)
            with open(os.path.join(out, pack, name), "wb") as file:
                file.write(body)


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    main()
