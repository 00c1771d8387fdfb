"""PyTorch's own way of training our networks on a GPU: as fast as its documentation says how.

    gpu.py --device cuda         answers each line of JSON on standard input with one on standard output
    gpu.py --all [--seconds S]   times everything once

A question: {"network": "compact", "precision": "tf32", "compiled": false, "seconds": 2}; with 0 seconds
the network is only made ready. The answer has drawings_s and ms a step, or why it failed.

The work of a step is ours: forward, the same loss, backward, a fused optimizer with the same decay, and
the average of the weights where our preset takes one. The networks are Koch's (105 x 105, 32 pairs with
Adam, 128 pairs with SGD and momentum) and `compact` as the preset `fast` has it (48 x 48, 128 drawings,
3,856 classes, margin softmax, AdamW). What PyTorch is spared: making and uploading batches, since it
learns from one that lies on the GPU, and determinism: cuDNN looks for its fastest algorithms. In bf16
it has autocast and channels_last. Compiled is torch.compile with mode="reduce-overhead", which
captures CUDA graphs of the forward and the backward pass.
"""

import argparse
import json
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn

CLASSES, SCALE, MARGIN = 3856, 20.0, 0.15


class Koch(nn.Module):
    """Koch's twins and the weighted distance of what they say."""

    def __init__(self, width=64, units=4096):
        super().__init__()

        def layer(inputs, outputs, kernel, pool):
            return [nn.Conv2d(inputs, outputs, kernel), nn.ReLU(inplace=True), *([nn.MaxPool2d(2)] if pool else [])]

        filters = [width, 2 * width, 2 * width, 4 * width]
        self.twin = nn.Sequential(
            *layer(1, filters[0], 10, True), *layer(filters[0], filters[1], 7, True),
            *layer(filters[1], filters[2], 4, True), *layer(filters[2], filters[3], 4, False),
            nn.Flatten(), nn.Linear(36 * filters[3], units), nn.Sigmoid(),
        )
        self.score = nn.Linear(units, 1)

    def forward(self, images, same):
        left, right = self.twin(images).chunk(2)
        return F.binary_cross_entropy_with_logits(self.score((left - right).abs()).squeeze(1).float(), same)


