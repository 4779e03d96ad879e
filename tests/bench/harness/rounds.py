"""The order of the measurements: interleaved, so that whatever changes meanwhile meets everybody alike."""

import time


def rotated(items, turn):
    """Whoever is first in one round is last in the next."""
    if not items:
        return []
    start = turn % len(items)
    return [*items[start:], *items[:start]]


MEMORY_ROUNDS, QUICK_MEMORY_ROUNDS = 2, 1
"""Memory is the same in each round."""


def plan(cells, contestants, round_number, memory_rounds=MEMORY_ROUNDS):
    """(cell, contestant) of one round, which counts from 1."""
    for cell in cells:
        if not cell.timed and round_number > memory_rounds:
            continue
        able = [contestant for contestant in contestants if contestant.takes(cell)]
        for contestant in rotated(able, round_number - 1):
            yield cell, contestant


def run(cells, contestants, rounds, act, budget_seconds=None, quick=False, clock=time.monotonic):
    """Calls act(cell, contestant, round number) for everything; answers (records, rounds done).

    With a budget a round is not begun when it would end after it, should it take as long as the one before. The first is
    always done. Ctrl+C ends the run, and what was measured until then is kept.
    """
    records = []
    begin = clock()
    last = 0.0
    done = 0
    try:
        while done < rounds:
            start = clock()
            if done > 0 and budget_seconds is not None and start - begin + last > budget_seconds:
                break
            for cell, contestant in plan(cells, contestants, done + 1, QUICK_MEMORY_ROUNDS if quick else MEMORY_ROUNDS):
                records.append(act(cell, contestant, done + 1))
            last = clock() - start
            done += 1
    except KeyboardInterrupt:
        pass
    return records, done
