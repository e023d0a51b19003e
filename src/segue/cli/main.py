"""The command `segue`: a table of verbs, loaded when called, and the way every error ends.

A verb is a row of `VERBS` and a module with `command(...)` annotated for typer, or, where it has
verbs of its own, with `app: typer.Typer`. Nothing of a verb is imported until it is called.
"""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import typer
import typer.core
import typer.main

import segue
from segue.cli.console import emit_json
from segue.errors import SegueError, nearest

DEBUG = "SEGUE_DEBUG"

USAGE, BUG, REFUSED, OUT_OF_MEMORY, STOPPED = 2, 70, 74, 71, 130


@dataclass(frozen=True)
class Verb:
    """A row of the table: the module under `segue.cli`, its one line of help, its section."""

    module: str
    help: str
    section: str


MAKE, LEARN, LOOK = "Make music", "Learn from music", "Read, write and look"
JUDGE = "Judge music"

VERBS: dict[str, Verb] = {
    "generate": Verb("generate", "Make new music with a bundle.", MAKE),
    "continue": Verb("continue_", "Carry on from where a piece stops.", MAKE),
    "infill": Verb("infill", "Fill bars and tracks of a piece, the rest locked.", MAKE),
    "accompany": Verb("accompany", "Add parts to a melody, which is locked.", MAKE),
    "loop": Verb("loop", "Make loops whose end leads into their start.", MAKE),
    "vary": Verb("vary", "Vary a piece, with a bundle that has a latent.", MAKE),
    "interpolate": Verb("interpolate", "Lead from one piece to another through a latent.", MAKE),
    "reconstruct": Verb("reconstruct", "Play a piece as a latent model remembers it.", MAKE),
    "watch-folder": Verb("watch_folder", "Make takes of each file that comes into a folder.", MAKE),
    "replay": Verb("replay", "Make takes again from their receipts, and compare.", MAKE),
    "corpora": Verb("corpora", "List and fetch music to learn from.", LEARN),
    "prepare": Verb("prepare", "Turn a folder of music into a corpus to train on.", LEARN),
    "train": Verb("train", "Train a recipe on a folder of music.", LEARN),
    "search": Verb("search", "Search a space of recipes for the lowest held-out loss.", LEARN),
    "recipes": Verb("recipes", "List the recipes, and show what each is made of.", LEARN),
    "measure": Verb("measure", "Measure music, and set it beside real music.", JUDGE),
    "memorisation": Verb("memorisation", "Tell what takes have of the training music.", JUDGE),
    "evaluate": Verb("evaluate", "Say how likely a bundle finds held-out music.", JUDGE),
    "doctor": Verb("doctor", "Find what is wrong with takes or a run, and what to try.", JUDGE),
    "compare": Verb("compare", "Set runs beside each other and beside real music.", JUDGE),
    "drift": Verb("drift", "Tell whether new music is like what a bundle was trained on.", JUDGE),
    "watch": Verb("watch", "Look for drift on a schedule, with a log and metrics.", JUDGE),
    "studio": Verb("studio", "Open the studio page in the browser.", MAKE),
    "serve": Verb("serve", "Serve the studio page and the REST service.", MAKE),
    "inspect": Verb("inspect", "Show what is in a music file, a bundle or a run.", LOOK),
    "export": Verb("export", "Write a bundle's ONNX graphs for other programs.", LOOK),
    "convert": Verb("convert", "Convert music from one format to another, files or folders.", LOOK),
}

# What `segue` leaves with beside the codes of the exception tree in `segue.errors`.
EXIT_CODES: dict[int, str] = {
    0: "Done.",
    USAGE: "The command line itself: an unknown verb or option, a missing or wrong value.",
    BUG: f"A bug in Segue; run again with {DEBUG}=1 to see the traceback.",
    OUT_OF_MEMORY: "The machine ran out of memory.",
    REFUSED: "The system refused a file: no permission, no space, a device fault.",
    STOPPED: "Stopped with Ctrl-C.",
}

SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


