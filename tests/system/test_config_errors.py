"""A wrong configuration: every error at once as FILE:LINE: text, exit code 2, nothing bound (SEMANTICS C1,
C2)."""

import re

import pytest
from support import net, runtime
from support.server import STATS_ANYWHERE, echo_config

LINE = re.compile(r"^server\.ini:(\d+): (.+)$")

# Each line with what its errors hold; nothing: the line is right. One of every kind of error.
WRONG = [
    ("[server]",),
    ("workers=0", "workers"),
    ("max_sessions=many", "many"),
    ("max_sessions=99999999999999999999", "max_sessions"),
    ("buffer_size=16", "unit"),
    ("buffer_size=2G", "buffer_size"),
    ("drain_timeout=30", "unit"),
    ("drain_timeout=-1s", "drain_timeout"),
    ("log_level=loud", "loud"),
    ("wokers=2", "did you mean"),
    ("a line without sense", "KEY=VALUE"),
    ("  workers=2", "indented"),
    ("colon: 5", "="),
    ("log_file=" + "x" * 300, "bytes"),
    ("log_file=\0", "NUL"),
    ("[statistics]", "statistics"),
    ("[stats]",),
    ("listen=0.0.0.0:8404", "token"),
    ("[listener a]",),
    ("listen=127.0.0.1:PORT",),
    ("listen=127.0.0.1:99999", "65535"),
    ("listen=1.2.3.400:80", "1.2.3.400"),
    ("listen=nowhere", "port"),
    ("listen=::1:80", "brackets"),
    ("mode=ecko", "did you mean"),
    ("idle_timeout=5y", "idle_timeout"),
    ("idle_timeout=5m", "idle_timeout"),
    ("[listener b]", "listen=", "upstream=NAME"),
    ("mode=proxy",),
    ("[listener a]", "a"),
    ("listen=127.0.0.1:PORT", "taken"),
    ("mode=proxy",),
    ("upstream=wev", "did you mean"),
    ("[upstream web]",),
    ("server=one 127.0.0.1:0", "port 0"),
    ("server=127.0.0.1:80", "name"),
    ("retries=-1", "retries"),
    ("connect_timeout=0s", "connect_timeout"),
    ("balance=roundrobin", "not supported"),
    ("[upstream empty]", "server="),
    ("[unfinished", "]"),
]


def write(folder, data):
    (folder / "server.ini").write_bytes(data if isinstance(data, bytes) else data.encode())


def refused(folder, verb="run"):
    """Runs the verb, checks that it refused, and answers [(line, text)] of its errors."""
    done = runtime.run(verb, "-c", "server.ini", cwd=folder)
    assert done.returncode == 2, (done.returncode, done.stdout, done.stderr)
    assert "listening on" not in done.stderr + done.stdout
    assert done.stdout == ""
    found = [LINE.match(line) for line in done.stderr.splitlines()]
    return [(int(match.group(1)), match.group(2)) for match in found if match]


def accepted(folder):
    done = runtime.run("check", "-c", "server.ini", cwd=folder)
    assert done.returncode == 0, (done.returncode, done.stdout, done.stderr)
    return done


def test_every_error_is_told_at_once_with_its_line(tmp_path):
    port = net.free_port()
    write(tmp_path, "\n".join(line for line, *_ in WRONG).replace("PORT", str(port)) + "\n")
    errors = refused(tmp_path)
    by_line = {}
    for number, text in errors:
        by_line.setdefault(number, []).append(text)
    told = {number: " | ".join(texts).lower() for number, texts in by_line.items()}
    missing = [
        (number, line[:40], word, told.get(number))
        for number, (line, *words) in enumerate(WRONG, 1)
        for word in words
        if word.lower() not in told.get(number, "")
    ]
    assert not missing
    right = {number for number, (_, *words) in enumerate(WRONG, 1) if not words}
    assert not right & set(by_line), {number: by_line[number] for number in right & set(by_line)}
    assert [number for number, _ in errors] == sorted(number for number, _ in errors)


def test_check_agrees_with_run(tmp_path):
    write(tmp_path, "\n".join(line for line, *_ in WRONG).replace("PORT", "7777") + "\n")
    assert refused(tmp_path, "check") == refused(tmp_path, "run")


# What makes each section right, so that only the one line is wrong.
RIGHT = {
    "[server]": "",
    "[statistics]": "",
    "[stats]": "",
    "[listener a]": "listen=127.0.0.1:7777\nmode=echo\n",
    "[listener b]": "listen=127.0.0.1:7777\n",
    "[upstream web]": "",
}


def wrong_alone():
    """(section, line) of the lines that are wrong without any other."""
    section = None
    for line, *words in WRONG:
        section = line if line.startswith("[") and "]" in line else section
        together = line == "idle_timeout=5m" or "PORT" in line or line.startswith("upstream=")
        if words and not line.startswith("[") and not together:
            yield pytest.param(section, line, id=line[:20].strip().replace("\0", "NUL"))


