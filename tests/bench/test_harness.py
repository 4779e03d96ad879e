"""What the harness makes of measurements: ranks, marks, tables, the chart. No Wine, no processes."""

import json
import re
import xml.etree.ElementTree as ElementTree

import pytest
from harness import calls, cells, contestants, docs_block, machine, options, report_markdown, report_svg
from harness import report_text, results, rounds, summary, tables

QUIET = {"foreign_share": 0.01, "stolen_share": 0.0, "own_share": 0.9, "load_average": 1.0, "disturbed": False}
NOISY = {**QUIET, "foreign_share": 0.42, "disturbed": True}

PINGPONG = cells.named("echo-64x64B")
CHURN = cells.named("proxy-churn-64")
IDLE = cells.named("echo-idle-1000")


def someone(name, kind="windows", ours=False):
    commands = {"echo": ["x"], "proxy": ["x"]}
    return contestants.Contestant(name, kind, version="1.2", commands=commands, ours=ours)


US, ASIO, GO, NATIVE = someone("fairlead", ours=True), someone("asio"), someone("go"), someone("haproxy", "native")
PEOPLE = [US, ASIO, GO, NATIVE]


def record(cell, who, operations, p99=100.0, round_number=1, busy=QUIET, error=None):
    values = {"operations_per_second": operations, "p99_us": p99, "cpu_us_per_operation": 3.0}
    values["wineserver_us_per_operation"] = 30.0
    if cell.mode == "idle":
        values = {"private_bytes_per_connection": operations}
    return {
        "cell": cell.name, "contestant": who.name, "round": round_number, "error": error,
        "values": {} if error else values, "machine": busy,
    }  # fmt: skip


def made(records, people=PEOPLE, counted=(), missing=()):
    return results.build(
        started_at="2026-01-02T03:04:05+00:00",
        finished_at="2026-01-02T04:04:05+00:00",
        machine=machine.describe("wine-8.0"),
        git_commit="0123456789ab",
        settings={"seconds": 2.0, "quick": False},
        contestants=people,
        missing=list(missing),
        records=records,
        calls=list(counted),
        rounds_done=3,
    )


@pytest.fixture
def everything():
    """Two cells with everybody, one of them noisy, and counted calls."""
    records = [
        record(PINGPONG, US, 2000.0, 50.0), record(PINGPONG, ASIO, 1000.0, 100.0), record(PINGPONG, GO, 500.0, 40.0),
        record(CHURN, US, 300.0), record(CHURN, ASIO, 400.0), record(CHURN, NATIVE, 9000.0, busy=NOISY),
        record(IDLE, US, 500.0), record(IDLE, ASIO, 17000.0),
    ]  # fmt: skip
    counted = [
        {"kind": "kernel", "service": "echo", "contestant": "fairlead", "connections": 16, "operations": 900,
         "per_operation": {"NtDeviceIoControlFile": 2.0, "NtRemoveIoCompletionEx": 0.25}},
        {"kind": "server", "service": "echo", "contestant": "fairlead", "connections": 16, "operations": 900,
         "per_operation": {"recv_socket": 1.0, "send_socket": 1.0, "select": 0.1}},
    ]  # fmt: skip
    return made(records, counted=counted, missing=[{"name": "nginx", "reason": "does not build | here"}])


# ---- numbers ----


def test_summary_takes_the_median_and_keeps_the_spread():
    records = [record(PINGPONG, US, value, round_number=n) for n, value in enumerate((30.0, 10.0, 20.0), 1)]
    entry = summary.summarise([PINGPONG], PEOPLE, records)[PINGPONG.name]["entries"]["fairlead"]
    assert entry["values"]["operations_per_second"] == {"median": 20.0, "min": 10.0, "max": 30.0, "count": 3}


def test_summary_compares_with_the_best_peer_and_more_is_better(everything):
    cell = everything["summary"][PINGPONG.name]
    assert cell["best_peer"] == {"operations_per_second": "asio", "p99_us": "go"}
    assert cell["entries"]["fairlead"]["ratios"] == {"operations_per_second": 2.0, "p99_us": pytest.approx(0.8)}
    assert cell["entries"]["go"]["ratios"]["p99_us"] == 1.0


