"""Writes docs/help.md from the command line itself: every verb, every option, every exit code.

Run as `python -m segue.cli.help_docs PATH`; with `--check` it only says whether the file is up to
date.
"""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from segue import errors
from segue.cli.main import DEBUG, EXIT_CODES, group
from segue.files import write_text

WIDTH = 100

HEAD = """# The command line

Made from the program by `make help-docs`; `make check` fails where it is out of date.

Results go to stdout; progress, remarks and errors go to stderr. With `--json` stdout holds exactly
one JSON document; when the command fails that document is
`{"error": {"type": "FormatError", "message": "..."}}`.
"""


def commands() -> Iterator[tuple[str, Any, Any]]:
    """Every command as (what one types, the command, its context), groups before their verbs."""
    root = group()
    yield from _walk(root, "segue", None)


def _walk(command: Any, name: str, parent: Any) -> Iterator[tuple[str, Any, Any]]:
    ctx = command.make_context(
        name, [], parent=parent, resilient_parsing=True, terminal_width=WIDTH
    )
    yield ctx.command_path, command, ctx
    for verb in command.list_commands(ctx) if hasattr(command, "list_commands") else ():
        yield from _walk(command.get_command(ctx, verb), verb, ctx)


def exit_codes() -> list[tuple[int, str]]:
    """Exit codes and what they mean: those of the exception tree and those of `main`."""
    codes = dict(EXIT_CODES)
    for kind in vars(errors).values():
        if inspect.isclass(kind) and issubclass(kind, errors.SegueError):
            first = (inspect.getdoc(kind) or "").split("\n")[0]
            if "exit_code" in vars(kind):
                codes[kind.exit_code] = f"`{kind.__name__}`: {first}"
    return sorted(codes.items())


def document() -> str:
    """The whole of docs/help.md."""
    os.environ.pop("COLUMNS", None)
    parts = [HEAD]
    for path, command, ctx in commands():
        depth = "#" * (2 + path.count(" "))
        parts.append(f"{depth} {path}\n\n```text\n{command.get_help(ctx).rstrip()}\n```\n")
    rows = "\n".join(f"| {code} | {meaning} |" for code, meaning in exit_codes())
    parts.append(f"## Exit codes\n\n| code | meaning |\n|---|---|\n{rows}\n")
    parts.append(f"`{DEBUG}=1` shows the traceback behind any error.\n")
    return "\n".join(parts)


def main(args: list[str]) -> int:
    """Write the document, or with `--check` compare it; 1 if it is out of date."""
    checking = "--check" in args
    (path,) = (Path(a) for a in args if a != "--check")
    if not checking:
        write_text(path, document())
        return 0
    if path.is_file() and path.read_text(encoding="utf-8") == document():
        return 0
    sys.stderr.write(f"{path} is out of date with the command line: run `make help-docs`.\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
