"""The ways to play round music that is there: `infill` some bars or tracks, `accompany` it all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from segue.bundles import Bundle
from segue.encodings.compound import Compound
from segue.errors import SegueError
from segue.generation.fill_rows import Gap, filled_events, filled_frames, together
from segue.generation.foresight import known
from segue.generation.given import TRACK
from segue.generation.ground import opened
from segue.generation.guides import only_known, without
from segue.generation.locked import Locked
from segue.generation.player import Player
from segue.generation.players import make_player
from segue.generation.said import refuse_unsaid, said
from segue.generation.sampling import Sampling
from segue.generation.take import Take, checks, make_receipt, signed
from segue.generation.timing import in_time_of, pitch_masks, steps_at
from segue.generation.ways import OnRow
from segue.generation.wishes import Wishes
from segue.score import Score, Track


def infill(
    bundle: Bundle,
    music: Score,
    *,
    first_bar: float,
    last_bar: float,
    tracks: Sequence[int] = (),
    takes: int = 1,
    seed: int = 0,
    sampling: Sampling | None = None,
    engine: str = "auto",
    wishes: Wishes | None = None,
    on_row: OnRow | None = None,
) -> list[Take]:
    """The music with new notes from `first_bar` up to `last_bar` (0 is the first) in `tracks`.

    All other notes stay as they are, note for note. Without `tracks` all tracks are filled. Of
    encodings that keep no tracks apart all new notes go to the first of them. Take i is drawn from
    seed + i. Raises SegueError for bars or tracks that are not there, or a bundle whose encoding
    cannot be played round what is there.
    """
    _check(bundle, "infill")
    bars = float(music.metre_map.bars(music.end_ticks))
    if not 0 <= first_bar < last_bar or first_bar >= bars:
        raise SegueError(
            f"bars {first_bar:g} to {last_bar:g} came; the music has {bars:.3g} bars, counted "
            "from 0: choose a first bar among them and a later last one."
        )
    for track in tracks:
        if not 0 <= track < len(music.tracks):
            raise SegueError(f"track {track} came; there are 0 to {len(music.tracks) - 1}.")
    begin, end = (int(music.metre_map.ticks(bar)) for bar in (first_bar, last_bar))
    opened = list(tracks) or list(range(len(music.tracks)))
    inside = np.isin(music.notes["track"], opened)
    inside &= (music.notes["onset"] >= begin) & (music.notes["onset"] < end)
    # Notes that would sound on into what is filled stay; only those that start there are replaced.
    kept = music.with_(notes=music.notes[~inside])
    told = {"way": "infill", "bars": [first_bar, last_bar], "tracks": list(tracks)}
    encoding = bundle.encoding
    if not isinstance(encoding, Compound):
        gap = Gap(music, kept, tuple(opened), (begin, end))
        return _fill_rows(
            bundle, gap, told,
            takes=takes, seed=seed, sampling=sampling, engine=engine, wishes=wishes, on_row=on_row,
        )  # fmt: skip
    slot_of, _ = encoding.slots.of(music)
    slots = [int(s) for s in slot_of[opened] if s >= 0]
    return _fill(
        bundle, encoding, music, kept, slots, (begin, end), told,
        takes=takes, seed=seed, sampling=sampling, engine=engine, wishes=wishes, on_row=on_row,
    )  # fmt: skip


def accompany(
    bundle: Bundle,
    music: Score,
    *,
    takes: int = 1,
    seed: int = 0,
    sampling: Sampling | None = None,
    engine: str = "auto",
    wishes: Wishes | None = None,
    on_row: OnRow | None = None,
) -> list[Take]:
    """The music, note for note, and new parts beside it from its beginning to its end.

    The new parts are those of the bundle's training music that `music` has not: its first tracks
    count as the first parts; of encodings that keep no tracks apart one new track. Raises
    SegueError where none is left, or as `infill`.
    """
    _check(bundle, "accompany")
    encoding = bundle.encoding
    end = int(music.metre_map.ticks(np.ceil(music.metre_map.bars(music.end_ticks) - 1e-6)))
    if not isinstance(encoding, Compound):
        gap = Gap(music, music, (), (0, end))
        return _fill_rows(
            bundle, gap, {"way": "accompany"},
            takes=takes, seed=seed, sampling=sampling, engine=engine, wishes=wishes, on_row=on_row,
        )  # fmt: skip
    _, mine = encoding.slots.of(music)
    parts = {int(t[0]): t for t in bundle.index["header"].get("tracks", [])}
    free = [slot for slot in parts if slot not in mine]
    if not free:
        raise SegueError(
            f"the music has {len(mine)} parts and {bundle.name} plays {len(parts)}: "
            "there is none to add. Give it a file with fewer tracks, or fill one of them anew with "
            "infill and its number (--tracks 2)."
        )
    return _fill(
        bundle, encoding, music, music, free, (0, end), {"way": "accompany"},
        takes=takes, seed=seed, sampling=sampling, engine=engine, wishes=wishes, on_row=on_row,
    )  # fmt: skip


_FILLERS = {
    "piano_roll": filled_frames,
    "velocity_image": filled_frames,
    "performance": filled_events,
    "note_time": filled_events,
    "nes_events": filled_events,
}
"""What fills by encoding, beside `compound`."""


def _check(bundle: Bundle, way: str) -> None:
    """SegueError for a bundle that cannot play round what is there."""
    if bundle.plays == "segments":
        raise SegueError(
            f"{bundle.name} makes whole segments at once, which leaves nothing locked: {way} with "
            "a bundle that plays row by row."
        )
    if bundle.encoding.name not in ("compound", *_FILLERS):
        raise SegueError(
            f"{bundle.name} plays the encoding {bundle.encoding.name}, a line of symbols that "
            f"nothing can stand beside: {way} with a bundle of compound, "
            f"{', '.join(_FILLERS)}."
        )


def _fill_rows(
    bundle: Bundle,
    gap: Gap,
    settings: dict[str, Any],
    *,
    takes: int,
    seed: int,
    sampling: Sampling | None,
    engine: str,
    wishes: Wishes | None,
    on_row: OnRow | None,
) -> list[Take]:
    """Takes of encodings whose rows name no track."""
    wishes = wishes or Wishes()
    player = make_player(bundle, engine, sampling)
    seeds = [seed + i for i in range(takes)]
    filler = _FILLERS[bundle.encoding.name]
    made = []
    for score, own in zip(filler(bundle, gap, player, seeds, wishes, on_row), seeds, strict=True):
        made.append(_take(bundle, gap, score, player, own, settings, wishes))
    return made


def _take(
    bundle: Bundle,
    gap: Gap,
    score: Score,
    player: Player,
    seed: int,
    settings: dict[str, Any],
    wishes: Wishes,
) -> Take:
    """A filled gap with its receipt."""
    told = {**settings, "prompt": gap.music.content_hash()}
    told |= {**player.sampling.settings(), **wishes.settings()}
    receipt = make_receipt(bundle, player.engine.name, seed, told)
    receipt["checks"] = {**checks(score, gap.span[0]), **_proof(score, gap, wishes)}
    return Take(signed(score, receipt), receipt, locked=gap.kept)


def _fill(
    bundle: Bundle,
    encoding: Compound,
    music: Score,
    kept: Score,
    slots: list[int],
    span: tuple[int, int],
    settings: dict[str, Any],
    *,
    takes: int,
    seed: int,
    sampling: Sampling | None,
    engine: str,
    wishes: Wishes | None,
    on_row: OnRow | None,
) -> list[Take]:
    wishes = wishes or Wishes()
    player = make_player(bundle, engine, sampling)
    rows, header = _rows(encoding, music, kept)
    header = {**header, "tracks": _all_tracks(header["tracks"], bundle.index["header"], slots)}
    refuse_unsaid(bundle, wishes)
    begin, end = (steps_at(encoding, music, tick) for tick in span)
    about = encoding.portrait_of(music) | said(wishes)
    if settings["way"] == "accompany" and wishes.density is None:
        about.pop("density", None)  # of the one part that is there, which says little of all
    told = known(encoding, rows, music, (begin, end), about)
    seeds = [seed + i for i in range(takes)]
    gap = Gap(music, kept, (), span)
    only = only_known(encoding, bundle.index["used"], header)
    guide = Locked(
        encoding, takes, told.prompt,
        locked=told.given, at=told.at,
        open_slots=np.isin(np.arange(encoding.layout.sizes[TRACK]), slots),
        position=told.position, begin=begin, end=end,
        # Tempo and pedal stay those of the music.
        only=without(encoding, only, "tempo", "pedal"),
        pitches=pitch_masks(wishes, encoding, music, span[0]),
    )  # fmt: skip
    prompt = told.prompt
    state = opened(bundle, player, prompt)
    made = []
    for new, own in zip(player.play(state, guide, seeds, on_row), seeds, strict=True):
        whole = np.concatenate([prompt, new]).astype(np.uint16)
        played = encoding.decode(whole, header)
        played = in_time_of(encoding, played, music, 0)
        score = _with_new(gap, played, slots, header, wishes)
        made.append(_take(bundle, gap, score, player, own, settings, wishes))
    return made


_FIRST_STEP = 3


def _proof(score: Score, gap: Gap, wishes: Wishes) -> dict[str, Any]:
    """How much is new and was kept, and whether what is new keeps to what was asked."""
    there = {note.tobytes() for note in gap.kept.notes}
    fresh = np.array([note.tobytes() not in there for note in score.notes], bool)
    new = score.with_(notes=score.notes[fresh])
    return {
        "kept_notes": len(gap.kept.notes),
        "new_notes": len(new),
        "new_pitches": len(np.unique(new.notes["pitch"])),
        **wishes.proof(new, gap.span[0]),
    }


def _rows(encoding: Compound, music: Score, kept: Score) -> tuple[Any, dict[str, Any]]:
    """The rows of what is kept, in the slots that the whole music has."""
    slot_of, tracks = encoding.slots.of(music)
    slot_of_kept, _ = encoding.slots.of(kept)
    encoded = encoding.encode(kept)
    rows = encoded.rows[~encoding.ends(encoded.rows)].astype(np.int64)
    moved = np.arange(encoding.layout.sizes[TRACK])
    both = (slot_of >= 0) & (slot_of_kept >= 0)
    moved[slot_of_kept[both]] = slot_of[both]
    event = rows[:, 0] >= _FIRST_STEP
    rows[event, TRACK] = moved[rows[event, TRACK]]
    header = encoding.encode(music).header
    header["tracks"] = [[s, t.name, t.program, t.is_drum] for s, t in sorted(tracks.items())]
    return rows, header


def _all_tracks(
    own: Sequence[Any], trained: dict[str, Any], slots: Sequence[int]
) -> list[list[Any]]:
    """The music's tracks, and for open slots without one that of the training music."""
    mine = {int(t[0]): list(t) for t in own}
    theirs = {int(t[0]): list(t) for t in trained.get("tracks", [])}
    return [mine.get(s) or theirs[s] for s in sorted({*mine, *(set(slots) & set(theirs))})]