def test_summary_does_not_rank_what_runs_natively(everything):
    cell = everything["summary"][CHURN.name]
    assert cell["best_peer"]["operations_per_second"] == "asio"
    assert cell["entries"]["fairlead"]["ratios"]["operations_per_second"] == 0.75


def test_summary_of_memory_prefers_less(everything):
    cell = everything["summary"][IDLE.name]
    assert cell["entries"]["fairlead"]["ratios"]["private_bytes_per_connection"] == 34.0


def test_summary_of_several_builds_compares_them_with_the_first():
    builds = [someone("old", ours=True), someone("new", ours=True)]
    records = [record(PINGPONG, builds[0], 1000.0, 50.0), record(PINGPONG, builds[1], 1500.0, 100.0)]
    cell = summary.summarise([PINGPONG], builds, records)[PINGPONG.name]
    assert cell["best_peer"]["operations_per_second"] is None
    assert cell["entries"]["new"]["ratios_to_first"] == {"operations_per_second": 1.5, "p99_us": 0.5}
    assert cell["entries"]["old"]["ratios_to_first"] == {}


def test_builds_are_compared_round_by_round_too():
    builds = [someone("old", ours=True), someone("new", ours=True)]
    speeds = {"old": (100.0, 200.0, 400.0), "new": (150.0, 200.0, 440.0)}
    records = [
        record(PINGPONG, who, speed, round_number=turn)
        for who in builds
        for turn, speed in enumerate(speeds[who.name], 1)
    ]
    found = made(records, people=builds)
    assert found["summary"][PINGPONG.name]["entries"]["new"]["round_ratios_to_first"]["operations_per_second"] == [1.0, 1.5]
    assert "1.00 (1.00..1.50)" in report_text.render(found)


def test_ratio_of_nothing_is_nothing():
    assert summary.ratio(None, 5.0, True) is None
    assert summary.ratio(5.0, 0.0, True) is None


def test_whoever_starves_connections_has_no_latency_to_be_ranked_by():
    fair, unfair = record(PINGPONG, GO, 900.0, 400.0), record(PINGPONG, ASIO, 1000.0, 10.0)
    fair["values"]["fairness"], unfair["values"]["fairness"] = 0.8, 0.09
    found = made([record(PINGPONG, US, 1000.0, 200.0), fair, unfair])
    cell = found["summary"][PINGPONG.name]
    assert cell["best_peer"] == {"operations_per_second": "asio", "p99_us": "go"}
    assert cell["entries"]["fairlead"]["ratios"]["p99_us"] == 2.0
    assert cell["entries"]["asio"]["ratios"]["p99_us"] is None
    (table,) = tables.metric_tables(found, "p99_us", "latency")
    assert "10.0 !" in table.rows[0] and table.note == tables.STARVED_NOTE


def test_failed_contestant_has_no_numbers_and_cannot_be_the_best():
    records = [
        record(PINGPONG, US, 1000.0),
        record(PINGPONG, GO, 900.0),
        record(PINGPONG, ASIO, 9000.0, round_number=1),
        record(PINGPONG, ASIO, 0.0, round_number=2, error="VERIFICATION FAILED: failures: 1"),
    ]
    found = made(records)
    cell = found["summary"][PINGPONG.name]
    assert cell["best_peer"]["operations_per_second"] == "go"
    assert cell["entries"]["asio"]["values"] == {} and not cell["entries"]["asio"]["ranked"]
    assert found["failures"] == ["echo-64x64B, asio, round 2: VERIFICATION FAILED: failures: 1"]
    text = report_text.render(found)
    assert re.search(r"asio +FAILED", text)
    assert "not ranked:\n  echo-64x64B, asio, round 2" in text


# ---- how busy the machine was ----


def readings(busy, steal=0, idle=0):
    """/proc/stat of a machine that had been busy, robbed and idle for so many seconds."""
    ticks = machine.TICKS
    return machine.read_processors(f"cpu  {busy * ticks} 0 0 {idle * ticks} 0 0 0 {steal * ticks} 0 0\ncpu0 1 2\n")


def test_what_the_measurement_used_itself_does_not_disturb_it():
    busy = machine.busy_between(readings(10), readings(13, idle=1), 2.9, 0.5)
    assert busy.foreign_share == pytest.approx(0.1 / 4)
    assert busy.own_share == pytest.approx(2.9 / 4)
    assert not busy.disturbed


