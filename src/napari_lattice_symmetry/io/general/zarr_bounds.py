"""Zarr chunks that would unpack into far more than they are declared to hold, met beforehand."""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable
from math import prod
from typing import Any

from zarr.abc.store import Store
from zarr.storage import LocalStore, WrapperStore

_DEFLATE = 1032  # times that it can pack
_FREE = 1 << 26  # bytes that any chunk may unpack into: those of texts have no declared size
_MAX_STREAMS = 64  # one after the other in a chunk, of which writers make one
_ZSTD = b"\x28\xb5\x2f\xfd"
_SKIPPED = tuple(bytes([kind]) + b"\x2a\x4d\x18" for kind in range(0x50, 0x60))
_BLOCK = 1 << 17  # bytes that a block of Zstandard unpacks into at most
_GZIP, _ZLIB = 31, 15  # how zlib calls their headers
_DAMAGE = (EOFError, OSError, lzma.LZMAError, zlib.error)
_STREAMS: dict[str, Callable[[], Any]] = {
    "gzip": lambda: zlib.decompressobj(_GZIP),
    "zlib": lambda: zlib.decompressobj(_ZLIB),
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
        """Get what is stored; raise a ValueError if it is a chunk out of bounds, or no file."""
        if isinstance(self._store, LocalStore):
            place = self._store.root / key
            if place.exists() and not (place.is_file() or place.is_dir()):
                raise ValueError(f"{key} is a pipe or a device")  # which is waited for
        value = await super().get(key, prototype, byte_range)
        path = key
        while value is not None and path:
            path = path.rpartition("/")[0]
            if path in self._bounds:
                packing, most = self._bounds[path]
                packed = value.to_bytes()
                known = bounded(packed, packing, most)
                if known is None:
                    raise ValueError(f"its chunk {key} unpacks into more than {most:,} bytes")
                return value if known is packed else prototype.buffer.from_bytes(known)
        return value


def bounded(packed: bytes, packing: str, most: int) -> bytes | None:
    """Return bytes that unpack into the same as `packed`; None if that is more than `most`.

    What only unpacking tells is unpacked here, to `most` and no further. Deflate is then handed on
    as plain blocks, so that it is not unpacked twice.
    """
    if packing == "zstd":
        return packed if _zstd_bound(packed) <= most else None
    if packing in ("blosc", "lz4"):
        start = 4 if packing == "blosc" else 0
        size = int.from_bytes(packed[start : start + 4], "little")
        return packed if size <= most else None
    is_deflate = packing in ("gzip", "zlib")
    if packing not in _STREAMS or (is_deflate and len(packed) * _DEFLATE <= most):
        return packed
    try:
        values = _unpack(packed, packing, most)
    except _DAMAGE:  # told by who unpacks it, which stops where this did
        return packed
    if values is None or not is_deflate:
        return packed if values is not None else None
    plain = zlib.compressobj(0, wbits=_GZIP if packing == "gzip" else _ZLIB)
    return plain.compress(values) + plain.flush()


def _unpack(packed: bytes, packing: str, most: int) -> bytes | None:
    """Unpack all streams in a chunk; None if they hold more than `most`, or are too many."""
    parts: list[bytes] = []
    left, rest = most, packed
    for _ in range(_MAX_STREAMS):
        stream = _STREAMS[packing]()
        parts.append(stream.decompress(rest, left + 1))
        left -= len(parts[-1])
        if left < 0:
            return None
        if not stream.eof:
            raise EOFError("the chunk is cut off")
        rest = stream.unused_data.lstrip(b"\0")
        if not rest or packing == "zlib":  # of which one stream is read
            return parts[0] if len(parts) == 1 else b"".join(parts)
    return None


def _zstd_bound(packed: bytes) -> int:
    """Return what frames of Zstandard unpack into at most, by the headers of their blocks.

    The format is that of RFC 8878. A size in the header of a frame is taken for what it says.
    """
    place = total = declared = 0
    while place + 8 <= len(packed):
        magic = packed[place : place + 4]
        if magic in _SKIPPED:
            place += 8 + int.from_bytes(packed[place + 4 : place + 8], "little")
            continue
        if magic != _ZSTD:
            break
        flags = packed[place + 4]
        single = bool(flags & 32)
        width = (1 if single else 0, 2, 4, 8)[flags >> 6]
        start = place + 5 + (not single) + (0, 1, 2, 4)[flags & 3]
        size = int.from_bytes(packed[start : start + width], "little") + 256 * (width == 2)
        declared = max(declared, size)
        blocks, place = _zstd_blocks(packed, start + width)
        total += blocks
        place += 4 * bool(flags & 4)  # a checksum
    return max(total, declared)


def _zstd_blocks(packed: bytes, place: int) -> tuple[int, int]:
    """Return what the blocks of a frame unpack into at most, and where they end."""
    total, last = 0, False
    while not last and place + 3 <= len(packed):
        header = int.from_bytes(packed[place : place + 3], "little")
        last, kind, size = bool(header & 1), header >> 1 & 3, header >> 3
        total += _BLOCK if kind == 2 else size
        place += 3 + (1 if kind == 1 else size)
    return total, place
