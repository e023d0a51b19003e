"""From a request to takes: the ways of `segue.generation`, asked with words from the wire."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from segue.bundles import Bundle
from segue.encodings.base import Encoding
from segue.errors import SegueError
from segue.formats.midi_write import to_bytes
from segue.generation import Sampling, Take
from segue.generation import accompany as accompany_
from segue.generation import continue_ as continue_way
from segue.generation import density as densities
from segue.generation import generate as generate_way
from segue.generation import infill as infill_way
from segue.generation.latent import vary as vary_way
from segue.generation.looping import loop as loop_way
from segue.generation.playable import wishes as wishes_of_words
from segue.generation.players import own_sampling
from segue.generation.wishes import Wishes
from segue.score import Score, slice_bars
from segue.server import schemas, wire
from segue.server.problems import RefusedError
from segue.server.store import TakeRow

OnRow = Callable[[int], None]
FORMATS = ("mid", "wav", "flac", "mp3", "musicxml", "pdf", "svg", "png", "json")
"""What a take can be had as."""


def generate(bundle: Bundle, asked: schemas.Generate, seed: int, on_row: OnRow) -> list[Take]:
    """`segue generate`."""
    how = _how(bundle, asked)

    def draw(count: int, first: int) -> list[Take]:
        return generate_way(
            bundle, takes=count, bars=asked.bars, seconds=asked.seconds, seed=first,
            start=asked.start, on_row=on_row, **how,
        )  # fmt: skip

    if not asked.novel:
        return draw(asked.takes, seed)
    from segue.generation.novel import novel

    return novel(bundle, draw, asked.takes, seed).takes


def continue_(bundle: Bundle, asked: schemas.Continue, seed: int, on_row: OnRow) -> list[Take]:
    """`segue continue`."""
    score = asked.music.score()
    if asked.prompt_bars is not None:
        score = slice_bars(score, 0, asked.prompt_bars)
    return continue_way(
        bundle, score, takes=asked.takes, bars=asked.bars, seconds=asked.seconds, seed=seed,
        on_row=on_row, **_how(bundle, asked),
    )  # fmt: skip


def infill(bundle: Bundle, asked: schemas.Infill, seed: int, on_row: OnRow) -> list[Take]:
    """`segue infill`."""
    return infill_way(
        bundle, _with_notes(asked.music), first_bar=asked.first_bar, last_bar=asked.last_bar,
        tracks=asked.tracks, takes=asked.takes, seed=seed, on_row=on_row, **_how(bundle, asked),
    )  # fmt: skip


def accompany(bundle: Bundle, asked: schemas.Accompany, seed: int, on_row: OnRow) -> list[Take]:
    """`segue accompany`."""
    return accompany_(
        bundle, _with_notes(asked.music), takes=asked.takes, seed=seed, on_row=on_row,
        **_how(bundle, asked),
    )  # fmt: skip


def vary(bundle: Bundle, asked: schemas.Vary, seed: int, on_row: OnRow) -> list[Take]:
    """`segue vary`."""
    return vary_way(
        bundle, _with_notes(asked.music), amount=asked.amount, takes=asked.takes, seed=seed,
        engine=asked.engine,
    )  # fmt: skip


def loop(bundle: Bundle, asked: schemas.Loop, seed: int, on_row: OnRow) -> list[Take]:
    """`segue loop`."""
    return loop_way(
        bundle, takes=asked.takes, bars=asked.bars, seed=seed, on_row=on_row, **_how(bundle, asked)
    )


WAYS: dict[str, tuple[type[Any], Callable[[Bundle, Any, int, OnRow], list[Take]]]] = {
    "generate": (schemas.Generate, generate),
    "continue": (schemas.Continue, continue_),
    "infill": (schemas.Infill, infill),
    "accompany": (schemas.Accompany, accompany),
    "vary": (schemas.Vary, vary),
    "loop": (schemas.Loop, loop),
}
"""Each way of making music: what is asked, and who makes it."""


def wishes_of(asked: schemas.Asked) -> Wishes:
    """What is wished for; SegueError for words that cannot be understood."""
    told = asked.model_dump(exclude_none=True)
    if "density" in told:
        told["density"] = densities.density(told["density"])
    return wishes_of_words(**told)


def sampling_of(bundle: Bundle, asked: schemas.Sampling) -> Sampling:
    """The recipe's sampling with what is asked for on top."""
    own = own_sampling(bundle)
    told = asked.model_dump(exclude_none=True)
    heats = told.pop("heats", None)
    # A temperature that is asked for is that of all columns but those heated by name.
    kept = {} if "temperature" in told else dict(own.heats)
    values = {name: told.get(name, getattr(own, name)) for name in own.__dataclass_fields__}
    values["heats"] = tuple((kept | (heats or {})).items())
    return Sampling(**values)