@pytest.mark.parametrize("section, line", wrong_alone())
def test_each_wrong_line_alone_is_enough(tmp_path, section, line):
    """No error hides behind another: one wrong line in its section is refused, with its number."""
    right = RIGHT[section].replace("mode=echo\n", "") if line.startswith("mode=") else RIGHT[section]
    text = f"{section.replace('statistics', 'server')}\n{right}{line}\n{echo_config('spare')}"
    write(tmp_path, text)
    wanted = text[: text.index(line)].count("\n") + 1
    assert wanted in [found for found, _ in refused(tmp_path, "check")]


def test_nothing_is_bound_when_one_line_is_wrong(tmp_path):
    """A valid listener in a wrong file: its port stays free, also while the program runs."""
    port = net.free_port()
    write(tmp_path, echo_config(listen=f"127.0.0.1:{port}") + "wrong=1\n")
    with net.socket.socket() as own:
        # Would fail the program otherwise: it must not even try.
        own.bind(("127.0.0.1", port))
        own.listen()
        assert refused(tmp_path) == [(4, refused(tmp_path)[0][1])]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(lambda text: text.replace("\n", "\r\n").encode(), id="CRLF"),
        pytest.param(lambda text: b"\xef\xbb\xbf" + text.encode(), id="BOM"),
        pytest.param(lambda text: b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode(), id="BOM-and-CRLF"),
        pytest.param(lambda text: text.rstrip("\n").encode(), id="no-last-newline"),
        pytest.param(lambda text: ("; Grüße\n# 你好\n\n" + text).encode(), id="UTF-8-comments"),
    ],
)
def test_usual_encodings_are_accepted(tmp_path, start_server, data):
    text = STATS_ANYWHERE + echo_config()
    write(tmp_path, data(text))
    accepted(tmp_path)

    server = start_server(text)
    server.path.write_bytes(data(text))
    server.check_end()
    server.process, server.checked, server.ports = None, False, {}
    server.start()
    assert net.exchange(server.connect("echo"), b"served") == b"served"


@pytest.mark.parametrize(
    "data, word",
    [
        pytest.param(echo_config().encode("utf-16"), "UTF-16", id="UTF-16-with-BOM"),
        pytest.param(echo_config().encode("utf-16-le"), "UTF-16", id="UTF-16-LE"),
        pytest.param(echo_config().encode("utf-16-be"), "UTF-16", id="UTF-16-BE"),
        pytest.param(echo_config().encode() + b"[server]\nlog_file=\xff\xfe\n", "UTF-8", id="not-UTF-8"),
        pytest.param(echo_config().encode() + b"[server]\nlog_file=a\0b\n", "NUL", id="NUL"),
        pytest.param(
            echo_config().encode() + b"[server]\nlog_file=" + b"x" * 5000 + b"\n", "bytes", id="overlong"
        ),
        pytest.param(b"", "listener", id="empty"),
        pytest.param(b"\x7fELF\x02\x01\x01" + bytes(200), "", id="binary"),
    ],
)
def test_other_encodings_are_named(tmp_path, data, word):
    write(tmp_path, data)
    done = runtime.run("check", "-c", "server.ini", cwd=tmp_path)
    assert done.returncode == 2
    assert word in done.stderr
    assert done.stderr.startswith("server.ini:")


def test_foreign_bytes_are_escaped_in_messages(tmp_path):
    write(tmp_path, echo_config().encode() + b"\xc2\x9b31mred=1\n")
    done = runtime.run("check", "-c", "server.ini", cwd=tmp_path)
    assert done.returncode == 2
    assert "\x1b" not in done.stderr and "\x9b" not in done.stderr


def test_missing_file_is_named(tmp_path):
    done = runtime.run("run", "-c", "not-there.ini", cwd=tmp_path)
    assert done.returncode == 2
    assert "not-there.ini" in done.stderr


def test_statistics_beyond_loopback_need_a_token(tmp_path, start_server):
    """SEMANTICS H1."""
    write(tmp_path, "[stats]\nlisten=0.0.0.0:0\n" + echo_config())
    ((line, text),) = refused(tmp_path)
    assert line == 2 and "token" in text
    server = start_server(
        "[stats]\nlisten=127.0.0.1:0\ntoken=0123456789abcdef0123456789abcdef\n" + echo_config()
    )
    assert server.stats()["server"]["state"] == "serving"


def test_default_file_is_found_in_the_current_folder(tmp_path):
    write(tmp_path, echo_config())
    if (runtime.EXE.parent / "server.ini").exists():
        pytest.skip("there is a server.ini beside the executable, which comes first")
    done = runtime.run("check", cwd=tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "arguments, code",
    [
        ([], 0),
        (["version"], 0),
        (["nonsense"], 2),
        (["run", "-x"], 2),
        (["run", "-c"], 2),
        (["check", "-c", "a", "b"], 2),
    ],
)
def test_command_line(tmp_path, arguments, code):
    """No arguments: the usage. Wrong ones: a message on standard error, and 2."""
    done = runtime.run(*arguments, cwd=tmp_path)
    assert done.returncode == code, (done.stdout, done.stderr)
    assert done.stdout if code == 0 else done.stderr
    if code:
        assert done.stdout == ""
