"""What people and scripts/test.sh read of a count."""

FOLDERS = ("relay", "stats", "base", "port")
FUNCTIONS_SHOWN = 12


def table(profiles, units):
    """A line for each scenario; what is in no other column is what config, daemon and admin cost."""
    rows = [["scenario", "for each", "total", *FOLDERS, "other", "seam calls", "locks", "(C library)"]]
    for name, profile in profiles.items():
        shown = [profile.folders.get(folder, 0) for folder in FOLDERS]
        numbers = [profile.total, *shown, abs(profile.total - sum(shown))]
        row = [name, units[name], *(f"{number:.1f}" for number in numbers)]
        calls = (f"{number:.2f}" for number in (sum(profile.seam.values()), profile.locks))
        rows.append([*row, *calls, f"{max(profile.library, 0):.1f}"])
    widths = [max(map(len, column)) for column in zip(*rows)]
    for row in rows:
        left = (cell.ljust(width) for cell, width in zip(row[:2], widths[:2]))
        right = (cell.rjust(width) for cell, width in zip(row[2:], widths[2:]))
        yield "  ".join([*left, *right])


def dearest(name, profile, unit):
    """The functions in which most of it goes, and which calls of the port it takes."""
    yield f"{name}, for each {unit}:"
    ranked = sorted(profile.functions.items(), key=lambda item: (-item[1], item[0]))
    yield from (f"  {instructions:8.1f}  {function}" for function, instructions in ranked[:FUNCTIONS_SHOWN])
    yield "  calls of the seam: " + ", ".join(f"{key} {calls:.2f}" for key, calls in sorted(profile.seam.items()))


class Tap:
    """One test per line; what explains it, as comments below."""

    def __init__(self, planned):
        self.number, self.failed = 0, False
        print(f"1..{planned}", flush=True)

    def test(self, passed, name, lines=(), skip=None):
        self.number += 1
        self.failed = self.failed or not passed
        print(f"{'ok' if passed else 'not ok'} {self.number} - {name}" + (f" # SKIP {skip}" if skip else ""))
        self.say(lines)

    def say(self, lines):
        for line in lines:
            print(f"#   {line}", flush=True)
