"""Checks the package: package.py LIBRARY STORE FOLDER.

Packs the built library into a wheel as pip would ask for it, and imports the package from there, and
once more from where pip itself installs it, which fetches nothing.
"""
import base64
import csv
import email
import hashlib
import importlib.util
import io
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

LIBRARY, STORE, FOLDER = sys.argv[1], sys.argv[2], Path(sys.argv[3])
TOOL = Path(__file__).resolve().parents[1]
IMPORTED = """
import omnishot
print(omnishot.__file__)
batch = next(omnishot.Pairs({store!r}, pairs=2, side=9, arrays="memoryview"))
print(batch.images.shape)
"""

sys.path.insert(0, str(TOOL))
import backend  # noqa: E402


def build(name):
    """A wheel in a folder of this name."""
    folder = FOLDER / name
    folder.mkdir()
    return folder / backend.build_wheel(str(folder), {"library": LIBRARY})


def works(folder):
    """The package is imported from a folder, by a Python that knows nothing of the project's."""
    outside = {name: value for name, value in os.environ.items() if not name.startswith("OMNISHOT")}
    said = subprocess.run([sys.executable, "-c", IMPORTED.format(store=STORE)], cwd=FOLDER, check=True,
                          stdout=subprocess.PIPE, env={**outside, "PYTHONPATH": str(folder)})
    file, shape = said.stdout.decode().splitlines()
    assert Path(file).parent == folder / "omnishot" and shape == "(2, 2, 1, 9, 9)", said.stdout


def the_wheel_is_whole():
    wheel = build("wheel")
    assert wheel.name.startswith(f"omnishot-{backend.version()}-py3-none-"), wheel
    assert [file.name for file in wheel.parent.iterdir()] == [wheel.name]
    with zipfile.ZipFile(wheel) as packed:
        files = {name: packed.read(name) for name in packed.namelist()}
        packed.extractall(FOLDER / "unpacked")
    info = f"omnishot-{backend.version()}.dist-info/"
    recorded = {row[0]: row[1:] for row in csv.reader(io.StringIO(files[info + "RECORD"].decode()))}
    assert recorded.keys() == files.keys() and recorded.pop(info + "RECORD") == ["", ""]
    for name, (digest, size) in recorded.items():
        sha = base64.urlsafe_b64encode(hashlib.sha256(files[name]).digest()).decode().rstrip("=")
        assert (digest, int(size)) == ("sha256=" + sha, len(files[name])), name
    metadata = email.message_from_bytes(files[info + "METADATA"])
    assert (metadata["Name"], metadata["Version"]) == ("omnishot", backend.version())
    assert "omnishot/py.typed" in files and info + "licenses/LICENSE" in files
    assert files["omnishot/" + backend.LIBRARY] == Path(LIBRARY).read_bytes()
    assert build("again").read_bytes() == wheel.read_bytes()
    works(FOLDER / "unpacked")


def a_library_that_is_not_there_leaves_no_wheel():
    folder = FOLDER / "none"
    folder.mkdir()
    try:
        backend.build_wheel(str(folder), {"library": "missing.so"})
    except SystemExit as error:
        assert "missing.so: no library is there" in str(error), error
    else:
        raise AssertionError("a wheel without a library")
    assert not list(folder.iterdir())


def another_library_is_refused():
    stranger = FOLDER / "stranger.so"
    stranger.write_bytes(b"no library")
    for place, text in [(stranger, "is no library of omnishot"), (FOLDER / "no.so", "install the package")]:
        said = subprocess.run([sys.executable, "-c", "import omnishot"], stderr=subprocess.PIPE,
                              env={**os.environ, "PYTHONPATH": str(TOOL), "OMNISHOT_LIBRARY": str(place)})
        assert said.returncode == 1 and text in said.stderr.decode(), said.stderr


def the_sources_are_whole():
    folder = FOLDER / "sources"
    folder.mkdir()
    with tarfile.open(folder / backend.build_sdist(str(folder))) as packed:
        names = set(packed.getnames())
        project = packed.extractfile(f"{backend.name()}/pyproject.toml").read().decode()
    assert 'backend-path = ["tools/python"]' in project, project
    for file in ["PKG-INFO", "Cargo.toml", "src/lib.rs", "src/Cargo.toml", "tools/build.rs", "LICENSE",
                 "tools/python/Cargo.lock", "tools/python/backend.py", "tools/python/omnishot/py.typed"]:
        assert f"{backend.name()}/{file}" in names, file
    assert not any("__pycache__" in name or "/target/" in name for name in names)


def pip_has_settings():
    """From 22.1 on."""
    if importlib.util.find_spec("pip") is None:
        return False
    import pip
    return tuple(int(part) for part in pip.__version__.split(".")[:2]) >= (22, 1)


def pip_installs_it_and_fetches_nothing():
    place = FOLDER / "installed"
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--no-index",
                    "--disable-pip-version-check", "--target", str(place),
                    f"--config-settings=library={LIBRARY}", str(TOOL)], check=True, cwd=FOLDER)
    works(place)


def main():
    the_wheel_is_whole()
    a_library_that_is_not_there_leaves_no_wheel()
    another_library_is_refused()
    the_sources_are_whole()
    if has_pip := pip_has_settings():
        pip_installs_it_and_fetches_nothing()
    print("pip" if has_pip else "none")


if __name__ == "__main__":
    main()