def _with_new(
    gap: Gap, played: Score, slots: Sequence[int], header: dict[str, Any], wishes: Wishes
) -> Score:
    """What is kept, untouched, and the notes of `played` that start in the gap in open slots."""
    names = [int(t[0]) for t in header["tracks"]]
    notes = played.notes
    slot = np.array(names)[notes["track"]] if len(notes) else np.zeros(0, np.int64)
    new = np.isin(slot, list(slots))
    notes, slot = notes[new].copy(), slot[new]
    tracks = list(gap.music.tracks)
    home = _home_of(gap.music, header, tracks)
    notes["track"] = [home[int(s)] for s in slot]
    return together(gap, notes, tracks, wishes)


def _home_of(music: Score, header: dict[str, Any], tracks: list[Track]) -> dict[int, int]:
    """The track of each slot; slots that the music has no track for are added to `tracks`."""
    home: dict[int, int] = {}
    taken: set[int] = set()
    for slot, name, program, drum in header["tracks"]:
        same = [
            i for i, t in enumerate(music.tracks)
            if i not in taken and (t.name, t.program, t.is_drum) == (name, program, drum)
        ]  # fmt: skip
        home[int(slot)] = same[0] if same else len(tracks)
        taken.add(home[int(slot)])
        if not same:
            tracks.append(Track(str(name), int(program), bool(drum)))
    return home
