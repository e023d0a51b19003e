"""Notes of a stream on a MIDI port, each at its time.

The notes are made in a thread of their own, as fast as they can be; the clock starts a moment
after the first of them. A note that comes after its time, as a slow model's may, sounds at once.
Ports are those of mido with python-rtmidi (the extra `live`).
"""

from __future__ import annotations

import heapq
import importlib
import queue
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from segue.errors import SegueError
from segue.generation.streaming import Heard

LEAD_SECONDS = 1.0
"""How long the first note waits, so that those that sound with it are there too."""
LONGEST_NAP = 0.05
DRUM_CHANNEL, CHANNELS = 9, 16
ALL_NOTES_OFF = 123


class Port(Protocol):
    """What mido opens."""

    name: str

    def send(self, message: Any) -> None:
        """Send one message."""

    def close(self) -> None:
        """Let the port go."""


def backend() -> Any:
    """mido, with python-rtmidi under it; SegueError where one of them is not installed."""
    try:
        importlib.import_module("rtmidi")
        return importlib.import_module("mido")
    except ImportError:
        raise SegueError(
            "playing on a MIDI port needs mido and python-rtmidi: pip install 'segue[live]', or "
            "use --stream for lines of JSON."
        ) from None


def port_named(name: str) -> Port:
    """The first output port whose name has `name` in it; SegueError that lists all if none has."""
    mido = backend()
    names = _names(mido)
    found = [each for each in names if name.lower() in each.lower()]
    if not found:
        there = f"there are {', '.join(names)}" if names else "this machine has none"
        raise SegueError(
            f"no MIDI port has {name!r} in its name; {there}: start a synthesiser, or use --stream "
            "for lines of JSON."
        )
    port: Port = mido.open_output(found[0])
    return port


def _names(mido: Any) -> list[str]:
    """The output ports; none where the system has no MIDI at all."""
    try:
        return list(mido.get_output_names())
    except _rtmidi_error():
        return []


def _rtmidi_error() -> type[Exception]:
    """What python-rtmidi raises where no MIDI system runs."""
    found: type[Exception] = getattr(importlib.import_module("rtmidi"), "RtMidiError", OSError)
    return found


def perform(
    notes: Iterator[Heard],
    port: Port,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> int:
    """Play notes as they come until the last has ended; how many were played.

    Whatever happens the port is let go with every note off.
    """
    coming: queue.SimpleQueue[Heard | BaseException | None] = queue.SimpleQueue()
    threading.Thread(target=_fetch, args=(notes, coming), daemon=True).start()
    channels: dict[tuple[int, bool], int] = {}
    waiting: list[tuple[float, int, int, str, Heard]] = []
    began: float | None = None
    played, done = 0, False
    try:
        while not done or waiting:
            while not done:
                try:
                    heard = coming.get(block=began is None)
                except queue.Empty:
                    break
                if isinstance(heard, BaseException):
                    raise heard
                if heard is None:
                    done = True
                    break
                began = clock() + LEAD_SECONDS if began is None else began
                played += 1
                # At one moment a note is let go before another is struck.
                ends = heard.onset + heard.duration
                heapq.heappush(waiting, (heard.onset, 1, played, "note_on", heard))
                heapq.heappush(waiting, (ends, 0, played, "note_off", heard))
            if waiting and began is not None:
                ahead = began + waiting[0][0] - clock()
                if ahead > 0:
                    sleep(min(ahead, LONGEST_NAP))
                    continue
                _, _, _, kind, heard = heapq.heappop(waiting)
                _send(port, kind, heard, channels)
            elif not done:
                sleep(LONGEST_NAP)
    finally:
        for channel in channels.values():
            port.send(_message("control_change", channel=channel, control=ALL_NOTES_OFF, value=0))
        port.close()
    return played


def _fetch(notes: Iterator[Heard], into: queue.SimpleQueue[Any]) -> None:
    """Make the notes; what stops that is handed on too."""
    try:
        for heard in notes:
            into.put(heard)
    except SegueError as error:
        into.put(error)
    else:
        into.put(None)


def _send(port: Port, kind: str, heard: Heard, channels: dict[tuple[int, bool], int]) -> None:
    part = (heard.program, heard.is_drum)
    if part not in channels:
        channels[part] = _channel(part, channels)
        port.send(_message("program_change", channel=channels[part], program=heard.program))
    velocity = heard.velocity if kind == "note_on" else 0
    port.send(_message(kind, channel=channels[part], note=heard.pitch, velocity=velocity))


def _channel(part: tuple[int, bool], channels: dict[tuple[int, bool], int]) -> int:
    """Drums on the tenth channel, each program on one of its own while there are some."""
    if part[1]:
        return DRUM_CHANNEL
    free = [c for c in range(CHANNELS) if c != DRUM_CHANNEL and c not in channels.values()]
    return free[0] if free else 0


def _message(kind: str, **values: int) -> Any:
    return importlib.import_module("mido").Message(kind, **values)
