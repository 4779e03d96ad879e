"""The count of instructions: that it is read rightly, and that a regression fails."""

import copy

import pytest
from instructions import callgrind, counting, main, record, report

OWNERS = {
    "pipe_advance": {"server/relay/pipe.c"},
    "session_phase": {"server/relay/session.c"},
    "daemon_tick": {"server/daemon.c"},
    "port_send": {"tests/sim/port_sim_stream.c"},
    "lock_acquire": {"tests/sim/port_sim_lock.c"},
    "twice": {"server/base/pool.c", "tests/sim/port_sim_net.c"},
}
# As callgrind writes it: names by number from the second time on, the cost of a call below it, files of inlined code between.
WRITTEN = """\
events: Ir

fl=(1) ./server/relay/pipe.c
fn=(1) pipe_advance
0 10
fi=(2) ./server/base/atomic.h
0 3
fe=(1)
0 4
cfi=(3) ./tests/sim/port_sim_stream.c
cfn=(2) port_send
calls=2 20
0 999
cfn=(3) lock_acquire
calls=1 20
0 77
cob=(2) libc.so
cfi=(4) ./string/memcpy.S
cfn=(4) memcpy
calls=1 0
0 40

fl=(2)
fn=(5) session_phase
0 6

fl=(3)
fn=(2)
0 500
cfi=(1)
cfn=(1)
calls=9 1
+3 123

fl=(5) ./server/daemon.c
fn=(6) daemon_tick
-1 2
cfn=(1)
calls=1 1
* 17
"""


def read(text):
    reader = callgrind.Reader(OWNERS)
    reader.read(text.splitlines(keepends=True))
    return reader.profile()


def test_reader_counts_our_code_by_folder():
    profile = read(WRITTEN)
    assert profile.functions == {"pipe_advance (relay)": 17, "session_phase (relay)": 6, "daemon_tick (daemon)": 2}
    assert profile.folders == {"relay": 23, "daemon": 2}
    assert profile.total == 25


def test_reader_counts_whom_our_code_calls():
    profile = read(WRITTEN)
    assert profile.seam == {"port_send": 2}
    assert profile.locks == 1
    assert profile.library == 40


def test_reader_refuses_to_guess_whose_a_function_is():
    with pytest.raises(callgrind.Unclear, match="server/base/pool.c"):
        read("fl=(1) ./server/base/random.h\nfn=(1) twice\n0 1\n")


def test_unit_is_the_difference_of_two_runs():
    few, many = read(WRITTEN), read(WRITTEN.replace("0 10\n", "0 310\n").replace("calls=2 20", "calls=102 20"))
    unit = many.per_unit(few, 100)
    assert unit.functions == {"pipe_advance (relay)": 3}
    assert unit.folders == {"relay": 3}
    assert unit.seam == {"port_send": 1}
    assert (unit.total, unit.locks) == (3, 0)


# ---- comparing ---------------------------------------------------------------------------------------------

COMPILER = {"name": "gcc", "major": 12, "version": "12.2.0", "machine": "x86_64", "flags": "-O2"}
UNITS = {"echo": "round trip"}


def profile(**changes):
    values = {
        "functions": {"pipe_advance (relay)": 60.0, "stats_count (stats)": 40.0},
        "folders": {"relay": 60.0, "stats": 40.0},
        "seam": {"port_send": 1.0},
        "locks": 0.0,
    }
    return callgrind.Profile(**{**values, **changes})


def recorded(**changes):
    return record.to_json(COMPILER, {"echo": profile(**changes)}, UNITS, record.TOLERANCE)


def verdict(now, before):
    [only] = record.compare(before, {"echo": now}, UNITS)
    return only


def test_compare_accepts_what_is_recorded():
    assert verdict(profile(), recorded()).outcome == record.SAME


def test_compare_names_the_functions_that_grew():
    smaller = recorded(functions={"pipe_advance (relay)": 55.0, "stats_count (stats)": 40.0}, folders={"relay": 55.0, "stats": 40.0})
    worse = verdict(profile(), smaller)
    assert worse.outcome == record.WORSE
    assert worse.lines == ["pipe_advance (relay) +5.0, from 55.0"]
    assert "100.0 instructions per round trip, recorded 95.0 (+5.3%)" in worse.text


def test_compare_tolerates_what_the_record_says():
    before = recorded(folders={"relay": 55.0, "stats": 40.0})
    before["tolerance"] = {"percent": 10, "instructions": 0, "calls": 0}
    assert verdict(profile(), before).outcome == record.SAME


