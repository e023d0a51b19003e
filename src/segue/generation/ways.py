"""The ways to play a bundle: `generate` from nothing or an opening, `continue_` from a prompt."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.bundles import Bundle
from segue.encodings.base import Encoding
from segue.errors import SegueError
from segue.generation.carrying import carries_time, facts_of, longer, prompt_rows, released
from segue.generation.engine import IntRows, State
from segue.generation.ground import ground_of, opened
from segue.generation.guides import Steps, only_known, without
from segue.generation.lengths import Length
from segue.generation.player import Player
from segue.generation.players import (
    make_player,
    own_sampling,
    read_each,
    refuse_start,
    starts_from_opening,
)
from segue.generation.said import (
    given_of,
    opening_of,
    refuse_unsaid,
    steady,
    with_said,
)
from segue.generation.sampling import Sampling
from segue.generation.segment_ways import continue_segments, generate_segments
from segue.generation.steering import steered, steering, until_kept, with_room
from segue.generation.take import Take, checks, make_receipt, signed
from segue.generation.timing import in_time_of, paced, steps_at, ticks_at
from segue.generation.wishes import Wishes
from segue.score import Score, slice_ticks, tidy

Floats = NDArray[np.float32]
OnRow = Callable[[int], None]


def generate(
    bundle: Bundle,
    *,
    takes: int = 1,
    bars: float = 16,
    seconds: float | None = None,
    seed: int = 0,
    sampling: Sampling | None = None,
    engine: str = "auto",
    wishes: Wishes | None = None,
    start: str | None = None,
    latent: Floats | None = None,
    on_row: OnRow | None = None,
) -> list[Take]:
    """New music of `bars` bars; take i is drawn from seed + i and does not depend on the others.

    `seconds` is its length in place of bars: the last notes then last to the very end. Tempo,
    metre and instruments are those that most of the training pieces share. A take starts from
    "nothing", or from an "opening": it reads a random window of training music first, which is
    not part of the take. Without `start` it is as the recipe says. `latent`, shape (segments, Z),
    are numbers that the first segments are made from, of bundles that make music from a latent.
    Where the likeliest symbols (temperature 0) hold no note at all, as a net that has
    hardly learned may only ever wait, the take is drawn at temperature 1: its receipt says 1.
    Raises SegueError for a length, a start or a latent that the bundle cannot have.
    """
    length = Length(bars, seconds)
    seeds = [seed + i for i in range(takes)]
    wishes = steady(bundle, wishes or Wishes(), length)
    if bundle.plays == "segments":
        refuse_start(bundle, start)
        return generate_segments(
            bundle, seeds, length, sampling, engine, wishes, latent=latent, on_row=on_row
        )
    if latent is not None:
        raise SegueError(
            f"{bundle.name} makes music row by row, from no latent: leave the latent out, or use "
            "a bundle of a latent recipe, such as velocity-vae."
        )

    def make(own: Sequence[int], drawn: Sequence[int]) -> list[Take]:
        begun = begin(bundle, own, length, sampling, engine, wishes, start)
        player = begun.player
        settings = {"way": "generate", **length.settings(), **player.sampling.settings()}
        if start is not None:
            settings["start"] = start
        made = []
        played = player.play(begun.state, begun.guide, drawn, on_row)
        for i, (rows, one) in enumerate(zip(played, own, strict=True)):
            told = {**settings, **wishes.settings()}
            receipt = make_receipt(bundle, player.engine.name, one, told)
            score, found = begun.finished(rows, wishes, i)
            receipt["checks"] = {**checks(score), **length.proof(score, 0), **found}
            made.append(Take(signed(score, receipt), receipt))
        return made

    made = until_kept(bundle, seeds, wishes, make)
    how = sampling or own_sampling(bundle)
    if how.temperature:
        return made
    drawn = replace(how, temperature=1.0)
    same: dict[str, Any] = {
        "bars": bars, "seconds": seconds, "sampling": drawn, "engine": engine, "wishes": wishes,
        "start": start,
    }  # fmt: skip
    return [
        take if len(take.score) else generate(bundle, seed=own, **same)[0]
        for take, own in zip(made, seeds, strict=True)
    ]


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
    length: Length
    end_ticks: int
    wishes: Wishes

    def score(self, rows: IntRows) -> Score:
        """The music of a take's rows."""
        whole = np.concatenate([self.first, rows])
        score = self.encoding.decode(whole.astype(np.uint16), self.header)
        return self.wishes.in_time(score, self.encoding)

    def finished(self, rows: IntRows, wishes: Wishes, number: int) -> tuple[Score, dict[str, Any]]:
        """The music of take `number` up to its end, all wishes met, and what there is to say."""
        guide = self.guide
        if guide.closing is not None:
            rows = with_room(self.encoding, rows)
        score = slice_ticks(self.score(rows), 0, self.end_ticks)
        score = tidy(released(score, min(score.end_ticks, self.end_ticks)))
        key = guide.closing.keys[number] if guide.closing is not None else None
        own_end = bool(guide.own_end[number])
        score = self.length.filled(score, 0, self.end_ticks) if not own_end else score
        return wishes.fitted(score, 0, self.end_ticks, key=key, own_end=own_end)


