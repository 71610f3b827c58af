"""Models in the ONNX format, written by hand: the few messages of its protocol buffers that a network needs."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

MICROSOFT = "com.microsoft"  # the operators that onnxruntime adds
HALF = np.float16
_TYPES = {np.dtype(np.float32): 1, np.dtype(np.int8): 3, np.dtype(np.int64): 7, np.dtype(HALF): 10}
_INT32 = 6
_OPSETS = (("", 17), (MICROSOFT, 1))
_IR_VERSION = 8


@dataclass
class Graph:
    """A graph under construction: `add` gives the name of what a node puts out."""

    nodes: list[bytes] = field(default_factory=list)
    constants: list[bytes] = field(default_factory=list)

    def constant(self, values: npt.NDArray[Any]) -> str:
        """A tensor of fixed numbers."""
        name = f"c{len(self.constants)}"
        kind, raw = _TYPES[values.dtype], np.ascontiguousarray(values).tobytes()
        dims = b"".join(_number(1, size) for size in values.shape)
        self.constants.append(dims + _number(2, kind) + _bytes(8, name.encode()) + _bytes(9, raw))
        return name

    def add(self, kind: str, inputs: Sequence[str], outputs: int = 1, **attributes: float | int) -> tuple[str, ...]:
        """A node; the operators of onnxruntime are written with their domain, `com.microsoft.Gelu`."""
        domain, _, plain = kind.rpartition(".")
        names = tuple(f"n{len(self.nodes)}.{i}" for i in range(outputs))
        said = b"".join(_bytes(1, name.encode()) for name in inputs) + b"".join(_bytes(2, n.encode()) for n in names)
        said += _bytes(4, plain.encode()) + b"".join(_bytes(5, _attribute(*one)) for one in attributes.items())
        self.nodes.append(said + _bytes(7, domain.encode()))
        return names

    def model(self, inputs: Mapping[str, tuple[str, ...]], output: str) -> bytes:
        """The finished file: inputs by name with the names of their sizes, the first all int64 but `mask`."""
        given = b"".join(_bytes(11, _value(n, _INT32 if n == "mask" else 7, sizes)) for n, sizes in inputs.items())
        nodes = b"".join(_bytes(1, one) for one in self.nodes)
        constants = b"".join(_bytes(5, one) for one in self.constants)
        graph = nodes + _bytes(2, b"network") + constants + given + _bytes(12, _value(output, 1, ("b", "t", "d")))
        opsets = b"".join(_bytes(8, _bytes(1, domain.encode()) + _number(2, number)) for domain, number in _OPSETS)
        return _number(1, _IR_VERSION) + _bytes(7, graph) + opsets


def _attribute(name: str, value: float | int) -> bytes:
    if isinstance(value, float):
        return _bytes(1, name.encode()) + _varint(2 << 3 | 5) + struct.pack("<f", value) + _number(20, 1)
    return _bytes(1, name.encode()) + _number(3, value) + _number(20, 2)


def _value(name: str, kind: int, sizes: Sequence[str]) -> bytes:
    dims = b"".join(_bytes(1, _bytes(2, size.encode())) for size in sizes)
    return _bytes(1, name.encode()) + _bytes(2, _bytes(1, _number(1, kind) + _bytes(2, dims)))


def _bytes(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _number(number: int, value: int) -> bytes:
    return _varint(number << 3) + _varint(value & 0xFFFFFFFFFFFFFFFF)


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    found.append(value)
    return bytes(found)
