"""The ways to play a bundle: `generate` from nothing or an opening, `continue_` from a prompt."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from segue.bundles import Bundle
from segue.encodings.base import Encoding
from segue.errors import SegueError
from segue.generation.engine import IntRows, State, make_engine, read
from segue.generation.guides import Steps, only_known
from segue.generation.player import Player
from segue.generation.sampling import Sampling
from segue.generation.segment_engines import make_composer
from segue.generation.segments import last_window, lay
from segue.generation.take import Take, checks, make_receipt, signed
from segue.generation.timing import in_time_of, lasting, paced, pitch_masks, steps_at, ticks_at
from segue.generation.wishes import Wishes
from segue.score import Score, Track, join, slice_ticks, tidy

OnRow = Callable[[int], None]


def generate(
    bundle: Bundle,
    *,
    takes: int = 1,
    bars: float = 16,
    seed: int = 0,
    sampling: Sampling | None = None,
    engine: str = "auto",
    wishes: Wishes | None = None,
    on_row: OnRow | None = None,
) -> list[Take]:
    """New music of `bars` bars; take i is drawn from seed + i and does not depend on the others.

    Tempo, metre and instruments are those that most of the training pieces share. A recipe that
    starts from an opening reads a random window of its training music first, which is not part
    of the take.
    """
    seeds = [seed + i for i in range(takes)]
    wishes = wishes or Wishes()
    if bundle.plays == "segments":
        header = wishes.header(bundle.index["header"])
        return _generate_segments(bundle, header, seeds, bars, sampling, engine, wishes, on_row)
    begun = begin(bundle, seeds, bars, sampling, engine, wishes)
    player = begun.player
    settings = {"way": "generate", "bars": bars, **player.sampling.settings()}
    made = []
    played = player.play(begun.state, begun.guide, seeds, on_row)
    for rows, own in zip(played, seeds, strict=True):
        score = begun.score(rows)
        end_ticks = begun.end_ticks
        made.append(_new(bundle, score, end_ticks, player.engine.name, own, settings, wishes))
    return made


@dataclass(frozen=True)
class Begun:
    """Takes from nothing about to be played: the state after what they start from, and a guide.

    `first` holds the rows that open the piece, which are part of it; none where the takes start
    from an opening of training music.
    """

    player: Player
    state: State
    guide: Steps
    encoding: Encoding
    header: dict[str, Any]
    first: IntRows
    end_ticks: int

    def score(self, rows: IntRows) -> Score:
        """The music of a take's rows."""
        whole = np.concatenate([self.first, rows])
        return self.encoding.decode(whole.astype(np.uint16), self.header)


def begin(
    bundle: Bundle,
    seeds: Sequence[int],
    bars: float,
    sampling: Sampling | None,
    engine: str,
    wishes: Wishes,
) -> Begun:
    """Read what takes of a bundle that plays rows start from, one for each seed."""
    header = wishes.header(bundle.index["header"])
    encoding = paced(bundle.encoding, header)
    player = make_player(bundle, engine, sampling)
    opened = bundle.recipe.generate.start == "opening"
    if opened:
        draws = [np.random.default_rng((s, 1)).integers(len(bundle.openings)) for s in seeds]
        prompts = [bundle.openings[i].astype(np.int64) for i in draws]
        state = _read_each(player, prompts)
        last = prompts[0][-1:]
    else:
        last = encoding.opening().astype(np.int64)
        if not len(last):
            raise SegueError(
                f"{bundle.name} cannot start from nothing: its encoding {encoding.name} has no "
                "opening symbol; give it a prompt with `segue continue`."
            )
        state = player.read(last)
    empty = encoding.decode(np.zeros((0, len(bundle.sizes)), np.uint16), header)
    end_ticks = int(empty.metre_map.ticks(bars))
    guide = Steps(
        encoding,
        len(seeds),
        last,
        position=-1 if opened else 0,
        end=steps_at(encoding, empty, end_ticks),
        only=only_known(encoding, bundle.index["used"], header),
        pitches=pitch_masks(wishes, encoding, empty, 0),
    )
    first = last[:0] if opened else last
    return Begun(player, state, guide, encoding, header, first, end_ticks)


