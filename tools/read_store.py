#!/usr/bin/env python3
"""Reads an .omni store by src/store/FORMAT.md alone: checks all of it, prints a summary.

    tools/read_store.py STORE

The last line is the SHA-256 of every pixel as one byte (1 for ink, 0 for ground), row by
row from the top, drawing by drawing: what any other reader must find. Needs Python 3.8
and zstd: the standard library's (3.14), else the system's libzstd, else zstandard.
"""
import ctypes
import hashlib
import struct
import sys
import zlib

SIDE, BANDS = 105, 14
PAGE = SIDE * BANDS


def decompressor():
    """A function (frame, length) -> bytes from whichever zstd there is."""
    try:
        from compression import zstd
        return lambda frame, length: zstd.decompress(frame)
    except ImportError:
        pass
    try:
        lib = ctypes.CDLL("libzstd.so.1")
    except OSError:
        import zstandard
        return lambda frame, length: zstandard.ZstdDecompressor().decompress(frame)
    size_t, pointer = ctypes.c_size_t, ctypes.c_char_p
    lib.ZSTD_decompress.argtypes = [ctypes.c_void_p, size_t, pointer, size_t]
    lib.ZSTD_decompress.restype = size_t

    def decompress(frame, length):
        out = ctypes.create_string_buffer(length)
        got = lib.ZSTD_decompress(out, length, frame, len(frame))
        check(got == length, f"a block decodes to {got} bytes, not {length}")
        return out.raw
    return decompress


def check(holds, what):
    if not holds:
        sys.exit(f"read_store: damaged: {what}")


def rows(page):
    """One drawing's pixels as bytes 0 and 1, row by row."""
    for y in range(SIDE):
        band = page[y // 8 * SIDE:][:SIDE]
        yield band.translate(BIT[y % 8])


BIT = [bytes(value >> bit & 1 for value in range(256)) for bit in range(8)]


def main(path):
    with open(path, "rb") as file:
        data = file.read()
    check(len(data) >= 128 and data[:8] == b"\x89OMNI\r\n\x1a", "no .omni store")
    version, width, height, file_len, front_len = struct.unpack_from("<IHHQI", data, 8)
    check(version == 1 and (width, height) == (SIDE, SIDE), "version or page size")
    check(file_len == len(data) and 96 <= front_len <= file_len - 32, "lengths")
    n_alphabets, n_characters, n_drawings, n_ranges, n_runs, n_supports, n_queries, zero = (
        struct.unpack_from("<7IQ", data, 28))
    front_sum = hashlib.sha256(data[:64] + data[96:front_len]).digest()
    check(zero == 0 and front_sum == data[64:96], "the header's sum")
    check(hashlib.sha256(data[:-32]).digest() == data[-32:], "the file's sum")

    at = 96
    tables = []
    for layout, count in (("<IB3s", n_alphabets), ("<IHHII", n_characters), ("<HH", n_ranges),
                          ("<HH", n_runs), ("<I", n_supports), ("<IHH", n_queries)):
        size = struct.calcsize(layout)
        check(at + size * count <= front_len, "the tables are longer than the front")
        tables.append([struct.unpack_from(layout, data, at + size * i) for i in range(count)])
        at += size * count
    alphabets, characters, ranges, runs, supports, queries = tables
    names = []
    while at < front_len:
        names.append(data[at + 1:at + 1 + data[at]].decode())
        at += 1 + data[at]
    check(at == front_len and len(names) == n_alphabets + n_characters + n_runs, "names")
    check(sum(a[0] for a in alphabets) == n_characters, "characters of the alphabets")
    check(sum(c[1] for c in characters) == n_drawings, "drawings of the characters")
    check(sum(c[2] for c in characters) == n_ranges, "drawers of the characters")
    check(sum(count for _, count in ranges) == n_drawings, "drawers")
    check(sum(r[0] for r in runs) == n_supports and sum(r[1] for r in runs) == n_queries, "runs")
    check(all(s[0] < n_drawings for s in supports + queries), "drawings of the runs")

    decompress, pixels, ink, at = decompressor(), hashlib.sha256(), 0, front_len
    for (_, drawings, _, length, crc), name in zip(characters, names[n_alphabets:]):
        block = data[at:at + length]
        check(zlib.crc32(block) == crc, f"the sum of {name}")
        pages = decompress(block, drawings * PAGE)
        check(len(pages) == drawings * PAGE, f"the length of {name}")
        for start in range(0, len(pages), PAGE):
            page = pages[start:start + PAGE]
            check(max(page[-SIDE:]) <= 1, f"ink below the last row in {name}")
            for row in rows(page):
                pixels.update(row)
                ink += row.count(1)
        at += length
    check(at == file_len - 32, "the blocks end elsewhere")
    for split, tag in (("background", 0), ("evaluation", 1)):
        print(f"{split}: {sum(a[1] == tag for a in alphabets)} alphabets, "
              f"{sum(a[0] for a in alphabets if a[1] == tag)} characters")
    print(f"drawings: {n_drawings}")
    print(f"runs: {n_runs} with {n_queries} queries")
    print(f"ink: {ink}")
    print(f"pixels: {pixels.hexdigest()}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: read_store.py STORE")
    main(sys.argv[1])