def test_others_and_the_hypervisor_disturb_together():
    assert machine.busy_between(readings(0), readings(2, idle=8), 0.8, 0.0).disturbed
    assert machine.busy_between(readings(0), readings(1, steal=1, idle=8), 0.5, 0.0).disturbed
    assert not machine.busy_between(readings(0), readings(1, idle=9), 0.5, 0.0).disturbed


def test_disturbed_cells_are_marked(everything):
    cell = everything["summary"][CHURN.name]
    assert (cell["disturbed"], cell["measurements"]) == (1, 3)
    text = report_text.render(everything)
    assert "connect, echo, close, 64 [op/s] ~" in text
    assert "64 x 64 B [op/s]  " in text
    assert "in 1 of 8 measurements others used more than 10% of it, up to 42%" in text


def test_memory_is_not_disturbed_by_a_busy_machine():
    found = summary.summarise([IDLE], PEOPLE, [record(IDLE, US, 500.0, busy=NOISY)])
    assert found[IDLE.name]["disturbed"] == 0
    assert summary.disturbance(found).startswith("The machine was quiet")


# ---- reports ----


def test_text_report_shows_who_took_part_and_who_is_missing(everything):
    text = report_text.render(everything)
    assert re.search(r"haproxy +1.2 +native, not ranked", text)
    assert re.search(r"nginx +- +missing +does not build", text)
    assert "2.00 (asio)" in text
    assert "no worse than the best peer of each cell in 2 of 3" in text


def test_best_of_a_row_is_marked_though_a_native_program_is_faster(everything):
    (row,) = tables.metric_table(everything, "operations_per_second", "proxy", None).rows
    assert [text for text in row if isinstance(text, tables.Strong)] == ["400"]


def test_columns_of_the_text_report_are_aligned(everything):
    for table in report_text.all_tables(everything):
        lines = report_text.table_text(table).split("\n")
        rule = next(index for index, line in enumerate(lines) if line.startswith("---"))
        for line in lines[rule + 1 :]:
            gaps = [place for place, sign in enumerate(lines[rule]) if sign == " "]
            assert all(line[place : place + 1] in ("", " ") for place in gaps), table.title


def test_markdown_tables_have_as_many_columns_everywhere(everything):
    text = report_markdown.render(everything, "performance.svg")
    assert "![Throughput and latency" in text
    assert "does not build \\| here" in text
    assert "**2,000**" in text
    for block in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        widths = {len(re.findall(r"(?<!\\)\|", line)) for line in block.strip().split("\n")}
        assert len(widths) == 1, block


def test_call_tables_group_the_calls(everything):
    kernel, server = tables.call_tables(everything)
    assert kernel.rows == [["echo fairlead", "16", "2.25", "2.00", "0.25", *["0.00"] * 4]]
    assert server.rows == [["echo fairlead", "16", "2.10", "recv_socket 1.00, send_socket 1.00, select 0.10"]]


def test_numbers_are_written_with_three_digits():
    assert [tables.number(value) for value in (1.234, 12.34, 123.4, 12345.6, None)] == [
        "1.23", "12.3", "123", "12,346", "-",
    ]  # fmt: skip


SVG = "{http://www.w3.org/2000/svg}"


def test_chart_is_well_formed_and_has_a_bar_for_everybody(everything):
    root = ElementTree.fromstring(report_svg.render(everything))
    words = [element.text for element in root.iter(f"{SVG}text")]
    assert {"fairlead", "asio", "go", "64 x 64 B", "connect, echo, close, 64 ~", "best peer"} <= set(words)
    assert "haproxy" not in words
    titles = [element.text for element in root.iter(f"{SVG}title")]
    assert {"fairlead: 2.00", "asio: 1.00", "go: 0.50", "fairlead: 0.75"} <= set(titles)


def test_chart_stays_on_its_paper(everything):
    root = ElementTree.fromstring(report_svg.render(everything))
    width, height = float(root.get("width")), float(root.get("height"))
    for bar in root.iter(f"{SVG}rect"):
        right = float(bar.get("x", 0)) + float(bar.get("width"))
        assert right <= width and float(bar.get("y", 0)) + float(bar.get("height")) <= height
    for words in root.iter(f"{SVG}text"):
        assert 0 <= float(words.get("x")) <= width and 0 <= float(words.get("y")) <= height


