"""PyTorch beside us: tools/peers/gpu.py, which stays and times what it is asked for."""

import json
import queue
import subprocess
import threading
import time
from pathlib import Path

PROGRAM = Path(__file__).resolve().parent.parent / "peers" / "gpu.py"
# Seconds beyond those of the timing in which an answer is there.
MARGIN = 20.0


class Peer:
    """A process of PyTorch. It makes its networks ready beside the first parts, which are not timed."""

    def __init__(self, python, device, compiled, folder):
        self.notes, self.lines, self.ready, self.waiting = [], queue.Queue(), set(), []
        self.log = open(folder / "peer.log", "w")
        command = [python, str(PROGRAM), "--device", device]
        try:
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log,
                                            text=True)
        except OSError as error:
            self.process = None
            self.notes.append(f"PyTorch was not measured: {error}")
            return
        threading.Thread(target=self.listen, daemon=True).start()
        for network in ("compact", "koch32", "koch128"):
            for precision in ("tf32", "bf16"):
                for way in (False, True) if compiled else (False,):
                    self.waiting.append((network, precision, way))
                    self.send(network, precision, way, 0.0)

    def listen(self):
        for line in self.process.stdout:
            self.lines.put(line)
        self.lines.put(None)

    def send(self, network, precision, compiled, seconds):
        asked = {"network": network, "precision": precision, "compiled": compiled, "seconds": seconds}
        try:
            self.process.stdin.write(json.dumps(asked) + "\n")
            self.process.stdin.flush()
        except (OSError, ValueError):
            pass  # it has ended: the answer says so

    def answer(self, limit, patient=False):
        """Its next answer; none if it has ended, or does not answer in time, when it is given up
        unless we are patient."""
        try:
            line = self.lines.get(timeout=max(limit, 0.1))
        except queue.Empty:
            if patient:
                return None
            self.give_up("PyTorch did not answer in time, and was not asked again.")
            return None
        if line is None:
            self.give_up("PyTorch is not there, or has ended (see peer.log): not measured.")
            return None
        return json.loads(line)

    def give_up(self, why):
        if self.process is not None:
            self.notes.append(why)
            self.process.kill()
            self.process = None

    def wait(self, limit, patient=False):
        """Waits until its networks are ready."""
        until = time.monotonic() + limit
        while self.waiting and self.process is not None:
            answer = self.answer(until - time.monotonic(), patient)
            if answer is None:
                return
            case = self.waiting.pop(0)
            if "failed" in answer:
                self.notes.append(f"PyTorch, {case[0]} {case[1]}{' compiled' if case[2] else ''}: {answer['failed']}")
            else:
                self.ready.add(case)

    def ask(self, network, precision, compiled, seconds):
        """Drawings a second, as our runs give them; none if there is no answer."""
        if self.process is None or (network, precision, compiled) not in self.ready:
            return None
        self.send(network, precision, compiled, seconds)
        answer = self.answer(MARGIN + seconds)
        if answer is None or "failed" in answer:
            return None
        return answer

    def end(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        self.log.close()
