"""Pickles as Python 2 wrote them, byte for byte: the form of the official CIFAR-10 files."""

import io
import pickle
import struct


class _Pickler(pickle._Pickler):
    """Protocol 2 with Python 2's byte strings for text and bytes alike, and its count of memos from 1."""

    dispatch = dict(pickle._Pickler.dispatch)

    def memoize(self, obj):
        index = len(self.memo) + 1
        self.write(self.put(index))
        self.memo[id(obj)] = index, obj

    def save_string(self, text):
        raw = text.encode("ascii") if isinstance(text, str) else text
        head = b"U" + bytes([len(raw)]) if len(raw) < 256 else b"T" + struct.pack("<i", len(raw))
        self.write(head + raw)
        self.memoize(text)

    dispatch[str] = dispatch[bytes] = save_string


def dumps(obj):
    """The bytes of `obj` (dicts, lists, strings, numbers, arrays)."""
    file = io.BytesIO()
    _Pickler(file, protocol=2).dump(obj)
    return file.getvalue().replace(b"numpy._core.", b"numpy.core.")
