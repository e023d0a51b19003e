"""How the command line finds its verbs, and how every error ends."""

import subprocess
import sys
import types

import pytest
import typer

import segue as package
from segue import errors
from segue.cli import main as cli
from segue.cli.console import Json, emit_json

KINDS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, errors.SegueError)
]


@pytest.fixture
def verb(monkeypatch):
    """Make a verb `try` of a function or a typer.Typer."""

    def install(**members):
        module = types.ModuleType("segue.cli.try_")
        vars(module).update(members)
        monkeypatch.setitem(sys.modules, "segue.cli.try_", module)
        monkeypatch.setitem(cli.VERBS, "try", cli.Verb("try_", "Try it.", cli.LOOK))

    return install


def raising(error):
    def command(json: Json = False):
        raise error

    return command


def made(kind):
    return kind("the job", "torch", "train") if kind is errors.MissingExtraError else kind("no.")


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_is_one_sentence_and_its_exit_code(segue, verb, kind):
    verb(command=raising(made(kind)))
    ran = segue("try")
    assert (ran.code, ran.out, ran.err) == (kind.exit_code, "", f"Error: {made(kind)}\n")


@pytest.mark.parametrize("kind", KINDS)
def test_with_json_stdout_holds_the_error_as_one_document(segue, verb, kind):
    verb(command=raising(made(kind)))
    ran = segue("try", "--json")
    assert ran.json == {"error": {"type": kind.__name__, "message": str(made(kind))}}
    assert ran.code == kind.exit_code


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (KeyError("lost"), 70, "a bug in Segue (KeyError: 'lost')"),
        (PermissionError(13, "Permission denied", "/x"), 74, "/x: Permission denied"),
        (MemoryError(), 71, "out of memory"),
        (typer.BadParameter("give one."), 2, "give one."),
        (KeyboardInterrupt(), 130, "Stopped."),
        (typer.Abort(), 130, "Stopped."),
    ],
)
def test_other_ends(segue, verb, error, code, said):
    verb(command=raising(error))
    ran = segue("try")
    assert ran.code == code
    assert said in ran.err
    assert "Traceback" not in ran.err
    assert ran.err.count("\n") == 1


def test_every_end_is_in_the_table_of_exit_codes():
    from segue.cli.help_docs import exit_codes

    codes = [code for code, _ in exit_codes()]
    assert sorted({0, 2, 70, 71, 74, 130, *(kind.exit_code for kind in KINDS)}) == codes


def test_a_verb_may_choose_its_exit_code(segue, verb):
    verb(command=raising(typer.Exit(9)))
    assert segue("try").code == 9


def test_debug_shows_the_traceback(segue, verb, monkeypatch):
    verb(command=raising(KeyError("lost")))
    monkeypatch.setenv("SEGUE_DEBUG", "1")
    assert "Traceback" in segue("try").err


def test_a_result_is_one_document(segue, verb):
    def command(json: Json = False):
        emit_json({"as_json": json})

    verb(command=command)
    assert segue("try", "--json").json == {"as_json": True}


def test_a_verb_may_have_verbs_of_its_own(segue, verb):
    app = typer.Typer(help="Things.")

    @app.command("ls")
    def ls():
        emit_json(["a"])

    verb(app=app)
    assert segue("try", "ls").json == ["a"]
    assert "ls" in segue("try", "--help").out


def test_help_lists_every_verb(segue):
    ran = segue("--help")
    assert ran.code == 0
    for name, row in cli.VERBS.items():
        assert f"  {name} " in ran.out
        assert row.help.endswith(".")


@pytest.mark.parametrize("name", cli.VERBS)
def test_a_row_of_the_table_loads(segue, name):
    ran = segue(name, "--help")
    assert ran.code == 0
    assert ran.out.startswith(f"Usage: segue {name}")


def test_an_unknown_verb_gets_the_nearest(segue):
    ran = segue("convrt", "a.mid")
    assert ran.code == 2
    assert "there is no verb 'convrt'; did you mean 'convert'?" in ran.err


def test_an_unknown_option_is_a_usage_error(segue):
    ran = segue("convert", "a.mid", "b.mid", "--jsn", "--json")
    assert ran.code == 2
    assert "--jsn" in ran.err
    assert ran.json["error"]["type"] == "UsageError"


def test_no_verb_at_all_is_a_question(segue):
    ran = segue()
    assert ran.code == 2
    assert ran.err.startswith("Usage: segue")


def test_version(segue):
    assert segue("--version").out == f"segue {package.__version__}\n"


def test_python_m_segue_is_the_same_command():
    done = subprocess.run(
        [sys.executable, "-m", "segue", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"segue {package.__version__}\n"
