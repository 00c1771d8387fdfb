"""The same 32,460 drawings in other containers: size, time to open and read all, time of a
drawing at random, and who would notice a damaged byte. stores.py ZIPS DRAWINGS.npz FOLDER"""
import io
import json
import os
import sys
import time
import zipfile

import numpy as np

SIDE, RANDOM = 105, 500


def zips(folder, pages, paths):
    """The official zips with PIL, a picture at a time."""
    from PIL import Image

    def open_all():
        files = [zipfile.ZipFile(path) for path in paths]
        return [(file, name) for file in files for name in sorted(file.namelist())
                if name.endswith(".png")]

    def read(entries, i):
        file, name = entries[i]
        return np.asarray(Image.open(io.BytesIO(file.read(name))))
    return sum(os.path.getsize(path) for path in paths), open_all, read, \
        lambda entries: [read(entries, i) for i in range(len(entries))], "CRC-32 of each picture"


def npz(folder, pages, _):
    """numpy's compressed archive; it knows no reading of a part."""
    path = f"{folder}/pages.npz"
    np.savez_compressed(path, pages=pages)
    return os.path.getsize(path), lambda: path, lambda path, i: np.load(path)["pages"][i], \
        lambda path: np.load(path)["pages"], "CRC-32 of the whole"


def npy(folder, pages, _):
    """Packed bits, uncompressed, mapped."""
    path = f"{folder}/bits.npy"
    np.save(path, np.packbits(pages.reshape(len(pages), -1), axis=1))
    unpack = lambda rows: np.unpackbits(rows, axis=-1, count=SIDE * SIDE)  # noqa: E731
    return os.path.getsize(path), lambda: np.load(path, mmap_mode="r"), \
        lambda bits, i: unpack(bits[i]).reshape(SIDE, SIDE), unpack, "none"


def hdf5(folder, pages, _):
    """HDF5: chunks of 20 drawings, gzip 4 and Fletcher's sum."""
    import h5py
    path = f"{folder}/pages.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("pages", data=pages, chunks=(20, SIDE, SIDE), compression="gzip",
                            fletcher32=True)
    return os.path.getsize(path), lambda: h5py.File(path)["pages"], \
        lambda data, i: data[i], lambda data: data[:], "Fletcher-32 of each chunk, if asked for"


def lmdb(folder, pages, _):
    """LMDB: one PNG of one bit a pixel under each key."""
    import lmdb
    from PIL import Image
    path = f"{folder}/lmdb"
    with lmdb.open(path, map_size=1 << 30) as env, env.begin(write=True) as write:
        for i, page in enumerate(pages):
            out = io.BytesIO()
            Image.fromarray(page * 255).convert("1").save(out, "PNG")
            write.put(i.to_bytes(4, "big"), out.getvalue())

    environments = []

    def open_it():
        while environments:
            environments.pop().close()  # a process may open it once
        environments.append(lmdb.open(path, readonly=True, lock=False))
        return environments[0].begin()

    def read(transaction, i):
        png = transaction.get(i.to_bytes(4, "big"))
        return np.asarray(Image.open(io.BytesIO(png)))
    return os.path.getsize(f"{path}/data.mdb"), \
        open_it, read, \
        lambda transaction: [read(transaction, i) for i in range(len(pages))], \
        "CRC-32 of the PNG's parts, by PIL"


def safetensors(folder, pages, _):
    """safetensors: bytes, uncompressed, mapped."""
    from safetensors import safe_open
    from safetensors.numpy import save_file
    path = f"{folder}/pages.safetensors"
    save_file({"pages": pages}, path)
    return os.path.getsize(path), \
        lambda: safe_open(path, "np").get_slice("pages"), lambda data, i: data[i:i + 1][0], \
        lambda data: data[:], "none"


def timed(work):
    began = time.perf_counter()
    result = work()
    return time.perf_counter() - began, result


def main(zip_folder, npz_path, folder):
    pages = np.load(npz_path)["pages"]
    paths = [f"{zip_folder}/images_{split}.zip" for split in ("background", "evaluation")]
    paths = paths if all(map(os.path.exists, paths)) else None
    rng = np.random.default_rng(0)
    for make in (zips, npz, npy, hdf5, lmdb, safetensors):
        if make is zips and paths is None:
            continue
        size, open_it, read, read_all, sums = make(folder, pages, paths)
        opened = open_it()
        some = 5 if make is npz else RANDOM
        read(opened, 0)
        ids = rng.integers(len(pages), size=some).tolist()
        random, _ = timed(lambda: [read(opened, i) for i in ids])
        everything, all_pages = timed(lambda: read_all(open_it()))
        assert len(all_pages) == len(pages)
        print(json.dumps({
            "store": make.__doc__.strip().rstrip("."), "bytes": size, "read_all_ms": 1e3 * everything,
            "random_us": 1e6 * random / some, "sums": sums}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
