"""Writes the README's tree of files from the disk: one line a file, taken from the file itself.

`python tools/tree.py README.md` writes it, `--check` only compares. A Python file says what it is
in the first line of its docstring, a TOML file in its summary or first comment, a script or style
sheet in its first comment, the rest in `ELSE`.
"""

from __future__ import annotations

import ast
import sys
import tomllib
from itertools import takewhile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BEGIN, END = "<!-- tree: made by `make tree` -->", "<!-- end of tree -->"
WIDTH = 34

# Files that cannot speak for themselves, and the folders that the tree names but does not enter.
ELSE = {
    "Makefile": "every command of a developer: `make help`",
    "constraints.txt": "the exact version of every dependency",
    "pyproject.toml": "the package, its extras, and the settings of every check",
    ".ci/run": "what a machine runs on every change",
    "bench/": "benchmarks against named peers, and their dated results",
    "docs/": "help, architecture, decisions, lab log",
    "tests/": "the same tree again, a test for each file",
    "tools/": "makes the generated parts: this tree, the constraints",
    "src/segue/bundles/shipped/": "the bundles that come with Segue, by name",
    "src/segue/data/report.css": "the looks of the corpus report",
    "src/segue/judging/compare.css": "the looks of the report on runs",
    "src/segue/judging/listen.js": "the blind listening page at work",
    "src/segue/server/page/icon.svg": "the icon of the page",
    "src/segue/server/page/icons.svg": "the signs on its buttons",
    "src/segue/server/page/index.html": "the page, before any script",
    "src/segue/server/page/examples/blues.json": "a blues of twelve bars",
    "src/segue/server/page/examples/chorale.json": "a chorale by Bach",
    "src/segue/server/page/examples/prelude.json": "the opening of a prelude by Bach",
    "src/segue/server/page/examples/index.json": "names and sources of the examples",
    "src/segue/server/page/examples/jig.json": "a jig",
    "src/segue/py.typed": "tells type checkers that the package is typed",
}


def described(path: Path) -> str:
    """One line on what a file is."""
    name = path.relative_to(ROOT).as_posix()
    for known in (name, f"{name}/"):
        if known in ELSE:
            return ELSE[known]
    says = SAYS.get(path.suffix)
    line = says(path.read_text(encoding="utf-8")) if says else ""
    if not line:
        raise SystemExit(f"{name} does not say what it is: give it a first line that does.")
    return line.rstrip(".")


def _docstring(text: str) -> str:
    return (ast.get_docstring(ast.parse(text)) or "").split("\n")[0]


def _summary(text: str) -> str:
    remark = takewhile(lambda row: row.startswith("#") and row != "#", text.splitlines())
    sentence = " ".join(row.lstrip("# ") for row in remark).split(". ")[0]
    return str(tomllib.loads(text).get("summary", sentence))


def _remark(text: str) -> str:
    """The first sentence of the comment that a script or a style sheet begins with."""
    rows = takewhile(lambda row: row.startswith(("//", "/*")), text.splitlines())
    said = " ".join(row.strip("/* ") for row in rows)
    return said.split(". ")[0]


SAYS = {".py": _docstring, ".toml": _summary, ".js": _remark, ".css": _remark}


def files(folder: Path) -> list[Path]:
    """The entries of a folder, files before folders, without caches and hidden files."""
    kept = [p for p in folder.iterdir() if not p.name.startswith((".", "__pycache__"))]
    return sorted(kept, key=lambda p: (p.is_dir(), p.name))


def lines(folder: Path, depth: int) -> list[str]:
    """The tree of `folder` as indented lines; empty folders are left out."""
    drawn = []
    for path in files(folder):
        if f"{path.relative_to(ROOT).as_posix()}/" in ELSE:
            drawn.append(f"{'  ' * depth + path.name + '/':{WIDTH}} {described(path)}")
        elif path.is_dir():
            below = lines(path, depth + 1)
            drawn += ["  " * depth + path.name + "/", *below] if below else []
        else:
            drawn.append(f"{'  ' * depth + path.name:{WIDTH}} {described(path)}")
    return drawn


def tree() -> str:
    """The block between the two marks."""
    top = [f"{name:{WIDTH}} {line}" for name, line in ELSE.items() if not name.startswith("src/")]
    drawn = [*top, "src/segue/", *lines(ROOT / "src/segue", 1)]
    return "\n".join([BEGIN, "", "```text", *drawn, "```", "", END])


def main(args: list[str]) -> int:
    """Write the tree into the file named, or with `--check` compare; 1 if they differ."""
    checking = "--check" in args
    (path,) = (Path(a) for a in args if a != "--check")
    text = path.read_text(encoding="utf-8")
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    made = head + tree() + tail
    if made != text and not checking:
        path.write_text(made, encoding="utf-8")
    if made == text or not checking:
        return 0
    sys.stderr.write(f"{path}: its tree of files differs from the disk: run `make tree`.\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