def begin(
    bundle: Bundle,
    seeds: Sequence[int],
    length: Length,
    sampling: Sampling | None,
    engine: str,
    wishes: Wishes,
    start: str | None = None,
) -> Begun:
    """Read what takes of a bundle that plays rows start from, one for each seed."""
    if wishes.metre is not None and bundle.encoding.name == "abc_text":
        raise SegueError(
            f"{bundle.name} writes tunes in ABC, which say their metre themselves: leave the metre "
            "out."
        )
    ground = ground_of(bundle, wishes)
    encoding, empty = ground.encoding, ground.empty
    player = make_player(bundle, engine, sampling)
    from_opening = starts_from_opening(bundle, start)
    if from_opening:
        draws = [np.random.default_rng((s, 1)).integers(len(bundle.openings)) for s in seeds]
        prompts = [bundle.openings[i].astype(np.int64) for i in draws]
        state = read_each(player, prompts)
        last = prompts[0][-1:]
        if player.engine.frames:
            # What sounded in an opening is not part of the take: a roll begins in silence.
            last = np.zeros_like(last)
    else:
        last = opening_of(bundle, wishes)
        state = opened(bundle, player, last)
    end_ticks = length.end(empty, 0)
    rest = bundle.recipe.generate.longest_rest
    told = steering(wishes, encoding, empty, (0, end_ticks), len(seeds), rest)
    if not from_opening:
        told |= given_of(encoding, len(seeds), empty, 0, told["end"], wishes)
    guide = Steps(
        encoding,
        len(seeds),
        last,
        position=-1 if from_opening else 0,
        only=ground.only,
        **told,
    )
    first = last[:0] if from_opening else last
    player = steered(player, guide)
    return Begun(player, state, guide, encoding, ground.header, first, length, end_ticks, wishes)


def continue_(
    bundle: Bundle,
    prompt: Score,
    *,
    takes: int = 1,
    bars: float = 8,
    seconds: float | None = None,
    seed: int = 0,
    sampling: Sampling | None = None,
    engine: str = "auto",
    wishes: Wishes | None = None,
    on_row: OnRow | None = None,
) -> list[Take]:
    """The prompt, note for note, and `bars` bars that go on from where its last note ends.

    `seconds` is how long they are in place of bars. Tempo and metre stay those in force at the
    end of the prompt. Take i is drawn from seed + i. Raises SegueError for a prompt without notes,
    or with none that the encoding can hold.
    """
    if not len(prompt):
        raise SegueError("the prompt has no notes: give a piece, or use `segue generate`.")
    encoding = bundle.encoding
    if bundle.plays == "rows":
        encoding = paced(encoding, bundle.index["header"])
    seeds = [seed + i for i in range(takes)]
    rows, header = prompt_rows(bundle, encoding, prompt)
    length, wishes = Length(bars, seconds), wishes or Wishes()
    refuse_unsaid(bundle, wishes)
    if bundle.plays == "segments":
        return continue_segments(
            bundle, prompt, rows, seeds, length, sampling, engine, wishes, on_row=on_row
        )
    begin, timed = prompt.end_ticks, encoding.timed
    end = length.end(prompt, begin)
    player = make_player(bundle, engine, sampling)
    rows = with_said(encoding, rows, wishes)
    carries = carries_time(encoding, wishes, length)
    position = int(encoding.positions(rows.astype(np.uint16))[-1]) if timed else -1
    read = opened(bundle, player, _with_history(bundle, rows, seed))
    settings = {"way": "continue", **length.settings(), **player.sampling.settings()}
    settings |= facts_of(prompt)
    if carries:
        settings["carries"] = list(carries)
    at = ticks_at(encoding, prompt, position) if timed else begin

    def make(own: Sequence[int], drawn: Sequence[int]) -> list[Take]:
        only = only_known(encoding, bundle.index["used"], header)
        rest = bundle.recipe.generate.longest_rest
        told = steering(wishes, encoding, prompt, (begin, end), len(own), rest)
        told |= given_of(encoding, len(own), prompt, position + 1, told["end"], wishes)
        guide = Steps(
            encoding,
            len(own),
            rows,
            position=position,
            begin=steps_at(encoding, prompt, begin) if timed else 0,
            only=only if "tempi" in carries else without(encoding, only, "tempo"),
            **told,
        )
        played = steered(player, guide).play(read, guide, drawn, on_row)
        made = []
        for i, (new, one) in enumerate(zip(played, own, strict=True)):
            # Decoded after the rows that open a piece, the new part counts its time from step 0.
            whole = np.concatenate([encoding.opening().astype(np.int64), new])
            key = guide.closing.keys[i] if guide.closing is not None else None
            if guide.closing is not None:
                whole = with_room(encoding, whole)
            tail = encoding.decode(whole.astype(np.uint16), header)
            made.append(
                longer(
                    bundle, prompt, in_time_of(encoding, tail, prompt, at), end,
                    player.engine.name, one, settings, wishes, length, carries,
                    key=key, own_end=bool(guide.own_end[i]),
                )
            )  # fmt: skip
        return made

    return until_kept(bundle, seeds, wishes, make)


def _with_history(bundle: Bundle, rows: IntRows, seed: int) -> IntRows:
    """The rows a model reads: a windowed one gets its window filled from a training opening."""
    context = bundle.index.get("context")
    if context is None:
        return rows
    if len(rows) < context:
        opening = bundle.openings[seed % len(bundle.openings)].astype(np.int64)
        rows = np.concatenate([opening, rows])
    return rows[-context:]
