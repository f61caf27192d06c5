"""The tensors of a file of ours (docs/format.md) as NumPy arrays, for the peers."""
import struct
import numpy as np

TYPES = {1: 'u1', 2: '<f2', 3: '<f4', 4: '<f8', 5: '<i4', 6: '<u4', 7: '<u8'}


def tensors(path):
    """name -> array, mapped"""
    raw = np.memmap(path, np.uint8, 'r')
    offset, count = struct.unpack('<QQ', raw[24:40].tobytes())
    out = {}
    for i in range(count):
        f = struct.unpack('<48sII4QQQQ', raw[offset + 112 * i:offset + 112 * (i + 1)].tobytes())
        out[f[0].rstrip(b'\0').decode()] = raw[f[7]:f[7] + f[8]].view(TYPES[f[1]]).reshape(f[3:3 + f[2]])
    return out


def strings(t, name):
    data, at = t[name + '.bytes'].tobytes(), t[name + '.offsets']
    return [data[at[i]:at[i + 1]].decode() for i in range(len(at) - 1)]
