"""Counts the results of one test program for scripts/test.sh.

    tally.py tap EXIT_CODE FILE      TAP as cmocka and lint.py print it
    tally.py junit EXIT_CODE FILE    pytest's --junitxml
    tally.py exit EXIT_CODE FILE     a program that is one test: its exit code is the result

Prints `PASSED FAILED SKIPPED`, and below it one line per failure. A program that crashed, was stopped by the
clock or left without naming a failure counts as failed: what it planned and did not report, and at least one.
"""

import re
import sys
import xml.etree.ElementTree as ElementTree

# What timeout(1) answers for a program that it ended, by SIGTERM or in the end by SIGKILL.
STOPPED = (124, 137)


def tally_tap(lines):
    planned, passed, skipped, failures = 0, 0, 0, []
    for line in lines:
        plan = re.match(r"1\.\.(\d+)\s*$", line)
        result = re.match(r"(not )?ok \d+(?: - (.*?))?\s*(# SKIP.*)?$", line)
        if plan:
            planned += int(plan.group(1))
        elif result and result.group(3):
            skipped += 1
        elif result and result.group(1):
            failures.append(result.group(2) or line)
        elif result:
            passed += 1
    missing = planned - passed - skipped - len(failures)
    if missing > 0:
        failures.append(f"ended before {missing} more of its tests")
    return passed, len(failures) + max(missing - 1, 0), skipped, failures


def tally_junit(path):
    passed, skipped, failures = 0, 0, []
    for case in ElementTree.parse(path).iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            failures.append(f"{case.get('classname', '')}::{case.get('name')}")
        elif case.find("skipped") is not None:
            skipped += 1
        else:
            passed += 1
    return passed, len(failures), skipped, failures


def tally(kind, path):
    if kind == "junit":
        return tally_junit(path)
    with open(path, encoding="utf-8", errors="replace") as file:
        return tally_tap(line.rstrip("\r\n") for line in file)


def main():
    kind, code, path = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    passed, failed, skipped, failures = 0, 0, 0, []
    try:
        if kind != "exit":
            passed, failed, skipped, failures = tally(kind, path)
        elif code == 0:
            passed = 1
    except (OSError, ElementTree.ParseError) as error:
        failures.append(f"no result: {error}")
    if code in STOPPED:
        failures.append("stopped by the clock")
    elif code != 0 and not failures:
        failures.append(f"exit code {code}")
    elif passed + failed + skipped == 0:
        failures.append("ran nothing")
    print(passed, max(failed, 1 if failures else 0), skipped)
    print("\n".join(failures))


if __name__ == "__main__":
    main()
