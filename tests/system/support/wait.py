"""Waiting for conditions. No test sleeps to synchronise: it names what it waits for, and a deadline."""

import time

DEADLINE = 30.0
"""Seconds that nothing here ever needs on a working system, however busy the machine is."""


def wait_until(condition, what, deadline=DEADLINE, interval=0.02):
    """Calls condition until it answers something true, and returns that; fails with `what` after `deadline`
    seconds."""
    end = time.monotonic() + deadline
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() >= end:
            shown = what() if callable(what) else what
            raise AssertionError(f"waited {deadline:g} s in vain: {shown} (last answer: {answer!r})")
        time.sleep(interval)


def wait_stable(read, what, repeats=10, deadline=DEADLINE, interval=0.1):
    """Reads until the same value came `repeats` times in a row: for what must come to rest, such as a
    blocked flow."""
    seen = []

    def settled():
        seen.append(read())
        return len(seen) >= repeats and len(set(seen[-repeats:])) == 1

    wait_until(settled, what, deadline, interval)
    return seen[-1]
