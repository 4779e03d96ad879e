"""The part of docs/performance.md that is generated, between two marks."""

BEGIN = "<!-- results: scripts/bench.sh --update-docs writes what is between these marks -->"
END = "<!-- end of results -->"


def replace(document, block):
    """The document with another block; both marks must be there, once and in order."""
    if document.count(BEGIN) != 1 or document.count(END) != 1 or document.index(BEGIN) > document.index(END):
        raise ValueError(f"the document needs one line {BEGIN!r} and behind it one line {END!r}")
    front, rest = document.split(BEGIN)
    _, back = rest.split(END)
    return f"{front}{BEGIN}\n\n{block.strip()}\n\n{END}{back}"
