"""A second reader and runner of TFLite detectors, in struct, NumPy and PyTorch, for tests and benches to compare with.
Written from TensorFlow's schema.fbs, not from src/vision; knows the operators that SSD MobileNetV2 needs."""
import struct

import numpy as np
import torch
import torch.nn.functional as F


def network_of(path):
    """The TFLite bytes in a .menc (docs/format.md)."""
    data = open(path, "rb").read()
    table, count = struct.unpack_from("<QQ", data, 24)
    for i in range(count):
        name, _, _, *_, offset, size, _ = struct.unpack_from("<48sII4QQQQ", data, table + 112 * i)
        if name.rstrip(b"\0") in (b"network.0", b"network"):
            return data[offset:offset + size]
    raise ValueError(path + " holds no network")


class Flat:
    def __init__(self, data):
        self.data = data

    def get(self, code, at):
        return struct.unpack_from("<" + code, self.data, at)[0]

    def field(self, table, number):
        index = table - self.get("i", table)
        if 4 + 2 * number >= self.get("H", index):
            return 0
        distance = self.get("H", index + 4 + 2 * number)
        return table + distance if distance else 0

    def value(self, table, number, code, otherwise=0):
        at = self.field(table, number)
        return self.get(code, at) if at else otherwise

    def follow(self, at):
        return at + self.get("I", at)

    def items(self, table, number):
        """Start and count of a vector."""
        at = self.field(table, number)
        return (self.follow(at) + 4, self.get("I", self.follow(at))) if at else (0, 0)

    def ints(self, table, number):
        start, count = self.items(table, number)
        return list(struct.unpack_from("<%di" % count, self.data, start))

    def tables(self, table, number):
        start, count = self.items(table, number)
        return [self.follow(start + 4 * i) for i in range(count)]

    def bytes(self, table, number):
        start, count = self.items(table, number)
        return self.data[start:start + count]


ADD, CONCAT, CONV, DEPTHWISE, DEQUANTIZE, RESHAPE = 0, 2, 3, 4, 6, 22


class Network(torch.nn.Module):
    """NHWC floats (images, size, size, 3) to [the outputs..., every tensor whose name holds one of `wanted`]."""

    def __init__(self, data, wanted=()):
        super().__init__()
        f = Flat(data)
        model = f.follow(0)
        codes = [max(f.value(c, 0, "b"), f.value(c, 3, "i")) for c in f.tables(model, 1)]
        graph = f.tables(model, 2)[0]
        buffers = f.tables(model, 4)
        tensors = f.tables(graph, 0)
        self.names = [f.bytes(t, 3).decode() for t in tensors]
        self.shapes = [f.ints(t, 0) for t in tensors]
        self.input = f.ints(graph, 1)[0]
        self.wanted = f.ints(graph, 2)
        values, self.steps = {}, []
        for t, table in enumerate(tensors):
            stored = f.bytes(buffers[f.value(table, 2, "I")], 0)
            kind = {0: "<f4", 1: "<f2", 2: "<i4"}[f.value(table, 1, "B")]
            if stored:
                values[t] = np.frombuffer(stored, kind).reshape(self.shapes[t])
        for op in f.tables(graph, 3):
            code, reads, writes = codes[f.value(op, 0, "I")], f.ints(op, 1), f.ints(op, 2)[0]
            at = f.field(op, 4)
            options = f.follow(at) if at else 0
            if code == DEQUANTIZE:
                values[writes] = values[reads[0]].astype(np.float32)
            elif code in (CONV, DEPTHWISE):
                weights = torch.tensor(values[reads[1]].transpose(0, 3, 1, 2) if code == CONV else values[reads[1]].transpose(3, 0, 1, 2))
                groups = weights.shape[0] if code == DEPTHWISE else 1
                stride = (f.value(options, 2, "i"), f.value(options, 1, "i"))
                act = f.value(options, 3 if code == CONV else 4, "B")
                pads = [0, 0, 0, 0]
                if f.value(options, 0, "B") == 0:  # SAME; F.pad's order is the columns, then the rows
                    for d in (0, 1):
                        size, kernel = self.shapes[reads[0]][1 + d], weights.shape[2 + d]
                        missing = max((self.shapes[writes][1 + d] - 1) * stride[d] + kernel - size, 0)
                        pads[2 - 2 * d], pads[3 - 2 * d] = missing // 2, missing - missing // 2
                self.register_buffer("w%d" % writes, weights.contiguous())
                self.register_buffer("b%d" % writes, torch.tensor(values[reads[2]].copy()))
                self.steps.append((code, reads[0], writes, stride, pads, groups, act))
            elif code in (ADD, RESHAPE, CONCAT):
                self.steps.append((code, reads, writes, f.value(options, 0, "i" if code == CONCAT else "B"), None, 0, 0))
            else:
                raise ValueError("operator %d" % code)
        for step in self.steps:
            if step[2] not in self.wanted and any(name in self.names[step[2]] for name in wanted):
                self.wanted.append(step[2])

    def forward(self, x):
        known = {self.input: x.permute(0, 3, 1, 2)}
        for code, reads, writes, extra, pads, groups, act in self.steps:
            if code in (CONV, DEPTHWISE):
                y, even = known[reads], pads[0] == pads[1] and pads[2] == pads[3]
                if not even:
                    y = F.pad(y, pads)
                y = F.conv2d(y, getattr(self, "w%d" % writes), getattr(self, "b%d" % writes), extra,
                             (pads[2], pads[0]) if even else 0, 1, groups)
                known[writes] = F.relu6(y, inplace=True) if act == 3 else F.relu(y) if act == 1 else y
            elif code == ADD:
                known[writes] = known[reads[0]] + known[reads[1]]
            elif code == RESHAPE:
                y = known[reads[0]]
                y = y.permute(0, 2, 3, 1) if len(self.shapes[reads[0]]) == 4 and y.dim() == 4 and reads[0] not in self.flat else y
                known[writes] = y.reshape([y.shape[0]] + self.shapes[writes][1:])
                self.flat.add(writes)
            else:
                known[writes] = torch.cat([known[r] for r in reads], extra)
                self.flat.add(writes)
        return tuple(known[w].permute(0, 2, 3, 1) if known[w].dim() == 4 and w not in self.flat else known[w] for w in self.wanted)

    flat = set()  # tensors that are not pictures: their order is NHWC's already