class Verbs(typer.core.TyperGroup):
    """The group that finds its verbs in the table and prints help without loading them."""

    def list_commands(self, ctx: Any) -> list[str]:
        """The verbs in the order of the table."""
        return list(VERBS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The verb's command, imported now, or None for a name that is not in the table."""
        return load(cmd_name) if cmd_name in VERBS else None

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The verb and its arguments; a usage error with the nearest verb for an unknown name."""
        if not args[0].startswith("-") and args[0] not in VERBS:
            ctx.fail(f"there is no verb {args[0]!r}; {nearest(args[0], VERBS)}.")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """The table, section by section, as help."""
        width = max(map(len, VERBS), default=0)
        for section in dict.fromkeys(verb.section for verb in VERBS.values()):
            rows = [
                (f"{name:{width}}", verb.help)
                for name, verb in VERBS.items()
                if verb.section == section
            ]
            with formatter.section(section):
                formatter.write_dl(rows)


def load(name: str) -> Any:
    """The command behind a row of the table."""
    verb = VERBS[name]
    module = importlib.import_module(f"segue.cli.{verb.module}")
    if hasattr(module, "app"):
        app: typer.Typer = module.app
        app.rich_markup_mode = None
        app._add_completion = False
        command: Any = typer.main.get_group(app)
    else:
        app = typer.Typer(add_completion=False, rich_markup_mode=None)
        app.command(name, no_args_is_help=_needs_something(module.command))(module.command)
        command = typer.main.get_command(app)
    command.name = name
    for parameter in command.params:
        _show_as_said(parameter)
    return command


def _show_as_said(parameter: Any) -> None:
    """Let several paths stand in the usage line by the words of their own, such as
    "[bundle] {prompt}"."""
    words = getattr(parameter, "metavar", None) or ""
    if words.startswith("["):
        parameter.get_usage_pieces = lambda ctx: [words]


def _needs_something(function: Any) -> bool:
    """Whether a verb called with nothing can only be a question about how to call it."""
    import inspect

    parameters = inspect.signature(function).parameters.values()
    return any(p.default is inspect.Parameter.empty for p in parameters)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"segue {segue.__version__}")
        raise typer.Exit()


def _segue(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Learn from a folder of music and carry on from where a piece stops, or start a new one."""


def group() -> Any:
    """The whole command line as one command object."""
    app = typer.Typer(
        cls=Verbs,
        add_completion=False,
        no_args_is_help=True,
        rich_markup_mode=None,
        context_settings=SETTINGS,
        subcommand_metavar="VERB ...",
        epilog="`segue VERB --help` says more about a verb; docs/help.md holds it all.",
    )
    app.callback()(_segue)
    return typer.main.get_group(app)


def main(args: Sequence[str] | None = None) -> int:
    """Run `segue` with these arguments (those of the process by default); gives the exit code."""
    given = list(sys.argv[1:] if args is None else args)
    for stream in (sys.stdout, sys.stderr):
        # A file name that is not text in the terminal's encoding must not end a command.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        code = group().main(given, prog_name="segue", standalone_mode=False)
    except SystemExit as leaving:  # a reader of our output that went away, such as `head`
        return int(leaving.code or 0)
    except Exception as error:  # noqa: BLE001 - the one place where every error ends
        return _ended_by(error, as_json="--json" in given)
    except KeyboardInterrupt:
        code = STOPPED
    if code == STOPPED:
        print("Stopped.", file=sys.stderr)  # noqa: T201
    return code if isinstance(code, int) else 0


def _ended_by(error: Exception, *, as_json: bool) -> int:
    """Tell the user in one sentence, and the program that called us in JSON; the exit code."""
    code, kind, message = _verdict(error)
    if not message:
        return code
    if os.environ.get(DEBUG):
        traceback.print_exception(error)
    print(f"Error: {message}", file=sys.stderr)  # noqa: T201
    if as_json:
        emit_json({"error": {"type": kind, "message": message}})
    return code


def _verdict(error: Exception) -> tuple[int, str, str]:
    """Exit code, type and sentence for an exception; an empty sentence if all has been said."""
    kind = type(error).__name__
    match error:
        case SegueError():
            return error.exit_code, kind, str(error)
        case typer.Abort():
            return STOPPED, kind, "Stopped."
        case typer.TyperException():
            return error.exit_code, "UsageError", _usage(error)
        case MemoryError():
            return OUT_OF_MEMORY, kind, "out of memory: close other programs or ask for less."
        case OSError() if error.filename is not None:
            what = error.strerror or "the system refused it"
            return REFUSED, kind, f"{error.filename}: {what}. Check the path, its rights and space."
    see = "" if os.environ.get(DEBUG) else f" Run it again with {DEBUG}=1 to see where."
    return BUG, kind, f"this is a bug in Segue ({kind}: {error}).{see} Please report it."


def _usage(error: Any) -> str:
    """The usage error as a sentence that ends with where to read more."""
    ctx = getattr(error, "ctx", None)
    if type(error).__name__ == "NoArgsIsHelpError":
        error.show()
        return ""
    message = error.format_message().strip()
    message = message if message.endswith(".") else f"{message}."
    return f"{message} `{ctx.command_path} --help` lists what is allowed." if ctx else message
