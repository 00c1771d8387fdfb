"""Checks omnishot.embed and omnishot.classify: pictures.py FOLDER. Needs numpy.

Leaves known/, queries/, embeddings.bin and answers.json in the folder, for tests/cli/python.rs to ask the
programs the same; then tries what a user may give.
"""
import importlib.util
import json
import os
import shutil
import struct
import sys
import threading
import warnings
import zipfile
from pathlib import Path

if importlib.util.find_spec("numpy") is None:
    sys.exit(0)

import numpy
import omnishot

from common import raises
from strokes import picture, png

FOLDER = Path(sys.argv[1])
PRETRAINED = Path(__file__).resolve().parents[3] / "src" / "weights" / "pretrained.safetensors"


KNOWN = {f"kind {kind}": [picture(kind, drawer) for drawer in range(1 + kind % 2)] for kind in range(4)}
QUERIES = [picture(kind % 5, 7 + kind, 50 + 9 * kind, 80) for kind in range(6)]


def write():
    for name, pictures in KNOWN.items():
        (FOLDER / "known" / name).mkdir(parents=True)
        for place, page in enumerate(pictures):
            (FOLDER / "known" / name / f"{place}.png").write_bytes(png(page))
    (FOLDER / "queries").mkdir()
    for place, page in enumerate(QUERIES):
        (FOLDER / "queries" / f"{place}.png").write_bytes(png(page))
    return sorted((FOLDER / "queries").iterdir())


def plain(answers):
    """Without the names of the queries."""
    return [answer[1:] for answer in answers]


def an_array_is_what_its_file_is(files):
    expected = omnishot.embed(files)
    (FOLDER / "embeddings.bin").write_bytes(expected.tobytes())
    assert expected.dtype == numpy.float32 and expected.shape[0] == 6 and expected.flags.writeable
    assert len(numpy.unique(expected, axis=0)) == 6

    def same(pictures, rows=slice(None)):
        assert numpy.array_equal(omnishot.embed(pictures), expected[rows])

    same(QUERIES)
    same(tuple(QUERIES[:3]) + tuple(files[3:]))
    same(str(files[2]), slice(2, 3))
    same(QUERIES[2], slice(2, 3))
    same(FOLDER / "queries")
    with zipfile.ZipFile(FOLDER / "queries.zip", "w") as packed:
        for file in files:
            packed.write(file, file.name)
    same([FOLDER / "queries.zip"])
    stack = numpy.stack([QUERIES[1]] * 3)
    same(stack, [1, 1, 1])
    wide = numpy.zeros((2 * stack.shape[1], 3 * stack.shape[2]), numpy.uint8)
    wide[::2, ::3] = QUERIES[1]
    same([numpy.asfortranarray(QUERIES[1]), wide[::2, ::3]], [1, 1])
    ink = QUERIES[3] < 128
    drawn = numpy.where(ink, numpy.uint8(0), numpy.uint8(255))
    drawn.flags.writeable = False
    assert numpy.array_equal(omnishot.embed(ink), omnishot.embed(drawn))


def a_support_is_a_folder_or_its_pictures(files):
    answers = omnishot.classify(FOLDER / "known", files)
    (FOLDER / "answers.json").write_text(json.dumps(answers))
    assert [answer.query for answer in answers] == [str(file) for file in files]
    assert [answer.answer for answer in answers[:4]] == list(KNOWN), answers
    for answer in answers:
        scores = [ranked.score for ranked in answer.ranked]
        assert scores == sorted(scores, reverse=True) and {one.name for one in answer.ranked} == set(KNOWN)
        assert answer.answer == answer.ranked[0].name and answer.why == "above all others"
        assert answer.threshold is None
    arrays = omnishot.classify(KNOWN, QUERIES)
    assert plain(arrays) == plain(answers) and arrays[3].query == "queries[3]"
    mixed = {name: FOLDER / "known" / name for name in KNOWN}
    assert plain(omnishot.classify(mixed, FOLDER / "queries")) == plain(answers)
    same = omnishot.classify({"a": QUERIES[0], "b": QUERIES[0]}, QUERIES[1])
    assert (same[0].answer, same[0].why) == (None, "tied"), same


def none_of_these_is_an_answer():
    score = omnishot.classify(KNOWN, QUERIES[0])[0].ranked[0].score
    for threshold, why in [(score, "none of these"), (score - 1e-9, "above all others")]:
        answer, = omnishot.classify(KNOWN, QUERIES[0], threshold=threshold)
        assert (answer.why, answer.threshold) == (why, threshold), answer
        assert (answer.answer is None) == (why == "none of these")