def _how(bundle: Bundle, asked: schemas.Making) -> dict[str, Any]:
    return {
        "sampling": sampling_of(bundle, asked.sampling),
        "wishes": wishes_of(asked.wishes),
        "engine": asked.engine,
    }


def _with_notes(music: wire.Music) -> Score:
    score = music.score()
    if not len(score):
        raise SegueError("the music has no notes: draw some, or drop a file.")
    return score


def check(kind: str, asked: Any, bundle: Bundle) -> None:
    """Refuse at once what could never be made; SegueError says why."""
    music = getattr(asked, "music", None)
    if music is not None and not music.notes:
        raise SegueError("the music has no notes: draw some, or drop a file.")
    if music is not None:
        music.score()
    if isinstance(asked, schemas.Making):
        how = _how(bundle, asked)
        how["sampling"].by_column([c.name for c in bundle.encoding.layout.columns])
    if isinstance(asked, schemas.Infill) and asked.last_bar <= asked.first_bar:
        raise SegueError(
            f"bars {asked.first_bar:g} to {asked.last_bar:g} came: the last one is the first that "
            "stays, and comes after the first."
        )
    for track in getattr(asked, "tracks", ()):
        if kind == "infill" and track >= len(asked.music.tracks or [0]):
            raise SegueError(f"track {track} came; there are {len(asked.music.tracks or [0])}.")


def require_within(asked: Any, limits: Any) -> None:
    """Refuse what is larger than this server makes."""
    for name in ("takes", "bars"):
        value, most = getattr(asked, name, 0), getattr(limits, name)
        if value > most:
            raise RefusedError(413, f"{name} came as {value}; this server makes up to {most}.")
    if (music := getattr(asked, "music", None)) is not None:
        require_few_notes(music, limits)


def require_few_notes(music: Any, limits: Any) -> None:
    """Refuse music that is longer than this server works on."""
    if len(music.notes) > limits.notes:
        raise RefusedError(
            413,
            f"the music has {len(music.notes):,} notes; this server takes up to "
            f"{limits.notes:,}: send a part of it.",
        )


def row_of(take: Take, job: str, number: int, prefix: str) -> TakeRow:
    """A take as the database keeps it."""
    id_ = f"{job}-{number}"
    told = take.receipt.get("checks", {})
    facts = {
        "id": id_,
        "job": job,
        "number": number,
        "seed": int(take.receipt["seed"]),
        "created": time.time(),
        "notes": len(take.score),
        "new_notes": int(told.get("new_notes", len(take.score))),
        "bars": float(told.get("bars", round(take.score.end_bars, 3))),
        "seconds": float(told.get("seconds", round(take.score.end_seconds, 3))),
        "prompt_end": take.prompt_end,
        "checks": plain(told),
        "links": {suffix: f"{prefix}/takes/{id_}/{suffix}" for suffix in FORMATS},
    }
    whole = {
        "music": wire.of_score(take.score),
        "locked": _given(take),
        "receipt": plain(take.receipt),
    }
    midi, text = to_bytes(take.score), json.dumps(whole)
    return TakeRow(id_, job, number, facts["created"], midi, facts, text)


def _given(take: Take) -> list[int]:
    """Which notes of a take were given."""
    notes = take.score.notes
    if take.locked is not None:
        there = {note.tobytes() for note in take.locked.notes}
        return [i for i, note in enumerate(notes) if note.tobytes() in there]
    if take.prompt_end is not None:
        return np.flatnonzero(notes["onset"] < take.prompt_end).tolist()
    return []


_PLAIN = frozenset((str, int, bool, type(None)))
"""What JSON holds as it is; most of a receipt is of these."""


def plain(value: Any) -> Any:
    """The value as JSON can hold it; infinities and not-a-numbers become null."""
    if type(value) in _PLAIN:
        return value
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(each) for each in value]
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int | str) else str(value)


def of_encoding(encoding: Encoding) -> dict[str, Any]:
    """What an encoding keeps and loses."""
    return {"name": encoding.name, "keeps": list(encoding.keeps), "loses": list(encoding.loses)}


def findings(take: Take) -> list[dict[str, Any]]:
    """What is plainly wrong with a take, a sentence each."""
    from segue.evaluation.doctor import examine

    if not len(take.score):
        return [{"symptom": "empty", "what": "the take has no notes: try another seed."}]
    return [plain(vars(each)) for each in examine(take.score)]