class Block(nn.Module):
    """Two convolutions that halve the side, and a way around them."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.first = nn.Conv2d(inputs, outputs, 3, 2, 1, bias=False)
        self.first_norm = nn.BatchNorm2d(outputs)
        self.second = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.second_norm = nn.BatchNorm2d(outputs)
        self.around = nn.Conv2d(inputs, outputs, 1, 2, bias=False)
        self.around_norm = nn.BatchNorm2d(outputs)

    def forward(self, x):
        inner = F.relu(self.first_norm(self.first(x)))
        return F.relu(self.second_norm(self.second(inner)) + self.around_norm(self.around(x)))


class Compact(nn.Module):
    """Embeddings of unit length, and the softmax of their cosines with a vector for each class."""

    def __init__(self, width=32, side=48, dimensions=256):
        super().__init__()
        self.stem = nn.Conv2d(1, width, 5, 2, 2, bias=False)
        self.stem_norm = nn.BatchNorm2d(width)
        self.blocks = nn.Sequential(Block(width, 2 * width), Block(2 * width, 4 * width), Block(4 * width, 8 * width))
        self.out = nn.Linear(8 * width * (side // 16) ** 2, dimensions, bias=False)
        self.out_norm = nn.BatchNorm1d(dimensions)
        self.vectors = nn.Parameter(torch.randn(CLASSES, dimensions))

    def forward(self, images, classes):
        features = self.blocks(F.relu(self.stem_norm(self.stem(images)))).flatten(1)
        embedded = F.normalize(self.out_norm(self.out(F.dropout(features, 0.1, self.training))).float())
        cosines = embedded @ F.normalize(self.vectors).t()
        cosines = cosines - MARGIN * F.one_hot(classes, CLASSES)
        return F.cross_entropy(SCALE * cosines, classes)


def decayed(net, decay):
    """Parameters in two groups: norms and biases do not decay."""
    flat = [p for p in net.parameters() if p.dim() < 2]
    deep = [p for p in net.parameters() if p.dim() >= 2]
    return [{"params": deep, "weight_decay": decay}, {"params": flat, "weight_decay": 0.0}]


class Training:
    """A network, its optimizer and one batch on the device."""

    def __init__(self, network, precision, compiled, device):
        torch.manual_seed(0)
        small = device == "cpu"  # only for a look at this program itself
        self.bf16, self.device = precision == "bf16", device
        if network == "compact":
            self.drawings = 24 if small else 128
            self.net = Compact(4 if small else 32).to(device)
            self.images = torch.rand(self.drawings, 1, 48, 48, device=device)
            self.labels = torch.randint(0, CLASSES, (self.drawings,), device=device)
            fused = torch.optim.AdamW(decayed(self.net, 0.05), 1e-2, fused=True)
        else:
            pairs = 4 if small else {"koch32": 32, "koch128": 128}[network]
            self.drawings = 2 * pairs
            self.net = (Koch(4, 16) if small else Koch()).to(device)
            self.images = torch.rand(self.drawings, 1, 105, 105, device=device)
            self.labels = (torch.arange(pairs, device=device) % 2).float()
            if network == "koch32":
                fused = torch.optim.Adam(decayed(self.net, 2e-4), 6e-5, fused=True)
            else:
                fused = torch.optim.SGD(decayed(self.net, 2e-4), 1e-3, momentum=0.9, fused=True)
        if self.bf16:
            self.net = self.net.to(memory_format=torch.channels_last)
            self.images = self.images.contiguous(memory_format=torch.channels_last)
        self.optimizer = fused
        # What our preset averages: all tensors of the network.
        averaging = network == "compact"
        self.values = [p.detach() for p in self.net.parameters()] if averaging else []
        self.averages = [value.clone() for value in self.values]
        self.loss = torch.compile(self.forward, mode="reduce-overhead") if compiled else self.forward
        self.compiled = compiled

    def forward(self, images, labels):
        with torch.autocast(self.device, torch.bfloat16, enabled=self.bf16):
            return self.net(images, labels)

    def step(self):
        if self.compiled:
            torch.compiler.cudagraph_mark_step_begin()
        self.optimizer.zero_grad(set_to_none=True)
        self.loss(self.images, self.labels).backward()
        self.optimizer.step()
        if self.averages:
            torch._foreach_lerp_(self.averages, self.values, 0.005)

    def wait(self):
        if self.device == "cuda":
            torch.cuda.synchronize()

    def time(self, seconds):
        """Drawings a second over about so many seconds, the device waited for at both ends."""
        for _ in range(3):
            self.step()
        self.wait()
        began, steps = time.perf_counter(), 0
        while True:
            for _ in range(1 if self.device == "cpu" else 20):
                self.step()
                steps += 1
            self.wait()
            taken = time.perf_counter() - began
            if taken >= seconds:
                return {"drawings_s": steps * self.drawings / taken, "ms": 1e3 * taken / steps, "steps": steps}


class Answers:
    """Answers questions; a network is made once."""

    def __init__(self, device):
        self.device, self.made = device, {}

    def answer(self, network, precision, compiled, seconds):
        if precision not in ("f32", "tf32", "bf16"):
            return {"failed": f"no arithmetic {precision}"}
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = precision == "tf32"
        try:
            key = (network, precision, compiled)
            if key not in self.made:
                training = Training(network, precision, compiled, self.device)
                for _ in range(12):  # compiles, captures, and lets cuDNN look
                    training.step()
                training.wait()
                self.made[key] = training
            return self.made[key].time(seconds) if seconds > 0 else {"ready": True}
        except Exception as error:
            return {"failed": repr(error)[:300]}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--seconds", type=float, default=2.0)
    arguments = parser.parse_args()
    torch.backends.cudnn.benchmark = True
    answers = Answers(arguments.device)
    if arguments.all:
        for network in ("compact", "koch32", "koch128"):
            for precision in ("tf32", "bf16"):
                for compiled in (False, True):
                    found = answers.answer(network, precision, compiled, arguments.seconds)
                    print(json.dumps({"network": network, "precision": precision, "compiled": compiled, **found}), flush=True)
        return
    for line in sys.stdin:
        print(json.dumps(answers.answer(**json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
