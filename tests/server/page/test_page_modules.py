"""The page's own modules, held against what the package does in Python."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from studio_page import Studio

from segue import formats
from segue.score import CONTROL, KEY, METRE, NOTE, TEMPO, Score, Track, events
from segue.server.wire import Music, of_score


@pytest.fixture
def piece() -> Score:
    """Two tempi, two metres, drums, a pedal and a chord."""
    notes = [
        (0, 480, 0, 60, 80),
        (0, 960, 0, 64, 90),
        (1920, 240, 1, 36, 100),
        (3360, 480, 0, 67, 1),
    ]
    return Score(
        480,
        events(NOTE, notes),
        (Track("Clavicémbalo", 6), Track("Drums", 0, True)),
        controls=events(CONTROL, [(0, 0, 64, 127), (480, 0, 64, 0)]),
        tempi=events(TEMPO, [(0, 500_000), (1920, 600_000)]),
        metres=events(METRE, [(0, 4, 4), (1920, 3, 4)]),
        keys=events(KEY, [(0, -1, True)]),
    )  # fmt: skip


def _call(studio: Studio, module: str, name: str, *arguments: Any) -> Any:
    return studio.page.evaluate(
        """async ([module, name, given]) => {
            const found = (await import(`/js/${module}`))[name](...given);
            return found instanceof Uint8Array ? [...found] : found;
        }""",
        [module, name, list(arguments)],
    )


def test_midi_is_written_as_the_package_reads_it(
    studio: Studio, piece: Score, tmp_path: Path
) -> None:
    written = tmp_path / "page.mid"
    written.write_bytes(bytes(_call(studio, "midi-write.js", "midiBytes", of_score(piece), "A")))
    assert of_score(formats.read(written)) == of_score(piece)


def test_the_page_tells_time_as_a_score_does(studio: Studio, piece: Score) -> None:
    ticks = [0, 100, 1920, 2000, 3360, 5000]
    seconds, bars, back = studio.page.evaluate(
        """async ([music, ticks]) => {
            const time = (await import('/js/time.js')).timeOf(music);
            return [ticks.map(time.seconds), ticks.map(time.bar),
                    ticks.map((tick) => time.ticks(time.seconds(tick)))];
        }""",
        [of_score(piece), ticks],
    )
    assert np.allclose(seconds, piece.tempo_map.seconds(np.array(ticks)))
    assert np.allclose(bars, piece.metre_map.bars(np.array(ticks)))
    assert np.allclose(back, ticks)


def test_what_the_page_sends_is_what_came(studio: Studio, piece: Score) -> None:
    wire = of_score(piece)
    sent = studio.page.evaluate(
        """async (wire) => {
            const { fromWire, toWire } = await import('/js/music.js');
            return toWire(fromWire(wire, () => ({ fresh: true, locked: true })));
        }""",
        wire,
    )
    assert of_score(Music.model_validate(sent).score()) == wire


def test_locked_notes_come_back_into_a_take(studio: Studio) -> None:
    music = {"ticks_per_quarter": 480, "tempi": [], "metres": [], "keys": [], "controllers": [],
             "tracks": [{"name": "A", "program": 0, "drums": False}]}  # fmt: skip

    def note(onset: int, pitch: int, **marks: bool) -> dict[str, Any]:
        return {
            "track": 0,
            "onset": onset,
            "duration": 480,
            "pitch": pitch,
            "velocity": 80,
            **marks,
        }

    piece = {**music, "notes": [note(0, 60) | {"id": 1}, note(480, 62, locked=True) | {"id": 2}]}
    # The take has the first note, and at the place of the locked one the same pitch and another.
    take = {**music, "notes": [note(0, 60), note(600, 62), note(480, 65)]}
    found = _call(studio, "music.js", "joined", piece, take)["notes"]
    told = [(n["onset"], n["pitch"], n.get("fresh", False), n.get("locked", False)) for n in found]
    assert told == [(0, 60, False, False), (480, 62, False, True), (480, 65, True, False)]


def test_events_are_read_however_they_are_cut(studio: Studio) -> None:
    text = ': hello\n\nid: 1\nevent: note\ndata: {"a":\ndata: 1}\n\n'
    text += "id: 2\r\nevent: done\r\ndata: {}\r\n\r\n"
    found = studio.page.evaluate(
        """async (text) => {
            const { events } = await import('/js/sse.js');
            const bytes = new TextEncoder().encode(text);
            const body = new ReadableStream({ start(control) {
                for (const byte of bytes) control.enqueue(new Uint8Array([byte]));
                control.close();
            } });
            const found = [];
            for await (const event of events(body)) found.push([event.id, event.name, event.data]);
            return found;
        }""",
        text,
    )
    assert found == [["1", "note", {"a": 1}], ["2", "done", {}]]


def test_undo_and_redo_end_where_they_began(studio: Studio) -> None:
    told = studio.page.evaluate(
        """async () => {
            const { makeStore } = await import('/js/store.js');
            const store = makeStore({ music: 0, takes: 0, provenance: 0, title: '', steps: 0 });
            store.change('a', { music: 1 });
            store.change('drag', { music: 2 });
            store.change('drag', { music: 3 }, { joined: true });
            const labels = [store.undo(), store.get().music, store.undo(), store.get().music];
            store.redo(); store.redo();
            store.undo();
            store.change('b', { music: 9 });
            return [labels, store.get().music, store.redo()];
        }"""
    )
    assert told == [["drag", 1, "a", 0], 9, None]


def test_notes_are_named_as_their_key_spells_them(studio: Studio) -> None:
    told = studio.page.evaluate(
        """async () => {
            const { pitchName } = await import('/js/music.js');
            const keys = ['F# minor', 'C major', 'Db major', 'G minor', ''];
            return keys.map((key) => [56, 61, 70].map((pitch) => pitchName(pitch, key)).join(' '));
        }"""
    )
    assert told == [
        "G♯3 C♯4 A♯4", "A♭3 C♯4 B♭4", "A♭3 D♭4 B♭4", "A♭3 D♭4 B♭4", "A♭3 C♯4 B♭4",
    ]  # fmt: skip


def test_places_within_a_beat_are_told(studio: Studio, piece: Score) -> None:
    told = studio.page.evaluate(
        """async (music) => {
            const time = (await import('/js/time.js')).timeOf(music);
            return [0, 120, 240, 320, 700, 1921, 3360].map((tick) => time.place(tick, true));
        }""",
        of_score(piece),
    )
    assert told == ["1.1", "1.1¼", "1.1½", "1.1⅔", "1.2+", "2.1", "3.1"]


def test_tracks_without_a_name_are_called_by_what_plays_them(studio: Studio) -> None:
    told = studio.page.evaluate(
        """async () => {
            const { trackName } = await import('/js/music.js');
            const tracks = [{ name: 'Alto', program: 0 }, { name: '', program: 33 },
                            { name: '', program: 0, drums: true }];
            return tracks.map(trackName);
        }"""
    )
    assert told == ["Alto", "2 Bass", "3 Drums"]
