"""What the parts have found: Markdown for people, JSON for programs."""

import json


class Part:
    """What one part has found."""

    def __init__(self, name):
        self.name = name
        self.tables = []
        self.wrong = []
        self.notes = []
        self.figures = {}
        self.seconds = 0.0
        self.skipped = None

    def table(self, head, rows):
        """Adds a table; rows are lists of what is printed."""
        self.tables.append((head, [[str(cell) for cell in row] for row in rows]))

    def check(self, sound, what):
        """Counts as wrong what is not sound; gives the word for a table."""
        if not sound:
            self.wrong.append(what)
        return "yes" if sound else "**NO**"

    def note(self, text):
        self.notes.append(text)

    def verdict(self):
        if self.skipped:
            return f"not run: {self.skipped}"
        return f"NOT SOUND ({len(self.wrong)})" if self.wrong else "sound"

    def markdown(self):
        lines = [f"## {self.name}: {self.verdict()} ({self.seconds:.0f} s)", ""]
        for head, rows in self.tables:
            lines += [row(head), row(["---"] * len(head)), *map(row, rows), ""]
        lines += [f"- **Wrong:** {text}" for text in self.wrong]
        lines += [f"- {text}" for text in self.notes]
        return "\n".join(lines).rstrip() + "\n"

    def json(self):
        return {
            "verdict": self.verdict(),
            "seconds": round(self.seconds, 1),
            "wrong": self.wrong,
            "notes": self.notes,
            "tables": [{"head": head, "rows": rows} for head, rows in self.tables],
            "figures": self.figures,
        }


def row(cells):
    return "| " + " | ".join(cells) + " |"


def write(out, machine, settings, parts):
    """Writes what there is so far: a run that is ended early leaves what it had found."""
    head = ", ".join(f"{name} {value}" for name, value in machine.items())
    text = [f"# omnishot on {machine.get('card', 'a CPU')}", "", head + ".", ""]
    text += [part.markdown() for part in parts]
    (out / "gpu.md").write_text("\n".join(text))
    whole = {"machine": machine, "settings": settings, "parts": {part.name: part.json() for part in parts}}
    (out / "gpu.json").write_text(json.dumps(whole, indent=1) + "\n")


def spread(values, form="{:.2f}"):
    """Median, least and most of some numbers, as text."""
    known = sorted(value for value in values if value is not None)
    if not known:
        return "-"
    middle = form.format(median(known))
    if len(known) == 1:
        return middle
    return f"{middle} ({form.format(known[0])} to {form.format(known[-1])})"


def median(values):
    known = sorted(values)
    half = len(known) // 2
    return known[half] if len(known) % 2 else (known[half - 1] + known[half]) / 2