def what_is_no_picture_is_told():
    page = QUERIES[0]

    def embed(text, pictures, kind=omnishot.Error, **more):
        raises(text, lambda: omnishot.embed(pictures, **more), kind)

    embed("pictures: its values are float64", page / 255.0, TypeError)
    embed("pictures[1]: its values are float32", [page, numpy.float32(page) * numpy.nan], TypeError)
    embed("its values are object", [None], TypeError)
    embed("its shape is [60, 70, 3]", numpy.zeros((60, 70, 3), numpy.uint8), ValueError)
    embed("its shape is [5]", numpy.zeros(5, numpy.uint8), ValueError)
    embed("its shape is []", numpy.uint8(7), ValueError)
    embed("there are no pictures", [])
    embed("there are no pictures", numpy.zeros((0, 9, 9), numpy.uint8))
    embed("pictures: it has 0 rows of 9 pixels", numpy.zeros((0, 9), numpy.uint8))
    embed("it has 1 rows of 16385 pixels", numpy.zeros((1, 16385), numpy.uint8))
    embed("pictures[1]: ", [page, numpy.full_like(page, 255)])
    embed("missing.png", ["missing.png"])
    (FOLDER / "text.png").write_text("no picture")
    embed("text.png", [page, FOLDER / "text.png"])
    (FOLDER / "nothing").mkdir()
    embed("nothing", FOLDER / "nothing")
    embed("missing.safetensors", page, weights="missing.safetensors")
    embed("text.png", page, weights=FOLDER / "text.png")
    raises("no classes", lambda: omnishot.classify({}, page))
    raises('class "a" has no pictures', lambda: omnishot.classify({"a": []}, page))
    raises("support['a'][1]: ", lambda: omnishot.classify({"a": [page, page[:5, :5]]}, page))
    raises("missing", lambda: omnishot.classify("missing", page))
    raises("no pictures to classify", lambda: omnishot.classify(KNOWN, []))
    raises("threshold is nan", lambda: omnishot.classify(KNOWN, page, threshold=float("nan")), ValueError)
    both = {"threshold": 0.5, "calibrate": "drawings.omni"}
    raises("give one of them", lambda: omnishot.classify(KNOWN, page, **both), ValueError)
    raises("missing.omni", lambda: omnishot.classify(KNOWN, page, calibrate="missing.omni"))


def weights_are_read_from_a_file():
    """Those of the package, with a card that says how the pictures of the training were made."""
    content = PRETRAINED.read_bytes()
    length, = struct.unpack_from("<Q", content)
    head = json.loads(content[8:8 + length])
    card = {**json.loads(head["__metadata__"]["omnishot"]), "pictures": {"cut": False, "grey": False}}
    head["__metadata__"]["omnishot"] = json.dumps(card)
    text = json.dumps(head).encode()
    weights = FOLDER / "weights.safetensors"
    weights.write_bytes(struct.pack("<Q", len(text)) + text + content[8 + length:])
    expected = omnishot.embed(QUERIES)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        assert numpy.array_equal(omnishot.embed(QUERIES, weights), expected)
        assert omnishot.classify(KNOWN, QUERIES, weights) == omnishot.classify(KNOWN, QUERIES)
        assert not told
        assert not numpy.array_equal(omnishot.embed(QUERIES, weights, cut=True), expected)
    assert [("these are made with --cut" in str(one.message), one.filename) for one in told] == [
        (True, __file__)], told
    for end in (7, 8 + len(text) // 2, weights.stat().st_size - 1):
        damaged = FOLDER / "damaged.safetensors"
        damaged.write_bytes(weights.read_bytes()[:end])
        raises("damaged.safetensors", lambda: omnishot.embed(QUERIES, damaged))


def threads_and_forks_answer_alike():
    expected = plain(omnishot.classify(KNOWN, QUERIES))
    answers = []
    workers = [threading.Thread(target=lambda: answers.append(plain(omnishot.classify(KNOWN, QUERIES))))
               for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert answers == [expected] * 3
    child = os.fork()
    if child == 0:
        code = 1
        try:
            assert plain(omnishot.classify(KNOWN, QUERIES)) == expected
            raises("missing.png", lambda: omnishot.embed("missing.png"))
            code = 0
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0
    assert plain(omnishot.classify(KNOWN, QUERIES)) == expected


def main():
    for name in ("known", "queries", "nothing"):
        shutil.rmtree(FOLDER / name, ignore_errors=True)
    files = write()
    an_array_is_what_its_file_is(files)
    a_support_is_a_folder_or_its_pictures(files)
    none_of_these_is_an_answer()
    what_is_no_picture_is_told()
    weights_are_read_from_a_file()
    threads_and_forks_answer_alike()
    print("numpy")


if __name__ == "__main__":
    main()
