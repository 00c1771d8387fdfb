"""Pictures for the checks: strokes of a pen, as numpy arrays and as files."""
import struct
import zlib

import numpy


def chunk(kind, content):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(picture):
    """A file of grey."""
    height, width = picture.shape
    rows = b"".join(b"\0" + row.tobytes() for row in picture)
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) +
            chunk(b"IEND", b""))


def picture(kind, drawer, height=70, width=60):
    """Strokes from point to point, the points by the kind and a little by the drawer."""
    points = numpy.random.default_rng(kind).uniform(0.2, 0.8, (5, 2))
    points += numpy.random.default_rng((kind, drawer)).uniform(-0.03, 0.03, (5, 2))
    page = numpy.full((height, width), 240, numpy.uint8)
    for (top, left), (bottom, right) in zip(points, points[1:]):
        for at in numpy.linspace(0, 1, 200):
            y, x = int((top + (bottom - top) * at) * height), int((left + (right - left) * at) * width)
            page[y - 1:y + 2, x - 1:x + 2] = 20
    return page
