"""Zarr chunks that would unpack into far more than they are declared to hold, met beforehand."""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable
from math import prod
from typing import Any

from zarr.abc.store import Store
from zarr.storage import WrapperStore

_DEFLATE = 1032  # times that it can pack
_FREE = 1 << 26  # bytes that any chunk may unpack into: those of texts have no declared size
_ZSTD = b"\x28\xb5\x2f\xfd"
_STREAMS: dict[str, Callable[[], Any]] = {
    "gzip": lambda: zlib.decompressobj(47),
    "zlib": zlib.decompressobj,
    "bz2": bz2.BZ2Decompressor,
    "lzma": lzma.LZMADecompressor,
}


class BoundedStore(WrapperStore[Store]):
    """A store that looks at chunks of the arrays it knows before they are unpacked."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._bounds: dict[str, tuple[str, int]] = {}

    def bound(self, array: Any) -> None:
        """Look from now on at the chunks of an array, by what packed them last."""
        if array.compressors:
            packing = type(array.compressors[-1]).__name__.lower().removesuffix("codec")
            size = prod(array.chunks) * array.dtype.itemsize
            self._bounds[array.path] = packing, max(2 * size, _FREE)

    async def get(self, key: str, prototype: Any, byte_range: Any = None) -> Any:
        """Get what is stored; raise a ValueError if it is a chunk out of bounds."""
        value = await super().get(key, prototype, byte_range)
        path = key
        while value is not None and path:
            path = path.rpartition("/")[0]
            if path in self._bounds:
                packing, most = self._bounds[path]
                if exceeds(value.to_bytes(), packing, most):
                    raise ValueError(f"its chunk {key} unpacks into more than {most:,} bytes")
                break
        return value


def exceeds(packed: bytes, packing: str, most: int) -> bool:
    """Tell whether bytes unpack into more than `most`, at no more expense than that."""
    if packing == "zstd":
        return _zstd_size(packed) > most
    if packing in ("blosc", "lz4"):
        start = 4 if packing == "blosc" else 0
        return int.from_bytes(packed[start : start + 4], "little") > most
    if packing not in _STREAMS or (packing[0] in "gz" and len(packed) * _DEFLATE <= most):
        return False
    try:
        return len(_STREAMS[packing]().decompress(packed, most + 1)) > most
    except (EOFError, OSError, lzma.LZMAError, zlib.error):  # damage is told by who unpacks it
        return False


def _zstd_size(packed: bytes) -> int:
    """Read the size in the header of a frame; 0 if it does not say."""
    if len(packed) < 6 or not packed.startswith(_ZSTD):
        return 0
    flags = packed[4]
    single = bool(flags & 32)
    width = (1 if single else 0, 2, 4, 8)[flags >> 6]
    start = 5 + (not single) + (0, 1, 2, 4)[flags & 3]
    return int.from_bytes(packed[start : start + width], "little") + 256 * (width == 2)
