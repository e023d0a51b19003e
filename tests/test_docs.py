"""The generated page of help is up to date, and no flag goes without a word."""

from pathlib import Path

import pytest

from segue.cli import help_docs

PAGE = Path(__file__).parent.parent / "docs" / "help.md"
COMMANDS = [(path, command) for path, command, _ in help_docs.commands()]
PARAMETERS = [(path, p) for path, command in COMMANDS for p in command.params]
WITHOUT_A_TWIN = {"help", "version"}


def test_the_page_is_what_the_program_says(capsys):
    assert help_docs.main(["--check", str(PAGE)]) == 0, capsys.readouterr().err


def test_a_page_out_of_date_is_found(tmp_path, capsys):
    page = tmp_path / "help.md"
    assert help_docs.main([str(page)]) == 0
    assert help_docs.main(["--check", str(page)]) == 0
    page.write_text(page.read_text() + "and more\n")
    assert help_docs.main(["--check", str(page)]) == 1
    assert "make help-docs" in capsys.readouterr().err


def test_the_page_is_the_same_at_any_terminal_width(monkeypatch):
    wide = help_docs.document()
    monkeypatch.setenv("COLUMNS", "40")
    assert help_docs.document() == wide


@pytest.mark.parametrize("path", [path for path, _ in COMMANDS])
def test_every_command_is_documented(path):
    assert dict(COMMANDS)[path].help


@pytest.mark.parametrize(("path", "parameter"), PARAMETERS, ids=lambda x: getattr(x, "name", x))
def test_every_parameter_has_help(path, parameter):
    assert parameter.help, f"{path}: {parameter.opts} needs a help text"


@pytest.mark.parametrize(("path", "parameter"), PARAMETERS, ids=lambda x: getattr(x, "name", x))
def test_every_switch_can_be_turned_off(path, parameter):
    if getattr(parameter, "is_bool_flag", False) and parameter.name not in WITHOUT_A_TWIN:
        assert parameter.secondary_opts, f"{path}: {parameter.opts} needs its --no- twin"
