#!/usr/bin/env python3
"""Reads an .omni store by src/store/FORMAT.md alone: tools/read_store.py STORE

Checks every checksum and prints a summary. The last line is the SHA-256 of every pixel as one byte
(1 for ink), row by row, drawing by drawing: what any other reader must find. Of a store in shades
a line before it has the SHA-256 of these, in the same order.
Needs Python 3.8 and zstd: the standard library's (3.14) or the system's libzstd.
"""
import ctypes, hashlib, struct, sys, zlib  # noqa: E401

SIDE, PAGE = 105, 14 * 105
BIT = [bytes(value >> bit & 1 for value in range(256)) for bit in range(8)]

def check(holds, what):
    if not holds:
        sys.exit(f"read_store: damaged: {what}")

def decompress(frame, length):
    try:
        from compression import zstd
        return zstd.decompress(frame)
    except ImportError:
        out = ctypes.create_string_buffer(length)
        args = out, ctypes.c_size_t(length), frame, ctypes.c_size_t(len(frame))
        check(ctypes.CDLL("libzstd.so.1").ZSTD_decompress(*args) == length, "a block's length")
        return out.raw

def table(data, at, layout, count):
    size = struct.calcsize(layout)
    return at + size * count, list(struct.iter_unpack(layout, data[at:at + size * count]))

def main(path):
    data = open(path, "rb").read()
    check(data[:8] == b"\x89OMNI\r\n\x1a", "no .omni store")
    version, width, height, file_len, front_len, *counts, zero = struct.unpack_from("<IHHQI7IQ", data, 8)
    n_alphabets, n_characters, n_drawings, n_ranges, n_runs, n_supports, n_queries = counts
    if version not in (1, 2):
        sys.exit(f"read_store: the store's version is {version}, and this reads 1 and 2")
    shades = SIDE * SIDE if version == 2 else 0  # of each drawing, behind all pages of its block
    made, zero = zero & 0xFF, zero >> 8  # how pictures were made into pages
    check((width, height, zero) == (SIDE, SIDE, 0) and file_len == len(data), "header")
    check(made == 0 or made & 1 and made < 8 and (made >> 2) == version - 1, "how pictures were made")
    check(hashlib.sha256(data[:64] + data[96:front_len]).digest() == data[64:96], "header's checksum")
    check(hashlib.sha256(data[:-32]).digest() == data[-32:], "file's checksum")
    at, alphabets = table(data, 96, "<IB3s", n_alphabets)
    at, characters = table(data, at, "<IHHII", n_characters)
    at, ranges = table(data, at, "<HH", n_ranges)
    at, runs = table(data, at, "<HH", n_runs)
    at, supports = table(data, at, "<I", n_supports)
    at, queries = table(data, at, "<IHH", n_queries)
    check(all(id < n_drawings for id, *_ in supports + queries), "drawings of the runs")
    names = []
    while at < front_len:
        names.append(data[at + 1:at + 1 + data[at]].decode())
        at += 1 + data[at]
    check(len(names) == n_alphabets + n_characters + n_runs, "names")
    pixels, grey, ink = hashlib.sha256(), hashlib.sha256(), 0
    for (_, drawings, _, length, crc), name in zip(characters, names[n_alphabets:]):
        block = data[at:at + length]
        check(zlib.crc32(block) == crc, f"the checksum of {name}")
        pages = decompress(block, drawings * (PAGE + shades))
        check(len(pages) == drawings * (PAGE + shades), f"the length of {name}")
        grey.update(pages[drawings * PAGE:])
        for page in (pages[start:start + PAGE] for start in range(0, drawings * PAGE, PAGE)):
            for y in range(SIDE):
                row = page[y // 8 * SIDE:][:SIDE].translate(BIT[y % 8])
                pixels.update(row)
                ink += row.count(1)
        at += length
    check(at == file_len - 32, "the blocks end elsewhere")
    for split, tag in (("background", 0), ("evaluation", 1)):
        sizes = [count for count, of_split, _ in alphabets if of_split == tag]
        print(f"{split}: {len(sizes)} alphabets, {sum(sizes)} characters")
    print(f"drawings: {n_drawings}\nruns: {n_runs} with {n_queries} queries")
    if shades:
        print(f"shades: {grey.hexdigest()}")
    print(f"ink: {ink}\npixels: {pixels.hexdigest()}")

if __name__ == "__main__":
    main(*sys.argv[1:2]) if len(sys.argv) == 2 else sys.exit("usage: read_store.py STORE")