def test_chart_cuts_what_is_far_better_and_says_how_much():
    found = made([record(IDLE, US, 100.0), record(IDLE, ASIO, 17000.0)])
    root = ElementTree.fromstring(report_svg.render(found))
    assert "170.00 (cut)" in [element.text for element in root.iter(f"{SVG}text")]


def test_no_chart_without_peers():
    assert report_svg.render(made([record(PINGPONG, US, 1.0)], people=[US])) is None


def test_results_read_back_say_the_same(everything, tmp_path):
    results.write(everything, tmp_path)
    again = results.read(tmp_path)
    assert again == json.loads(json.dumps(everything))
    assert report_text.render(again) == report_text.render(everything)


def test_docs_block_replaces_only_what_is_between_the_marks():
    before = f"# Head\n\n{docs_block.BEGIN}\n\nold\n\n{docs_block.END}\n\ntail\n"
    after = docs_block.replace(before, "new\n")
    assert after == before.replace("old", "new")
    with pytest.raises(ValueError, match="needs one line"):
        docs_block.replace("# Head\n", "new")


# ---- who takes part ----


def write_peers(folder, **more):
    peer = {"name": "asio", "version": "1.74", "kind": "windows", "echo": ["asio_echo.exe", "{listen}"], "proxy": None}
    document = {"peers": [{**peer, **more}], "missing": [{"name": "nginx", "reason": "no source package"}]}
    path = folder / "peers.json"
    path.write_text(json.dumps(document))
    return path


def test_peers_are_read_with_those_that_are_missing(tmp_path):
    peers, missing = contestants.read_peers(write_peers(tmp_path))
    assert [peer.name for peer in peers] == ["asio"]
    assert missing == [{"name": "nginx", "reason": "no source package"}]
    assert peers[0].takes(PINGPONG) and not peers[0].takes(CHURN)


def test_peer_that_is_asked_for_and_missing_ends_the_run_with_its_reason(tmp_path):
    peers, missing = contestants.read_peers(write_peers(tmp_path))
    with pytest.raises(contestants.Unusable, match=r"nginx \(no source package\), zig \(no such peer\)"):
        contestants.choose_peers(peers, missing, ["asio", "nginx", "zig"])


def test_peer_with_a_limit_is_left_out_of_larger_cells(tmp_path):
    (peer,), _ = contestants.read_peers(write_peers(tmp_path, connections_max=512))
    assert peer.takes(PINGPONG) and not peer.takes(IDLE)


@pytest.mark.parametrize("text", ["", "{}", '{"peers": [{"name": "x"}]}', '{"peers": [{"name": "x", "kind": "beos"}]}'])
def test_unreadable_peers_are_named(tmp_path, text):
    path = tmp_path / "peers.json"
    path.write_text(text)
    with pytest.raises(contestants.Unusable, match="peers.json"):
        contestants.read_peers(path)
    with pytest.raises(contestants.Unusable, match="bench_peers.sh"):
        contestants.read_peers(tmp_path / "none.json")


def test_quick_takes_the_three_best_that_there_are():
    peers = [someone(name) for name in ("node", "go", "libuv", "asio")] + [NATIVE]
    chosen = contestants.choose_peers(peers, [], quick=True)
    assert [peer.name for peer in chosen] == ["asio", "libuv", "go"]


def test_braces_of_a_configuration_are_left_alone():
    text = contestants.expand("http { listen {listen}; root {dir}; to {target}; }", 80, 81, "/d")
    assert text == "http { listen 80; root /d; to 81; }"


def test_whoever_asks_for_some_cells_gets_no_counting(tmp_path):
    words = {"": True, "--quick": True, "--cells x": False, "--cells x --calls": True, "--no-calls": False}
    assert {text: options.parse(text.split(), tmp_path).count for text in words} == words


def test_build_of_fairlead_is_told_by_its_content(tmp_path):
    exe = tmp_path / "fairlead.exe"
    exe.write_bytes(b"MZ")
    build = contestants.fairlead(exe, "new", ["workers=1"])
    assert build.version == "sha256 9b8db510ef"
    assert not build.ranked and build.takes(PINGPONG) and build.takes(CHURN)
    assert "[server]\nlog_level=warn\nworkers=1\n" in build.files["proxy.ini"]
    with pytest.raises(contestants.Unusable, match="there is no"):
        contestants.fairlead(tmp_path / "none.exe", "new")


