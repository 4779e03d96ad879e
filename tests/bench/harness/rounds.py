"""The order of the measurements: interleaved, so that whatever changes meanwhile meets everybody alike."""

import time


def rotated(items, turn):
    """Whoever is first in one round is last in the next."""
    if not items:
        return []
    start = turn % len(items)
    return [*items[start:], *items[:start]]


def plan(cells, contestants, round_number):
    """(cell, contestant) of one round, which counts from 1."""
    for cell in cells:
        if round_number > cell.rounds_max:
            continue
        able = [contestant for contestant in contestants if contestant.takes(cell)]
        for contestant in rotated(able, round_number - 1):
            yield cell, contestant


def run(cells, contestants, rounds, act, budget_seconds=None, clock=time.monotonic):
    """Calls act(cell, contestant, round number) for everything; answers (records, rounds done).

    With a budget a round is not begun when it would end after it, should it take as long as the longest one before.
    The first is always done.
    """
    records = []
    begin = clock()
    longest = 0.0
    for round_number in range(1, rounds + 1):
        start = clock()
        if round_number > 1 and budget_seconds is not None and start - begin + longest > budget_seconds:
            return records, round_number - 1
        for cell, contestant in plan(cells, contestants, round_number):
            records.append(act(cell, contestant, round_number))
        longest = max(longest, clock() - start)
    return records, rounds
