"""Writes peers.json for the harness: write_json.py FOLDER, the folder in which scripts/bench_peers.sh built the peers.

tests/bench/peers/peers.json beside this file describes all of them. In each FOLDER/NAME that script left a file `version`, or
a file `missing` with the reason. Values of "files" are names of templates in this folder; their text goes into the result.
"""

import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
NOT_BUILT = "not built yet: scripts/bench_peers.sh {name}"


def expand(value, folder):
    """{listen}, {target} and {dir} are the harness' to fill in."""
    if isinstance(value, dict):
        return {key: expand(each, folder) for key, each in value.items()}
    if isinstance(value, list):
        return [expand(each, folder) for each in value]
    return value.replace("{peers}", str(folder)) if isinstance(value, str) else value


def entry(described, version, folder):
    templates = described.get("files", {})
    files = {name: (HERE / source).read_text("utf-8") if source else "" for name, source in templates.items()}
    services = {service: described.get(service) for service in ("echo", "proxy")}
    made = {**described, **services, "version": version, "files": files}
    made.pop("built_as", None)
    return expand(made, folder)


def read(path):
    return path.read_text("utf-8").strip() if path.exists() else None


def document(folder):
    peers, missing = [], []
    for described in json.loads((HERE / "peers.json").read_text("utf-8")):
        name = described["name"]
        # Two peers may be one program.
        built = folder / described.get("built_as", name)
        version = read(built / "version")
        if version is not None:
            peers.append(entry(described, version, folder))
        else:
            reason = read(built / "missing") or NOT_BUILT.format(name=name)
            missing.append({"name": name, "reason": reason})
    return {"peers": peers, "missing": missing}


def main():
    folder = Path(sys.argv[1]).resolve()
    made = document(folder)
    part = folder / "peers.json.part"
    part.write_text(json.dumps(made, indent=4) + "\n", "utf-8")
    part.replace(folder / "peers.json")
    for peer in made["peers"]:
        print(f"{peer['name']}: {peer['version']}")
    for peer in made["missing"]:
        print(f"{peer['name']}: missing: {peer['reason']}")


if __name__ == "__main__":
    main()
