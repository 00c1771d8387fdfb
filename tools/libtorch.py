# Called by tools/libtorch, with the pip that it fetched on the path: fetches the pinned wheels and
# unpacks of them what a build needs.
import base64, csv, ctypes, hashlib, io, os, shutil, sys, time, zipfile
from pathlib import Path
from pip._internal.commands import create_command
from pip._internal.index.collector import LinkCollector
from pip._internal.index.package_finder import PackageFinder
from pip._internal.models.selection_prefs import SelectionPreferences
from pip._internal.models.target_python import TargetPython
from pip._internal.network.utils import response_chunks
from pip._internal.utils.logging import setup_logging
from pip._vendor.urllib3.exceptions import HTTPError

kind, arch, version, pins, headers, cache, stamp = sys.argv[1:]
wheels, final = Path(cache, "wheels"), Path(cache, f"libtorch-{version}-{kind}")
pinned = [line.split() for file in (pins, headers) for line in open(file) if line.rstrip().endswith(f"_{arch}.whl")]
pinned = pinned[:3] if kind == "cpu" else pinned


def say(*words):
    print("libtorch:", *words, file=sys.stderr, flush=True)


def give_up(*words):
    say(*words)
    sys.exit(1)


def digest(path):
    with open(path, "rb") as file:
        sha = hashlib.sha256()
        while block := file.read(1 << 20):
            sha.update(block)
    return sha.hexdigest()


def find(name, options, session):
    """The link to one wheel in the indexes and folders of the user's pip settings."""
    project, release, _, abi, platform = name[: -len(".whl")].split("-")
    target = TargetPython(platforms=platform.split("."), py_version_info=(3, 11), abis=[abi], implementation="cp")
    finder = PackageFinder.create(
        link_collector=LinkCollector.create(session, options=options),
        selection_prefs=SelectionPreferences(allow_yanked=True),
        target_python=target,
    )
    for candidate in finder.find_all_candidates(project.replace("_", "-")):
        if candidate.link.filename == name:
            return candidate.link
    give_up(f"pip finds no {name}; `python3 -m pip -v download --no-deps {project}=={release}` shows where it looks")


def lines(chunks, done, size):
    """For a log: one line every ten seconds."""
    said = time.monotonic()
    for chunk in chunks:
        yield chunk
        done += len(chunk)
        if time.monotonic() - said > 10:
            said = time.monotonic()
            say(f"  {done / 1e6:.0f} of {size / 1e6:.0f} MB")


def fetch_rest(part, link, session):
    """Appends what `part` lacks; False when the connection ended early."""
    done = part.stat().st_size if part.exists() else 0
    headers = {"Accept-Encoding": "identity"}
    if done:
        headers["Range"] = f"bytes={done}-"
    with session.get(link.url_without_fragment, headers=headers, stream=True) as answer:
        if answer.status_code == 416:  # nothing is left, or the part is longer than the file
            return True
        answer.raise_for_status()
        if answer.status_code != 206:
            done = 0
        size = done + int(answer.headers.get("Content-Length", 0))
        say(f"{link.filename}, {size / 1e6:.1f} MB" + (f", going on at {done / 1e6:.1f} MB" if done else ""))
        chunks = response_chunks(answer)
        if sys.stdout.isatty():
            from pip._internal.cli.progress_bars import get_download_progress_renderer

            chunks = get_download_progress_renderer(bar_type="on", size=size, initial_progress=done)(chunks)
        else:
            chunks = lines(chunks, done, size)
        with open(part, "ab" if done else "wb") as file:
            for chunk in chunks:
                file.write(chunk)
    return part.stat().st_size >= size


