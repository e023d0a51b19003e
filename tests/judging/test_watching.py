"""Watching a folder: a line a look, text that Prometheus reads, and faults that end nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import segue as package
from music import chorale, folder_of_chorales
from segue.cli import updating
from segue.errors import DataError, SegueError
from segue.judging.watching import Watch, prometheus, seconds_of

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SAMPLE = re.compile(r'^segue_drift_[a-z_]+\{(\w+="(\\.|[^"\\])*",?)+\} (-?[0-9.e+-]+|nan)$')


def watch_of(run_path: Path, folder: Path, tmp_path: Path) -> Watch:
    log, metrics = tmp_path / "logs" / "drift.jsonl", tmp_path / "drift.prom"
    return Watch(run_path, folder, log, metrics, clock=lambda: NOON)


def lines(watch: Watch) -> list[dict[str, Any]]:
    return [json.loads(line) for line in watch.log.read_text().splitlines()]


def test_a_look_is_a_line_and_metrics(run_path: Path, tmp_path: Path) -> None:
    watch = watch_of(run_path, folder_of_chorales(tmp_path / "music"), tmp_path)
    entry = watch.look()
    assert entry["pieces"] == 12 and not entry["unchanged"]
    assert lines(watch) == [entry]
    assert entry["time"] == "2026-03-01T12:00:00+00:00"
    assert watch.metrics is not None
    text = watch.metrics.read_text()
    told = [line for line in text.splitlines() if not line.startswith("#")]
    assert all(SAMPLE.match(line) for line in told), told
    assert f'segue_drift_pieces{{bundle="{run_path}"}} 12' in told
    named = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")}
    assert named == {line.split("{")[0] for line in told}


def test_what_has_not_changed_is_not_read_again(
    run_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = folder_of_chorales(tmp_path / "music", 3)
    watch = watch_of(run_path, folder, tmp_path)
    first, second = watch.look(), watch.look()
    assert second == {**first, "unchanged": True}
    package.write(chorale(99), folder / "more.mid")
    third = watch.look()
    assert third["pieces"] == 4 and not third["unchanged"]
    assert len(lines(watch)) == 3


def test_a_fault_is_logged_and_the_next_look_tries_again(run_path: Path, tmp_path: Path) -> None:
    folder = tmp_path / "later"
    watch = watch_of(run_path, folder, tmp_path)
    entry = watch.look()
    assert entry["error"]["type"] == "DataError"
    assert watch.metrics is not None
    assert f'segue_drift_look_success{{bundle="{run_path}"}} 0' in watch.metrics.read_text()
    folder_of_chorales(folder, 2)
    assert watch.look()["pieces"] == 2
    assert f'segue_drift_look_success{{bundle="{run_path}"}} 1' in watch.metrics.read_text()


def test_labels_are_escaped() -> None:
    text = prometheus(None, 'a "b" \\ c\nd', 5.0)
    assert r'bundle="a \"b\" \\ c\nd"' in text
    assert text.endswith("\n")
    assert all(SAMPLE.match(line) for line in text.splitlines() if line[0] != "#")


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("1.5m", 90), ("1h", 3600), ("2d", 172800)]
)
def test_times(text: str, seconds: float) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "0s", "1", "-1h", "1w", "h", "0.5s"])
def test_no_times(text: str) -> None:
    with pytest.raises(SegueError, match="write it as"):
        seconds_of(text)


def test_the_verb_looks_once(segue: Callable[..., Any], run_path: Path, tmp_path: Path) -> None:
    folder = folder_of_chorales(tmp_path / "music", 3)
    log, metrics = tmp_path / "log.jsonl", tmp_path / "out.prom"
    ran = segue("watch", run_path, folder, "--once", "--log", log, "--metrics", metrics, "--json")
    assert ran.code == 0, ran.err
    assert ran.json["pieces"] == 3
    assert json.loads(log.read_text())["pieces"] == 3
    assert "segue_drift_distance" in metrics.read_text()
    assert segue("watch", run_path, folder, "--every", "soon").code == 1
    missing = segue("watch", tmp_path / "nothing", folder, "--once")
    assert missing.code == 6


def test_an_alarm_updates_and_what_comes_of_it_is_logged(
    segue: Callable[..., Any], run_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Path] = []

    def update(bundle: Path, music: Path, *_: Any, **__: Any) -> updating.Update:
        asked.append(music)
        raise DataError("nothing can be held out of one piece.")

    monkeypatch.setattr(updating, "update", update)
    quiet, loud = folder_of_chorales(tmp_path / "quiet"), tmp_path / "loud"
    log = tmp_path / "log.jsonl"
    args = ("--once", "--update", "--log", log, "--json")
    assert not segue("watch", run_path, quiet, *args).json["alarm"]
    assert not asked
    notes = chorale(5).notes.copy()
    notes["pitch"] += 36
    loud.mkdir()
    package.write(chorale(5).with_(notes=notes), loud / "high.mid")
    ran = segue("watch", run_path, loud, *args)
    assert ran.code == 0 and ran.json["alarm"] and asked == [loud]
    assert "held out" in ran.json["update"]["error"]["message"]
    last = json.loads(log.read_text().splitlines()[-1])
    assert last["update"] == ran.json["update"]
