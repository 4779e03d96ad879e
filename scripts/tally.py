"""Counts the results of one test program for scripts/test.sh.

    tally.py tap EXIT_CODE FILE      TAP as cmocka and lint.py print it
    tally.py junit EXIT_CODE FILE    pytest's --junitxml

Prints `PASSED FAILED SKIPPED`, and below it one line per failure. A program that crashed, was stopped by the clock or left
without naming a failure counts as failed: what it planned and did not report, and at least one.
"""

import re
import sys
import xml.etree.ElementTree as ElementTree


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


def main():
    kind, code, path = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    try:
        if kind == "junit":
            passed, failed, skipped, failures = tally_junit(path)
        else:
            with open(path, encoding="utf-8", errors="replace") as file:
                passed, failed, skipped, failures = tally_tap(line.rstrip("\r\n") for line in file)
    except (OSError, ElementTree.ParseError) as error:
        passed, failed, skipped, failures = 0, 0, 0, []
        code = code or 1
        failures.append(f"no result: {error}")
        failed = 1
    if code != 0 and failed == 0:
        failed = 1
        failures.append("stopped by the clock" if code == 124 else f"exit code {code}")
    if passed + failed + skipped == 0:
        failed = 1
        failures.append("ran nothing")
    print(passed, failed, skipped)
    print("\n".join(failures))


if __name__ == "__main__":
    main()
