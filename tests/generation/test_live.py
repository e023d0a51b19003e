"""Streams on a MIDI port: each note at its time, and the port let go whatever happens."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from segue.errors import SegueError
from segue.generation.live import ALL_NOTES_OFF, LEAD_SECONDS, perform, port_named
from segue.generation.streaming import Heard


class Port:
    """Keeps what is sent, with the time."""

    def __init__(self, name: str, clock: Any) -> None:
        self.name, self._clock = name, clock
        self.sent: list[tuple[float, Any]] = []
        self.closed = False

    def send(self, message: Any) -> None:
        assert not self.closed
        self.sent.append((round(self._clock(), 6), message))

    def close(self) -> None:
        self.closed = True


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class NoMidi(Exception):
    """What python-rtmidi raises where no MIDI system runs."""


@pytest.fixture
def rtmidi(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rtmidi", SimpleNamespace(RtMidiError=NoMidi))


def notes() -> list[Heard]:
    """A long note that comes late, two short ones, and a drum."""
    return [
        Heard(0.0, 0.5, 60, 80, 0, False),
        Heard(0.5, 0.5, 60, 70, 0, False),
        Heard(0.5, 0.1, 38, 90, 0, True),
        Heard(0.25, 2.0, 48, 60, 32, False),
    ]


def test_each_note_sounds_at_its_time_and_stops() -> None:
    clock = Clock()
    port = Port("a", clock)
    assert perform(iter(notes()), port, clock=clock, sleep=clock.sleep) == 4
    began = LEAD_SECONDS
    told = [(at - began, m.type, m.channel, getattr(m, "note", None)) for at, m in port.sent]
    struck = [each for each in told if each[1].startswith("note")]
    assert [(round(at, 3), *rest) for at, *rest in struck] == [
        (0.0, "note_on", 0, 60),
        (0.25, "note_on", 1, 48),
        (0.5, "note_off", 0, 60),  # let go before it is struck again
        (0.5, "note_on", 0, 60),
        (0.5, "note_on", 9, 38),
        (0.6, "note_off", 9, 38),
        (1.0, "note_off", 0, 60),
        (2.25, "note_off", 1, 48),
    ]
    programs = {(m.channel, m.program) for _, m in port.sent if m.type == "program_change"}
    assert programs == {(0, 0), (1, 32), (9, 0)}
    assert port.closed


def test_a_stream_that_breaks_lets_every_note_go() -> None:
    def broken() -> Iterator[Heard]:
        yield notes()[0]
        raise SegueError("the model is gone.")

    clock = Clock()
    port = Port("a", clock)
    with pytest.raises(SegueError, match="the model is gone"):
        perform(broken(), port, clock=clock, sleep=clock.sleep)
    assert port.closed
    if port.sent:
        assert port.sent[-1][1].control == ALL_NOTES_OFF


def test_a_port_is_found_by_a_part_of_its_name(
    rtmidi: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    import mido

    monkeypatch.setattr(mido, "get_output_names", lambda: ["Midi Through", "FLUID Synth (1)"])
    monkeypatch.setattr(mido, "open_output", lambda name: Port(name, Clock()))
    assert port_named("fluid").name == "FLUID Synth (1)"
    with pytest.raises(SegueError, match=r"there are Midi Through, FLUID Synth \(1\)"):
        port_named("organ")


def test_a_machine_without_ports_says_so(rtmidi: None, monkeypatch: pytest.MonkeyPatch) -> None:
    import mido

    def none() -> list[str]:
        raise NoMidi

    monkeypatch.setattr(mido, "get_output_names", none)
    with pytest.raises(SegueError, match="this machine has none"):
        port_named("organ")


def test_without_the_extra_one_sentence_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "rtmidi", None)
    with pytest.raises(SegueError, match=r"pip install 'segue\[live\]'"):
        port_named("organ")


def test_the_command_plays_the_take(
    segue: Any, run_path: Path, tmp_path: Path, rtmidi: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    import mido

    from segue.generation import live

    clock = Clock()
    port = Port("Synth", clock)
    monkeypatch.setattr(mido, "get_output_names", lambda: ["Synth"])
    monkeypatch.setattr(mido, "open_output", lambda _: port)
    monkeypatch.setattr(live.perform, "__kwdefaults__", {"clock": clock, "sleep": clock.sleep})
    ran = segue("generate", run_path, "--bars", 1, "--seed", 3, "--stream-port", "synth",
                "-o", tmp_path)  # fmt: skip
    assert ran.code == 0, ran.err
    assert "playing on Synth" in ran.err
    struck = [m for _, m in port.sent if m.type == "note_on"]
    lines = segue("generate", run_path, "--bars", 1, "--seed", 3, "--stream").out.splitlines()
    assert len(struck) == len(lines)
    assert port.closed
    assert not list(tmp_path.iterdir())
