"""Builds the package for pip, as PEP 517 and PEP 660 say: Python's standard library and cargo alone.

    pip install ./tools/python
    pip install ./tools/python --config-settings=library=target/python/release/libomnishot_python.so

The second packs a library that is built already. A wheel serves every Python 3 of one platform, since
the library is called through ctypes. Cargo builds into target/python of the project's folder, or
where CARGO_TARGET_DIR says.
"""
import base64
import hashlib
import io
import os
import platform
import re
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
LIBRARY = {"darwin": "libomnishot_python.dylib", "win32": "omnishot_python.dll"}.get(
    sys.platform, "libomnishot_python.so")
# What a source distribution has of the project: all that cargo reads to build the library.
SOURCES = ["Cargo.toml", "Cargo.lock", "LICENSE", "README.md", "src", "benches", "tools/build.rs",
           "tools/python"]
LEFT_OUT = {"__pycache__", "target", "build", ".mypy_cache"}
# The first moment that a zip can say, for the same wheel from the same files.
MOMENT = (1980, 1, 1, 0, 0, 0)


def version():
    text = (ROOT / "Cargo.toml").read_text(encoding="utf-8")
    return re.search(r'^\[workspace\.package\]\nversion = "([^"]+)"', text, re.M).group(1)


def name():
    return f"omnishot-{version()}"


def metadata():
    readme = (HERE / "README.md").read_text(encoding="utf-8")
    return f"""Metadata-Version: 2.1
Name: omnishot
Version: {version()}
Summary: One-shot learning on Omniglot-like drawings: batches, embeddings, classification
License: MIT
Requires-Python: >=3.8
Classifier: Private :: Do Not Upload
Classifier: Typing :: Typed
Provides-Extra: numpy
Requires-Dist: numpy; extra == 'numpy'
Provides-Extra: torch
Requires-Dist: torch; extra == 'torch'
Description-Content-Type: text/markdown

{readme}"""


def tag():
    system = sysconfig.get_platform()
    if system.endswith("universal2"):  # cargo builds for one processor
        system = system[:-len("universal2")] + platform.machine()
    return "py3-none-" + re.sub("[-.]", "_", system)


def wheel_info():
    return f"""Wheel-Version: 1.0
Generator: omnishot
Root-Is-Purelib: false
Tag: {tag()}
"""


def library(settings):
    """The library: that of the settings, or built now."""
    if (given := (settings or {}).get("library")) is not None:
        if not Path(given).is_file():
            raise SystemExit(f"{given}: no library is there; leave it out to build one")
        return Path(given)
    return build(Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target" / "python"))


def build(target):
    command = ["cargo", "build", "--release", "--locked", "--manifest-path",
               str(HERE / "Cargo.toml"), "--target-dir", str(target)]
    try:
        subprocess.run(command, check=True)
    except FileNotFoundError:
        raise SystemExit("cargo is not here: install Rust from https://rustup.rs, and try again")
    except subprocess.CalledProcessError as error:
        raise SystemExit(f"cargo could not build the library: exit status {error.returncode}")
    return target / "release" / LIBRARY


def info_files():
    folder = f"{name()}.dist-info/"
    return {folder + "METADATA": metadata().encode(), folder + "WHEEL": wheel_info().encode(),
            folder + "licenses/LICENSE": (ROOT / "LICENSE").read_bytes()}


def modules():
    files = sorted((HERE / "omnishot").glob("*.py")) + [HERE / "omnishot" / "py.typed"]
    return {f"omnishot/{file.name}": file.read_bytes() for file in files}


def whole(path, write):
    """Writes a file whole or not at all."""
    handle, beside = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as out:
            write(out)
        os.chmod(beside, 0o644)
        os.replace(beside, path)
    except BaseException:
        os.unlink(beside)
        raise
    return path.name


def pack(folder, files):
    """Writes a wheel of these files into a folder, and gives its name."""
    record = f"{name()}.dist-info/RECORD"
    lines = []
    for path, content in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=")
        lines.append(f"{path},sha256={digest.decode()},{len(content)}\n")
    lines.append(f"{record},,\n")

    def write(out):
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as wheel:
            for path, content in [*files.items(), (record, "".join(lines).encode())]:
                entry = zipfile.ZipInfo(path, MOMENT)
                entry.external_attr, entry.compress_type = 0o100644 << 16, zipfile.ZIP_DEFLATED
                wheel.writestr(entry, content)

    return whole(Path(folder) / f"{name()}-{tag()}.whl", write)


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    built = library(config_settings).read_bytes()
    return pack(wheel_directory, {**modules(), f"omnishot/{LIBRARY}": built, **info_files()})


def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    """The package as it lies here, which finds the library in target/python."""
    build(ROOT / "target" / "python")
    path = {"omnishot.pth": f"{HERE}\n".encode()}
    return pack(wheel_directory, {**path, **info_files()})


def build_sdist(sdist_directory, config_settings=None):
    """All that the library and the package are built from, laid out as in the project."""
    project = (HERE / "pyproject.toml").read_text(encoding="utf-8")
    extra = {"PKG-INFO": metadata(),
             "pyproject.toml": project.replace('["."]', '["tools/python"]')}

    def write(out):
        with tarfile.open(fileobj=out, mode="w:gz", format=tarfile.PAX_FORMAT) as sdist:
            for path in sorted(sources()):
                sdist.add(ROOT / path, f"{name()}/{path}", recursive=False, filter=plain)
            for path, text in extra.items():
                entry = tarfile.TarInfo(f"{name()}/{path}")
                content = text.encode()
                entry.size = len(content)
                sdist.addfile(entry, io.BytesIO(content))

    return whole(Path(sdist_directory) / f"{name()}.tar.gz", write)


def plain(entry):
    """Says nothing of who packs, and when."""
    entry.uid = entry.gid = entry.mtime = 0
    entry.uname = entry.gname = ""
    return entry


def sources():
    for start in SOURCES:
        if (ROOT / start).is_file():
            yield start
        for folder, folders, files in os.walk(ROOT / start):
            folders[:] = [name for name in folders if name not in LEFT_OUT]
            for file in files:
                yield (Path(folder) / file).relative_to(ROOT).as_posix()


def get_requires_for_build_wheel(config_settings=None):
    return []


get_requires_for_build_editable = get_requires_for_build_sdist = get_requires_for_build_wheel
