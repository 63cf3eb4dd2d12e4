"""Bounds of packed chunks: met whatever tells them, and no honest chunk is refused or changed."""

from __future__ import annotations

import bz2
import gzip
import lzma

import numcodecs
import numpy as np
import pytest

from napari_lattice_symmetry.io.general.zarr_bounds import bounded

VALUES = np.random.default_rng(0).normal(100, 10, (300, 300)).astype(np.uint16).tobytes()
N = len(VALUES)
PACKINGS = {
    "gzip": numcodecs.GZip(),
    "zlib": numcodecs.Zlib(),
    "bz2": numcodecs.BZ2(),
    "lzma": numcodecs.LZMA(preset=0),
    "zstd": numcodecs.Zstd(),
    "blosc": numcodecs.Blosc(),
    "lz4": numcodecs.LZ4(),
}
ZSTD, SKIPPED = b"\x28\xb5\x2f\xfd", b"\x50\x2a\x4d\x18\3\0\0\0abc"


@pytest.mark.parametrize("packing", PACKINGS)
def test_an_honest_chunk_is_handed_on(packing):
    codec = PACKINGS[packing]
    packed = bytes(codec.encode(VALUES))
    known = bounded(packed, packing, 2 * N)
    assert bytes(codec.decode(known)) == VALUES
    assert bounded(packed, packing, N // 2) is None


@pytest.mark.parametrize("packing", ["gzip", "zlib"])
def test_deflate_is_not_unpacked_twice(packing):
    """What is handed on is as long as the values: plain blocks, which are only copied."""
    packed = bytes(PACKINGS[packing].encode(VALUES))
    assert N < len(bounded(packed, packing, 2 * N)) < N + 100


@pytest.mark.parametrize(("packing", "module"), [("gzip", gzip), ("bz2", bz2), ("lzma", lzma)])
def test_streams_after_the_first_count_too(packing, module):
    packed = module.compress(b"x") + module.compress(bytes(N))
    assert bounded(packed, packing, N) is None
    assert module.decompress(bounded(packed, packing, N + 1)) == b"x" + bytes(N)
    assert bounded(module.compress(b"") * 1000, packing, N) is None


@pytest.mark.parametrize("packing", ["gzip", "zlib", "bz2", "lzma"])
def test_damage_is_left_to_who_unpacks_it(packing):
    packed = bytes(PACKINGS[packing].encode(VALUES))
    for damaged in (packed[: len(packed) // 2], bytes(len(packed))):
        assert bounded(damaged, packing, 2 * N) is damaged


def frame(*blocks):
    """Make a frame of Zstandard that does not say its size, of runs of one byte."""
    headers = [
        size << 3 | 1 << 1 | (number == len(blocks) - 1) for number, size in enumerate(blocks)
    ]
    return ZSTD + bytes([0, 0x70]) + b"".join(head.to_bytes(3, "little") + b"a" for head in headers)


@pytest.mark.parametrize(
    "packed",
    [
        frame(*[1 << 17] * 8, 5),
        frame(*[1 << 17] * 4) + frame(*[1 << 17] * 4, 5),
        SKIPPED + frame(*[1 << 17] * 4) + SKIPPED + frame(*[1 << 17] * 4, 5),
    ],
)
def test_blocks_tell_what_a_zstd_frame_does_not(packed):
    size = (1 << 20) + 5
    assert len(numcodecs.Zstd().decode(packed)) == size
    assert bounded(packed, "zstd", size) is packed
    assert bounded(packed, "zstd", size - 1) is None
    assert bounded(packed[:-2], "zstd", size) == packed[:-2]
