"""What /stats says: fetching, the schema, and the equations that hold in every snapshot
(docs/statistics.md)."""

import http.client
import json
from functools import lru_cache

from .runtime import ROOT

SCHEMA = ROOT / "docs/stats.schema.json"


def get(host, port, path="/stats", method="GET", headers=None, deadline=30):
    """(status, headers in lower case, body) of one request."""
    connection = http.client.HTTPConnection(host, port, timeout=deadline)
    try:
        connection.request(method, path, headers={"Connection": "close", **(headers or {})})
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def fetch(host, port):
    status, headers, body = get(host, port)
    assert status == 200, (status, body)
    assert headers["content-type"].startswith("application/json"), headers
    return json.loads(body)


@lru_cache(maxsize=1)
def validator():
    import jsonschema

    schema = json.loads(SCHEMA.read_text())
    kind = jsonschema.validators.validator_for(schema)
    kind.check_schema(schema)
    return kind(schema)


def validate(stats):
    errors = [f"{'/'.join(map(str, e.absolute_path))}: {e.message}" for e in validator().iter_errors(stats)]
    assert not errors, errors


def servers(stats):
    return [server for upstream in stats["upstreams"] for server in upstream["servers"]]


def listener(stats, name):
    (found,) = [item for item in stats["listeners"] if item["name"] == name]
    return found


def server(stats, upstream, name):
    (found,) = [
        item
        for u in stats["upstreams"]
        if u["name"] == upstream
        for item in u["servers"]
        if item["name"] == name
    ]
    return found


def active(scope):
    return scope["sessions"]["active"]


def closed(scope):
    return sum(scope["closed"].values())


def check_sum(whole, parts, removed, *about):
    """With `removed`, a reload took parts away, and the whole remembers what they had counted."""
    parts = sum(parts)
    assert whole == parts or (removed and whole > parts), about


def check_bytes(stats, removed=False):
    """Every byte received from either side was sent on, was discarded, or is still in a buffer."""
    totals = stats["totals"]["bytes"]
    check_sum(totals["from_servers"], (item["bytes"]["in"] for item in servers(stats)), removed, stats)
    check_sum(totals["to_servers"], (item["bytes"]["out"] for item in servers(stats)), removed, stats)
    received = totals["in"] + totals["from_servers"]
    assert received == totals["out"] + totals["to_servers"] + totals["discarded"] + totals["buffered"], stats
    assert min(totals.values()) >= 0, stats


def reconcile(stats, removed=False):
    """Asserts what holds in every snapshot, however busy the server is."""
    scopes = [("totals", stats["totals"])]
    scopes += [(f"listener {item['name']}", item) for item in stats["listeners"]]
    scopes += [(f"server {item['name']}", item) for item in servers(stats)]
    for name, scope in scopes:
        sessions = scope["sessions"]
        if "closed" in scope:
            assert sessions["total"] == sessions["active"] + closed(scope), (name, scope)
        assert 0 <= sessions["active"] <= sessions["total"], (name, sessions)
        assert sessions["peak"] <= sessions["total"], (name, sessions)
        if sessions["limit"]:
            assert sessions["peak"] <= sessions["limit"], (name, sessions)
    for key in ("total", "active"):
        parts = (item["sessions"][key] for item in stats["listeners"])
        check_sum(stats["totals"]["sessions"][key], parts, removed, key, stats)
    for group in ("bytes", "refused", "closed"):
        for key in stats["listeners"][0][group]:
            parts = (item[group][key] for item in stats["listeners"])
            check_sum(stats["totals"][group][key], parts, removed, group, key, stats)
    for key, value in stats["totals"]["errors"].items():
        check_sum(value, (item["errors"][key] for item in servers(stats)), removed, key, stats)
    check_bytes(stats, removed)


def reconcile_at_rest(stats, removed=False):
    """As reconcile, and without a session nothing is left in a buffer."""
    reconcile(stats, removed)
    if stats["totals"]["sessions"]["active"] == 0:
        assert stats["totals"]["bytes"]["buffered"] == 0, stats


MAY_FALL = {"active", "buffered", "memory_bytes", "handles", "p50", "p90", "p99", "p999"}


def never_backwards(before, after, path=""):
    """Asserts that no counter fell between two snapshots."""
    for key, value in before.items():
        here = f"{path}/{key}"
        if isinstance(value, dict):
            never_backwards(value, after[key], here)
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            for left, right in zip(value, after[key], strict=True):
                never_backwards(left, right, f"{here}/{left.get('name')}")
        elif isinstance(value, int) and not isinstance(value, bool) and key not in MAY_FALL:
            assert after[key] >= value, (here, value, after[key])