def test_compare_sees_one_lock_more():
    worse = verdict(profile(locks=1.0), recorded())
    assert worse.outcome == record.WORSE
    assert worse.lines == ["lock_acquire: 1.00 calls, recorded 0.00"]


def test_compare_sees_one_call_of_the_port_more():
    assert verdict(profile(seam={"port_send": 1.0, "port_now_us": 1.0}), recorded()).outcome == record.WORSE


def test_compare_says_what_is_much_cheaper():
    assert verdict(profile(folders={"relay": 10.0}), recorded()).outcome == record.BETTER


def test_compare_refuses_what_nobody_recorded():
    [only] = record.compare({**recorded(), "scenarios": {}}, {"echo": profile()}, UNITS)
    assert only.outcome == record.WORSE


@pytest.mark.parametrize("key, value", [("name", "clang"), ("major", 13), ("machine", "aarch64")])
def test_values_of_another_compiler_are_not_compared(key, value):
    assert record.incomparable(recorded(), {**COMPILER, key: value})
    assert not record.incomparable(recorded(), {**COMPILER, "version": "12.3.0"})


# ---- the whole, with what is recorded in the repository ------------------------------------------------------


class Machine:
    """Stands in for valgrind: counts what the repository's record says, and its compiler made it."""

    def __init__(self, monkeypatch):
        self.record = record.load(main.RECORD)
        self.profiles = record.profiles_of(self.record)
        scenarios = {name: (entry["unit"], 1, 2) for name, entry in self.record["scenarios"].items()}
        monkeypatch.setattr(counting, "compiler", lambda: self.record["compiler"])
        monkeypatch.setattr(counting, "scenarios", lambda: scenarios)
        monkeypatch.setattr(counting, "count", lambda name, few, many: self.profiles[name])
        monkeypatch.setattr(counting, "count_run", lambda name, count: self.profiles[name])


@pytest.fixture
def machine(monkeypatch):
    return Machine(monkeypatch)


def test_what_is_recorded_passes(machine, capsys):
    assert main.main([]) == 0
    assert "not ok" not in capsys.readouterr().out


def test_planted_record_with_smaller_values_fails(machine, capsys, tmp_path):
    planted = copy.deepcopy(machine.record)
    entry = planted["scenarios"]["echo-64-64"]
    dearest = max(entry["functions"], key=entry["functions"].get)
    entry["folders"] = {folder: value * 0.95 for folder, value in entry["folders"].items()}
    entry["functions"][dearest] -= 0.05 * entry["total"]
    path = tmp_path / "planted.json"
    record.save(path, planted)
    assert main.main(["--record", str(path)]) == 1
    out = capsys.readouterr().out
    assert out.count("not ok") == 1
    assert f"#   {dearest} +" in out


def test_two_runs_that_differ_fail(machine, monkeypatch, capsys):
    counts = iter((profile(), profile(locks=1.0)))
    monkeypatch.setattr(counting, "count_run", lambda name, count: next(counts))
    assert main.main([]) == 1
    assert "not ok 1 - two runs" in capsys.readouterr().out


def test_other_flags_fail(machine, monkeypatch, capsys):
    monkeypatch.setattr(counting, "compiler", lambda: {**machine.record["compiler"], "flags": "-O0"})
    assert main.main([]) == 1
    assert "not ok 2 - the flags" in capsys.readouterr().out


def test_another_compiler_is_one_skipped_test(machine, monkeypatch, capsys):
    monkeypatch.setattr(counting, "compiler", lambda: {**machine.record["compiler"], "major": 99})
    assert main.main([]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("ok 1 - instructions # SKIP recorded with another compiler's version")


def test_update_keeps_the_tolerance(machine, tmp_path):
    path = tmp_path / "own.json"
    record.save(path, {**machine.record, "tolerance": {"percent": 7, "instructions": 1, "calls": 0}, "scenarios": {}})
    assert main.main(["--update", "--record", str(path)]) == 0
    assert record.load(path)["tolerance"]["percent"] == 7
    assert record.load(path)["scenarios"] == machine.record["scenarios"]


def test_table_has_a_line_for_each_scenario():
    lines = list(report.table({"echo": profile()}, UNITS))
    assert len(lines) == 2
    assert lines[1].split()[:4] == ["echo", "round", "trip", "100.0"]
