"""The machine that figures are of."""

import os
import platform
import subprocess


def said(*command):
    """What a command prints, in one line; nothing if it fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def processor():
    """The CPU's name."""
    try:
        with open("/proc/cpuinfo") as file:
            names = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
        return names[0] if names else platform.machine()
    except OSError:
        return platform.machine()


def cores():
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0))


def describe(device, programs, python):
    """What a reader must know of the machine, by name."""
    found = {
        "processor": processor(),
        "cores": cores(),
        "omnishot": said(str(programs / "siamese-train"), "--version"),
        "PyTorch": said(python, "-c", "import torch; print(torch.__version__, 'cuDNN', torch.backends.cudnn.version())")
        or "none",
    }
    if device == "cuda":
        asked = "--query-gpu=name,driver_version,memory.total,power.limit"
        cards = said("nvidia-smi", asked, "--format=csv,noheader").splitlines()
        for name, value in zip(("card", "driver", "memory", "power"), (cards or [""])[0].split(", ")):
            found[name] = value
        found["cards"] = len(cards)
    return found