def test_cells_are_chosen_by_service_and_name():
    assert {cell.service for cell in cells.choose(services=["proxy"])} == {"proxy"}
    assert [cell.name for cell in cells.choose(pattern="^echo-512x")] == ["echo-512x64B", "echo-512x16KiB"]
    names = [cell.name for cell in cells.MATRIX]
    assert len(set(names)) == len(names) == 22
    assert {cell.name for cell in cells.choose(quick=True)} == cells.QUICK


# ---- order, options, counts ----


def test_rounds_rotate_so_that_nobody_is_always_first():
    order = [[who.name for _, who in rounds.plan([PINGPONG], PEOPLE[:3], turn)] for turn in (1, 2, 3)]
    assert order == [["fairlead", "asio", "go"], ["asio", "go", "fairlead"], ["go", "fairlead", "asio"]]


def test_rounds_measure_memory_only_in_the_first_ones():
    done, count = rounds.run([PINGPONG, IDLE], [US], 4, lambda cell, who, turn: (cell.mode, turn))
    assert done == [("pingpong", 1), ("idle", 1), ("pingpong", 2), ("idle", 2), ("pingpong", 3), ("pingpong", 4)]
    assert count == 4


def test_rounds_that_are_interrupted_keep_what_was_measured():
    def act(_, __, turn):
        if turn == 3:
            raise KeyboardInterrupt
        return turn

    assert rounds.run([PINGPONG], [US], 9, act) == ([1, 2], 2)


def test_rounds_stop_before_the_budget_is_exceeded():
    times = iter(range(0, 10000, 10))
    done, count = rounds.run([PINGPONG], [US], 9, lambda *_: None, budget_seconds=45, clock=lambda: next(times))
    assert count == len(done) == 2


def test_label_and_key_belong_to_the_build_before_them(tmp_path):
    chosen = options.parse(["--exe", "a.exe", "--label", "old", "--exe", "b.exe", "--key", "workers=1"], tmp_path)
    assert [(build.label, build.keys) for build in chosen.exe] == [("old", []), ("b", ["workers=1"])]


@pytest.mark.parametrize(
    "words", [["--label", "x"], ["--exe", "a", "--exe", "a"], ["--rounds", "0"], ["--calls", "--no-calls"]]
)
def test_wrong_options_are_refused(words, tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        options.parse(words, tmp_path)
    assert ended.value.code == 2
    assert "error:" in capsys.readouterr().err


def test_calls_for_each_operation_are_a_difference():
    short = calls.Counter({"NtDeviceIoControlFile": 70, "NtSetIoCompletion": 5})
    long = calls.Counter({"NtDeviceIoControlFile": 270, "NtSetIoCompletion": 5, "NtRemoveIoCompletionEx": 50})
    assert calls.per_operation(short, long, 100) == {"NtDeviceIoControlFile": 2.0, "NtRemoveIoCompletionEx": 0.5}
    with pytest.raises(calls.Failed):
        calls.per_operation(short, long, 0)


def test_trace_counts_requests_and_not_their_answers(tmp_path):
    path = tmp_path / "trace"
    path.write_text("0024: select( flags=1 )\n0024: select() = PENDING { x }\n")
    trace = calls.Trace(path, calls.REQUEST_LINE)
    trace.skip()
    with path.open("a") as file:
        file.write("0024: recv_socket( oob=0 )\n0024: recv_socket() = 0\n0024: *wakeup* signaled=0\n00a4: close_handle( )\n")
    assert trace.take() == {"recv_socket": 1, "close_handle": 1}
    assert trace.take() == {}


def test_relay_counts_calls_and_not_their_returns(tmp_path):
    path = tmp_path / "trace"
    path.write_text("0024:Call ntdll.NtSetIoCompletion(1) ret=2\n0024:Ret  ntdll.NtSetIoCompletion() retval=0 ret=2\n")
    assert calls.Trace(path, calls.RELAY_LINE).take() == {"NtSetIoCompletion": 1}