def fetch(name, sha, options, session):
    wheel, part = wheels / name, wheels / f"{name}.part"
    if wheel.exists() and digest(wheel) == sha:
        return
    link = find(name, options, session)
    for fresh in (False, True):
        idle = 0
        while idle < 5:
            before = part.stat().st_size if part.exists() else 0
            try:
                if fetch_rest(part, link, session):
                    break
                problem = "the connection ended early"
            except (OSError, HTTPError) as error:
                problem = error
            idle = 0 if part.exists() and part.stat().st_size > before else idle + 1
            say(f"{problem}; trying again")
            time.sleep(2 * idle)
        else:
            give_up(f"{name} could not be fetched: {problem}")
        found = digest(part)
        if found == sha:
            part.rename(wheel)
            return
        part.unlink()
        say(f"{name} has SHA-256 {found}, but {sha} is pinned; it was thrown away")
    give_up("a second download differs too: the index serves another file, or something on the way changes it")


def wanted(name, wheel):
    """Where a file of a wheel goes, None for what a build and a run have no use for."""
    base = os.path.basename(name)
    if kind == "cpu":
        if name.startswith("torch/include/"):
            return name[len("torch/") :]
        # The two of NVIDIA are named by libtorch_cpu.so, so the loader wants them; a CPU run calls neither.
        keep = ("libc10.so", "libtorch_cpu.so", "libgomp.so.1", "libcudart.so.13", "libcupti.so.13")
        return f"lib/{base}" if "/lib/" in name and base in keep else None
    if name.startswith("torch/"):
        keep = name.startswith(("torch/include/", "torch/lib/")) and base != "libtorch_python.so"
        return name if keep else None
    # Headers for src/cuda: those of the runtime, and what they include.
    if wheel.startswith(("nvidia_cuda_runtime-", "nvidia_cuda_crt-")) and "/include/" in name:
        return name
    return name if name.startswith("nvidia/") and "/lib" in name and ".so" in base else None


def extract(wheel, folder):
    """Unpacks the wanted files, each compared with the wheel's own RECORD."""
    with zipfile.ZipFile(wheel) as archive:
        (record,) = [name for name in archive.namelist() if name.endswith(".dist-info/RECORD")]
        recorded = {row[0]: row[1] for row in csv.reader(io.TextIOWrapper(archive.open(record), "utf-8"))}
        for info in archive.infolist():
            place = None if info.is_dir() else wanted(info.filename, wheel.name)
            if place is None:
                continue
            target = folder / place
            target.parent.mkdir(parents=True, exist_ok=True)
            sha = hashlib.sha256()
            with archive.open(info) as source, open(target, "wb") as sink:
                while block := source.read(1 << 20):
                    sha.update(block)
                    sink.write(block)
            if recorded[info.filename] != "sha256=" + base64.urlsafe_b64encode(sha.digest()).rstrip(b"=").decode():
                give_up(f"{info.filename} of {wheel.name} is not what its RECORD says")


setup_logging(verbosity=0, no_color=False, user_log_file=None)
command = create_command("download")
options, _ = command.parse_args([])
options.cache_dir = False  # a copy in pip's cache would double what the disk holds
need = 2 if kind == "cpu" else 7
if shutil.disk_usage(cache).free < need << 30:
    give_up(f"{cache} has less than {need} GB free")
with command.main_context():
    session = command.get_default_session(options)
    for sha, name in pinned:
        fetch(name, sha, options, session)

partial = final.with_name(final.name + ".partial")
shutil.rmtree(partial, ignore_errors=True)
partial.mkdir()
for _, name in pinned:
    say("unpacking", name)
    extract(wheels / name, partial)
top = partial if kind == "cpu" else partial / "torch"
if kind == "cpu":
    # The wheel's own libtorch.so is empty but for naming libtorch_cuda.so.
    (top / "lib/libtorch.so").write_text("INPUT(-ltorch_cpu)\n")
(top / "build-version").write_text(f"{version}\n")
library = top / "lib" / ("libtorch_cpu.so" if kind == "cpu" else "libtorch_cuda.so")
try:
    ctypes.CDLL(str(library))
except OSError as error:
    give_up(f"the unpacked {library.name} does not load: {error}")
(top / ".whole").write_text(stamp + "\n")
os.sync()
shutil.rmtree(final, ignore_errors=True)
partial.rename(final)
shutil.rmtree(wheels)