def _generate_segments(
    bundle: Bundle,
    header: dict[str, Any],
    seeds: Sequence[int],
    bars: float,
    sampling: Sampling | None,
    engine: str,
    wishes: Wishes,
    on_row: OnRow | None,
) -> list[Take]:
    encoding, composer = bundle.encoding, make_composer(bundle, engine)
    how = sampling or own_sampling(bundle)
    columns = len(bundle.sizes)
    empty = encoding.decode(np.zeros((0, columns), np.uint16), header)
    end_ticks = int(empty.metre_map.ticks(bars))
    header = lasting(header, end_ticks)
    rows = steps_at(encoding, empty, end_ticks) if encoding.timed else 1
    laid = lay(
        composer,
        seeds,
        -(-rows // composer.facts["window"]),
        columns,
        heat=how.temperature,
        walk=bundle.recipe.generate.walk,
        on_row=on_row,
    )
    settings = {"way": "generate", "bars": bars, "temperature": how.temperature}
    return [
        _new(
            bundle,
            encoding.decode(r.astype(np.uint16), header),
            end_ticks,
            composer.name,
            s,
            settings,
            wishes,
        )
        for r, s in zip(laid, seeds, strict=True)
    ]


def _new(
    bundle: Bundle,
    score: Score,
    end_ticks: int,
    engine: str,
    seed: int,
    settings: dict[str, Any],
    wishes: Wishes,
) -> Take:
    """A take that begins from nothing."""
    score, proof = wishes.fitted(tidy(slice_ticks(score, 0, end_ticks)))
    receipt = make_receipt(bundle, engine, seed, {**settings, **wishes.settings()})
    receipt["checks"] = {**checks(score), **proof}
    return Take(signed(score, receipt), receipt)


def continue_(
    bundle: Bundle,
    prompt: Score,
    *,
    takes: int = 1,
    bars: float = 8,
    seed: int = 0,
    sampling: Sampling | None = None,
    engine: str = "auto",
    wishes: Wishes | None = None,
    on_row: OnRow | None = None,
) -> list[Take]:
    """The prompt, note for note, and `bars` bars that go on from where its last note ends.

    Tempo and metre stay those in force at the end of the prompt. Take i is drawn from seed + i.
    Raises SegueError for a prompt without notes, or with none that the encoding can hold.
    """
    if not len(prompt):
        raise SegueError("the prompt has no notes: give a piece, or use `segue generate`.")
    encoding = bundle.encoding
    if bundle.plays == "rows":
        encoding = paced(encoding, bundle.index["header"])
    seeds = [seed + i for i in range(takes)]
    rows, header = _prompt_rows(bundle, encoding, prompt)
    begin = prompt.end_ticks
    end = int(prompt.metre_map.ticks(float(prompt.metre_map.bars(begin)) + bars))
    timed = encoding.timed
    if bundle.plays == "segments":
        return _continue_segments(
            bundle, prompt, rows, seeds, bars, sampling, engine, wishes or Wishes(), on_row
        )
    wishes = wishes or Wishes()
    player = make_player(bundle, engine, sampling)
    position = int(encoding.positions(rows.astype(np.uint16))[-1]) if timed else -1
    guide = Steps(
        encoding,
        takes,
        rows,
        position=position,
        begin=steps_at(encoding, prompt, begin) if timed else 0,
        end=steps_at(encoding, prompt, end if timed else end - begin),
        only=only_known(encoding, bundle.index["used"], header),
        pitches=pitch_masks(wishes, encoding, prompt, begin),
    )
    state = player.read(_with_history(bundle, rows, seed))
    settings = {"way": "continue", "bars": bars, **player.sampling.settings()}
    settings |= _facts_of(prompt)
    made = []
    for new, own in zip(player.play(state, guide, seeds, on_row), seeds, strict=True):
        # Decoded after the rows that open a piece, the new part counts its time from step 0.
        whole = np.concatenate([encoding.opening().astype(np.int64), new])
        tail = encoding.decode(whole.astype(np.uint16), header)
        at = ticks_at(encoding, prompt, position) if timed else begin
        made.append(
            _longer(
                bundle,
                prompt,
                in_time_of(encoding, tail, prompt, at),
                end,
                player.engine.name,
                own,
                settings,
                wishes,
            )
        )
    return made


def _continue_segments(
    bundle: Bundle,
    prompt: Score,
    rows: IntRows,
    seeds: Sequence[int],
    bars: float,
    sampling: Sampling | None,
    engine: str,
    wishes: Wishes,
    on_row: OnRow | None,
) -> list[Take]:
    encoding, composer = bundle.encoding, make_composer(bundle, engine)
    facts, walk = composer.facts, bundle.recipe.generate.walk
    if not encoding.timed or not (facts["looks_back"] or (facts["encodes"] and walk)):
        raise SegueError(
            f"{bundle.name} makes music whole, and none that goes on from other music: use "
            "`segue generate`, or continue with a bundle of another family."
        )
    how = sampling or own_sampling(bundle)
    begin = prompt.end_ticks
    end = int(prompt.metre_map.ticks(float(prompt.metre_map.bars(begin)) + bars))
    first, last = steps_at(encoding, prompt, begin), steps_at(encoding, prompt, end)
    # The prompt's rows up to the step where its last note ends, and no further.
    rows = np.pad(rows[:first], ((0, max(first - len(rows), 0)), (0, 0)))
    laid = lay(
        composer,
        seeds,
        -(-(last - first) // facts["window"]),
        rows.shape[1],
        heat=how.temperature,
        walk=walk,
        before=last_window(rows, facts["window"]),
        on_row=on_row,
    )
    settings = {"way": "continue", "bars": bars, "temperature": how.temperature}
    settings |= _facts_of(prompt)
    at = ticks_at(encoding, prompt, first)
    made = []
    for new, own in zip(laid, seeds, strict=True):
        tail = encoding.decode(new.astype(np.uint16), bundle.index["header"])
        tail = in_time_of(encoding, tail, prompt, at)
        made.append(_longer(bundle, prompt, tail, end, composer.name, own, settings, wishes))
    return made


def _facts_of(prompt: Score) -> dict[str, Any]:
    """What the receipt says of a prompt: enough to take it out of the take again."""
    return {
        "prompt": prompt.content_hash(),
        "prompt_end": int(prompt.end_ticks),
        "prompt_tracks": len(prompt.tracks),
    }


def _longer(
    bundle: Bundle,
    prompt: Score,
    tail: Score,
    end: int,
    engine: str,
    seed: int,
    settings: dict[str, Any],
    wishes: Wishes,
) -> Take:
    """A take that goes on from the end of `prompt` with the notes of `tail` before tick `end`."""
    begin = prompt.end_ticks
    score, proof = wishes.fitted(_carried_on(prompt, tail, begin, end), begin)
    receipt = make_receipt(bundle, engine, seed, {**settings, **wishes.settings()})
    receipt["checks"] = {**checks(score, begin), **proof}
    return Take(signed(score, receipt), receipt, begin)


def own_sampling(bundle: Bundle) -> Sampling:
    """How the bundle's recipe samples unless told otherwise."""
    own = bundle.recipe.generate
    return Sampling(
        own.temperature,
        own.top_k,
        own.top_p,
        own.min_p,
        own.typical,
        tuple(own.heats.items()),
        own.loop_beats,
    )


def make_player(bundle: Bundle, engine: str, sampling: Sampling | None) -> Player:
    """What plays a bundle row by row, sampled as asked or as its recipe says."""
    return Player(make_engine(bundle, engine), sampling or own_sampling(bundle), bundle.encoding)


def _read_each(player: Player, prompts: list[IntRows]) -> State:
    """One state that holds a take for each prompt; they are read side by side."""
    shortest = min(len(p) for p in prompts)
    return read(player.engine, np.stack([p[len(p) - shortest :] for p in prompts]))


def _prompt_rows(
    bundle: Bundle, encoding: Encoding, prompt: Score
) -> tuple[IntRows, dict[str, Any]]:
    """The prompt's rows without those that close a piece, and its header."""
    encoded = encoding.encode(prompt)
    rows = encoding.adapt(encoded.rows)
    rows = rows[~encoding.ends(rows)]
    if not len(rows):
        raise SegueError(
            f"the encoding {encoding.name} can hold nothing of the prompt "
            f"(it loses: {'; '.join(encoding.loses)}): give another prompt."
        )
    return rows.astype(np.int64), encoded.header


def _with_history(bundle: Bundle, rows: IntRows, seed: int) -> IntRows:
    """The rows a model reads: a windowed one gets its window filled from a training opening."""
    context = bundle.index.get("context")
    if context is None:
        return rows
    if len(rows) < context:
        opening = bundle.openings[seed % len(bundle.openings)].astype(np.int64)
        rows = np.concatenate([opening, rows])
    return rows[-context:]


def _carried_on(prompt: Score, tail: Score, begin: int, end: int) -> Score:
    """The prompt untouched, and the new notes that lie in [begin, end), cut at the end."""
    notes = tail.notes[(tail.notes["onset"] >= begin) & (tail.notes["onset"] < end)].copy()
    notes["duration"] = np.minimum(notes["duration"], end - notes["onset"])
    tracks = list(prompt.tracks)
    homes = _homes(prompt, tail.tracks, tracks)
    if len(notes):
        notes["track"] = np.array(homes)[notes["track"]]
    return join(prompt, tidy(Score(prompt.ticks_per_beat, notes, tuple(tracks))), 0)


def _homes(prompt: Score, wanted: Sequence[Track], tracks: list[Track]) -> list[int]:
    """For each new track the track of the prompt it goes on in; others are added to `tracks`.

    A track is known by its name, program and drum flag, or else by the last two (an encoding may
    not keep names); where several are alike, they go in their order.
    """
    sounding = {int(t) for t in np.unique(prompt.notes["track"])}
    free = [i for i in range(len(tracks)) if i in sounding]
    homes = []
    for track in wanted:
        alike = [i for i in free if tracks[i] == track] or [
            i for i in free if replace(tracks[i], name="") == replace(track, name="")
        ]
        if alike:
            free.remove(alike[0])
            homes.append(alike[0])
        else:
            homes.append(len(tracks))
            tracks.append(track)
    return homes
