"""Filling music in for encodings without tracks in their rows: rolls, keyboards, NES voices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.bundles import Bundle
from segue.encodings.base import Encoding
from segue.encodings.nes_events import NesEvents
from segue.encodings.note_time import NoteTime
from segue.errors import SegueError
from segue.generation.engine import IntRows, State
from segue.generation.ground import opened
from segue.generation.guides import only_known
from segue.generation.locked_rows import LockedEvents, LockedFrames
from segue.generation.player import Player
from segue.generation.steering import with_room
from segue.generation.timing import in_time_of, paced, pitch_masks, steps_at
from segue.generation.wishes import Wishes
from segue.score import Score, Track, tidy
from segue.score.nes_voices import MAX_LEVEL, VOICES, parts

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Gap:
    """What is to be filled: ticks `span` of `music` in tracks `opened`; `kept` is locked.

    `opened` is empty where the new notes get tracks of their own.
    """

    music: Score
    kept: Score
    opened: tuple[int, ...]
    span: tuple[int, int]


def filled_frames(
    bundle: Bundle, gap: Gap, player: Player, seeds: list[int], wishes: Wishes, on_row: Any
) -> list[Score]:
    """Takes of a roll whose locked cells are given."""
    encoding = paced(bundle.encoding, bundle.index["header"])
    first, last = (steps_at(encoding, gap.music, tick) for tick in gap.span)
    encoded = encoding.encode(gap.kept)
    rows = encoding.adapt(encoded.rows).astype(np.int64)
    rows = np.pad(rows, ((0, max(last - len(rows), 0)), (0, 0)))
    locked = rows[first:last]
    guide = LockedFrames(
        encoding, len(seeds), rows[first - 1 : first] if first else rows[:1] * 0,
        locked=locked, position=first - 1, begin=first, end=last,
        only=only_known(encoding, bundle.index["used"], encoded.header),
        pitches=pitch_masks(wishes, encoding, gap.music, gap.span[0]),
    )  # fmt: skip
    state = _read(bundle, player, rows[:first], seeds[0])
    home, tracks = _home(bundle, gap)
    made = []
    for new in player.play(state, guide, seeds, on_row):
        fresh = np.zeros((last, rows.shape[1]), np.int64)
        fresh[first : first + len(new)] = np.where(locked[: len(new)] > 0, 0, new)
        played = encoding.decode(fresh.astype(np.uint16), encoded.header)
        notes = in_time_of(encoding, played, gap.music, 0).notes.copy()
        notes["track"] = home
        made.append(together(gap, notes, tracks, wishes))
    return made


def filled_events(
    bundle: Bundle, gap: Gap, player: Player, seeds: list[int], wishes: Wishes, on_row: Any
) -> list[Score]:
    """Takes of a stream of events into which the locked ones come when it is their time."""
    encoding = bundle.encoding
    encoded = encoding.encode(_as_voices(gap) if isinstance(encoding, NesEvents) else gap.kept)
    every = encoding.adapt(encoded.rows)
    rows = every[~encoding.ends(every)].astype(np.int64)
    at = encoding.positions(rows.astype(np.uint16))
    begin, end = (steps_at(encoding, gap.music, tick) for tick in gap.span)
    read = at < begin
    read[: len(encoding.opening())] = True
    # The rows of a piece come in order, so that what is read is its beginning.
    read[: int(np.flatnonzero(read).max(initial=-1)) + 1] = True
    locked = ~read & (at < end) & _sounds(encoding, rows)
    prompt = rows[read]
    guide = LockedEvents(
        encoding, len(seeds), prompt, locked=rows[locked], at=at[locked],
        voices=_open_voices(encoding, gap),
        position=int(at[read][-1]) if read.any() else -1, begin=begin, end=end,
        only=only_known(encoding, bundle.index["used"], encoded.header),
        pitches=pitch_masks(wishes, encoding, gap.music, gap.span[0]),
    )  # fmt: skip
    state = _read(bundle, player, prompt, seeds[0])
    kept: list[list[tuple[IntRows, bool]]] = [[] for _ in seeds]
    for count, (row, live) in enumerate(player.each(state, guide, seeds), start=1):
        for i in np.flatnonzero(live):
            kept[i].append((row[i], bool(guide.given[-1][i])))
        if on_row is not None:
            on_row(count)
    made = []
    for drawn in kept:
        new = _without_locked(encoding, drawn, rows.shape[1])
        whole = with_room(encoding, np.concatenate([prompt, new]))
        played = encoding.decode(whole.astype(np.uint16), encoded.header)
        made.append(_of_events(bundle, gap, encoding, played, wishes))
    return made


def _without_locked(encoding: Encoding, drawn: list[tuple[IntRows, bool]], columns: int) -> IntRows:
    """Rows without the locked ones; those that carry time, and loudness, say only that."""
    rows = []
    for row, given in drawn:
        if given and isinstance(encoding, NoteTime):
            rows.append(np.array([row[0], 0, row[2]]))
        elif not given or (encoding.name == "performance" and row[0] >= 256):
            rows.append(row)
    return np.array(rows, np.int64).reshape(-1, columns)


def _of_events(
    bundle: Bundle, gap: Gap, encoding: Encoding, played: Score, wishes: Wishes
) -> Score:
    """The take with the notes of `played` that begin in the gap."""
    timed = in_time_of(encoding, played, gap.music, 0)
    notes = timed.notes[(timed.notes["onset"] >= gap.span[0])].copy()
    if not isinstance(encoding, NesEvents):
        home, tracks = _home(bundle, gap)
        notes["track"] = home
        return together(gap, notes, tracks, wishes)
    tracks = list(gap.music.tracks)
    names = [track.name.strip().lower() for track in tracks]
    homes = []
    for voice in VOICES:
        if voice.track.name in names:
            homes.append(names.index(voice.track.name))
        else:
            homes.append(len(tracks))
            tracks.append(voice.track)
    open_voices = _open_voices(encoding, gap)
    notes = notes[np.isin(notes["track"], open_voices)]
    if int(gap.kept.notes["velocity"].max(initial=0)) > MAX_LEVEL:
        loud = np.minimum(notes["velocity"].astype(np.int64) * 127 // MAX_LEVEL, 127)
        notes["velocity"] = np.where(notes["track"] == 2, 80, loud)
    notes["track"] = np.array(homes)[notes["track"]]
    return together(gap, notes, tracks, wishes)


def _read(bundle: Bundle, player: Player, rows: IntRows, seed: int) -> State:
    """The state after what comes before the gap: of a gap at the start after an opening.

    A windowed model gets its window filled up from one too.
    """
    context = bundle.index.get("context") or 0
    if len(rows) <= max(context, len(bundle.encoding.opening())) and bundle.openings:
        needs = context > len(rows) or not len(bundle.encoding.opening())
        if needs and (context or not len(rows)):
            opening = bundle.openings[seed % len(bundle.openings)].astype(np.int64)
            rows = np.concatenate([opening, rows])
    return opened(bundle, player, rows[-context:] if context else rows)


def _sounds(encoding: Encoding, rows: IntRows) -> NDArray[np.bool_]:
    """Which rows say something beside how long to wait."""
    if isinstance(encoding, NoteTime):
        return np.ones(len(rows), bool)
    if isinstance(encoding, NesEvents):
        return np.array(["WT" not in encoding.names()[s] for s in rows[:, 0]], bool)
    shift = (rows[:, 0] >= 256) & (rows[:, 0] < 356)
    return np.asarray(~shift)


def _open_voices(encoding: Encoding, gap: Gap) -> tuple[int, ...]:
    """The NES voices that get new notes. SegueError for tracks that are none of them."""
    if not isinstance(encoding, NesEvents):
        return ()
    if not gap.opened:
        used = [len(part.notes) > 0 for part in parts(_as_voices(gap))]
        free = tuple(number for number, sounds in enumerate(used) if not sounds)
        if not free:
            raise SegueError(
                "the music already uses all four voices of the NES: give it fewer tracks."
            )
        return free
    if len(gap.opened) == len(gap.music.tracks):
        return tuple(range(len(VOICES)))
    own = [voice.track.name for voice in VOICES]
    names = [gap.music.tracks[t].name.strip().lower() for t in gap.opened]
    if any(name not in own for name in names):
        raise SegueError(
            f"tracks {', '.join(repr(n) for n in names)} came; this bundle fills the voices p1, "
            "p2, tr and no: name tracks so, or fill all of them."
        )
    return tuple(own.index(name) for name in names)


def _as_voices(gap: Gap) -> Score:
    """What is kept, for an NES to read.

    Of music to be accompanied each track becomes one voice, the lowest of three the triangle, so
    that the others stay free: arranged as a whole piece, a melody alone would be split in two.
    """
    kept = gap.kept
    sounding = np.unique(kept.notes["track"]).tolist()
    own = {voice.track.name for voice in VOICES}
    pitched = [t for t in sounding if not kept.tracks[t].is_drum]
    named = {kept.tracks[t].name.strip().lower() for t in sounding} <= own
    if gap.opened or named or not 1 <= len(pitched) <= 3:
        return kept
    height = {t: float(kept.track_notes(t)["pitch"].mean()) for t in pitched}
    from_above = sorted(pitched, key=lambda t: -height[t])
    tracks = [Track(f"({track.name})", track.program, track.is_drum) for track in kept.tracks]
    for voice, track in zip(VOICES, from_above, strict=False):
        tracks[track] = voice.track
    for track in set(sounding) - set(pitched):
        tracks[track] = VOICES[3].track
    return kept.with_(tracks=tuple(tracks))


def _home(bundle: Bundle, gap: Gap) -> tuple[int, list[Track]]:
    """The track that new notes go to, and all tracks. SegueError where only drums are open."""
    tracks = list(gap.music.tracks)
    if not gap.opened:
        _, program = bundle.index["header"].get("track", ("", 0))
        return len(tracks), [*tracks, Track("Accompaniment", int(program))]
    pitched = [t for t in gap.opened if not tracks[t].is_drum]
    if not pitched:
        raise SegueError(
            f"{bundle.name} plays no drums, and only drums are to be filled: choose other tracks."
        )
    sounding = np.unique(gap.music.notes["track"]).tolist()
    return next((t for t in pitched if t in sounding), pitched[0]), tracks


def together(gap: Gap, notes: NDArray[np.void], tracks: list[Track], wishes: Wishes) -> Score:
    """`kept`, untouched, and new notes that begin and end in the gap and hide no locked one."""
    begin, end = gap.span
    notes = notes[(notes["onset"] >= begin) & (notes["onset"] < end)].copy()
    notes["duration"] = np.minimum(notes["duration"], end - notes["onset"])
    fresh = tidy(Score(gap.music.ticks_per_beat, notes, tuple(tracks)))
    if wishes.pitched:
        fresh = fresh.with_(metres=gap.music.metres)
        fresh = wishes.moved(fresh, begin)
    free = clear_of(fresh.notes, gap.kept.notes)
    return gap.kept.with_(tracks=tuple(tracks), notes=np.concatenate([gap.kept.notes, free]))


def clear_of(new: NDArray[np.void], kept: NDArray[np.void]) -> NDArray[np.void]:
    """New notes without those that begin inside a kept one of their track and pitch, and cut where
    one begins inside of them."""
    free = new.copy()
    left = np.ones(len(new), bool)
    for i, note in enumerate(new):
        same = kept[(kept["track"] == note["track"]) & (kept["pitch"] == note["pitch"])]
        ends = same["onset"] + same["duration"]
        if ((same["onset"] <= note["onset"]) & (ends > note["onset"])).any():
            left[i] = False
            continue
        later = same["onset"][same["onset"] > note["onset"]]
        if len(later):
            free["duration"][i] = min(int(note["duration"]), int(later.min() - note["onset"]))
    return free[left]
