"""The pictures that look most like one: nearest_example.py EMBEDDINGS.npz PATH [N]

EMBEDDINGS.npz is what `siamese-embed --out` wrote, and PATH one of its paths. With FAISS installed
its index of inner products answers, else numpy, which takes milliseconds for 10,000 pictures.
"""
import sys

import numpy


def nearest(embeddings, query, n):
    """Indices and cosines of the n rows nearest to `query`, the nearest first. Rows of a network
    that compares by cosine have length 1, so that their inner products are cosines."""
    try:
        import faiss
    except ImportError:
        cosines = embeddings @ query
        order = numpy.argsort(-cosines, kind="stable")[:n]
        return order, cosines[order]
    index = faiss.IndexFlatIP(embeddings.shape[1])
    index.add(embeddings)
    cosines, order = index.search(query[None], n)
    return order[0], cosines[0]


def main(file, path, n=8):
    arrays = numpy.load(file)
    embeddings, paths = arrays["embeddings"], arrays["paths"]
    found = numpy.flatnonzero(paths == path)
    if not len(found):
        sys.exit(f"{file}: has no {path}; the first path is {paths[0]}")
    for at, cosine in zip(*nearest(embeddings, embeddings[found[0]], int(n) + 1)):
        if at != found[0]:
            print(f"{cosine:.4f}  {paths[at]}")


if __name__ == "__main__":
    if not 3 <= len(sys.argv) <= 4:
        sys.exit(__doc__.splitlines()[0])
    main(*sys.argv[1:])
