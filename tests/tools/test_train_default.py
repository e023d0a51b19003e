"""The training of the default model: its parts in turn, each going on where it was stopped."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from tools.default import train


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands that were run, without their interpreter; none of them fails."""
    commands: list[list[str]] = []

    def run(command: list[str], check: bool) -> SimpleNamespace:
        commands.append(command[1:])
        return SimpleNamespace(returncode=0)

    monkeypatch.setattr(train.subprocess, "run", run)
    monkeypatch.setattr(train, "compiler", lambda: None)
    return commands


def did(run: Path, step: int, *, shipped: bool) -> None:
    """A run folder that has done so many steps."""
    (run / "checkpoints").mkdir(parents=True)
    (run / "checkpoints" / "last.ckpt").touch()
    lines = [{"step": 10}, {"step": step}]
    (run / "metrics.jsonl").write_text("\n".join(map(json.dumps, lines)) + "\n")
    if shipped:
        (run / "bundle").mkdir()
        (run / "bundle" / "bundle.json").write_text("{}")


def test_all_parts_run_in_turn(ran: list[list[str]], tmp_path: Path) -> None:
    assert train.main(["sets", "--work", str(tmp_path), "--steps", "50", "--settle", "7"]) == 0
    assert [c[1] if c[1] != "segue" else c[2] for c in ran] == [
        "tools.default.gather", "prepare", "train", "train",
    ]  # fmt: skip
    learn, settle = ran[2], ran[3]
    assert learn[-4:] == ["--max-steps", "50", "-o", str(tmp_path / "learn")]
    assert settle[settle.index("--from") + 1] == str(tmp_path / "learn")
    assert "train.schedule=linear" in settle
    assert settle[-4:-2] == ["--max-steps", "7"]


def test_trainings_are_compiled_where_that_can_be(
    ran: list[list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train, "compiler", lambda: "/usr/bin/g++")
    train.main(["sets", "--work", str(tmp_path)])
    assert [command[-1] == "--compile" for command in ran] == [False, False, True, True]


def test_a_run_that_was_stopped_goes_on(ran: list[list[str]], tmp_path: Path) -> None:
    did(tmp_path / "learn", 20, shipped=False)
    train.main(["sets", "--work", str(tmp_path), "--steps", "50"])
    assert ran[2][1:] == [
        "segue", "train", "--resume", str(tmp_path / "learn"), "--max-steps", "50",
    ]  # fmt: skip


def test_what_is_done_is_not_done_again(ran: list[list[str]], tmp_path: Path) -> None:
    did(tmp_path / "learn", 50, shipped=True)
    train.main(["sets", "--work", str(tmp_path), "--steps", "50"])
    assert [c for c in ran if "--recipe" in c and "train" in c] == []
    assert "--from" in ran[-1]
    # More steps than it has done are asked for.
    train.main(["sets", "--work", str(tmp_path), "--steps", "80"])
    assert any("--resume" in c and c[-1] == "80" for c in ran)


def test_what_fails_ends_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    seen = []

    def run(command: list[str], check: bool) -> SimpleNamespace:
        seen.append(command)
        return SimpleNamespace(returncode=3)

    monkeypatch.setattr(train.subprocess, "run", run)
    assert train.main(["sets", "--work", str(tmp_path)]) == 3
    assert len(seen) == 1
