"""Making a take again from its receipt, and saying what differs where it does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from segue.bundles import Bundle
from segue.errors import SegueError
from segue.generation import harmony
from segue.generation.density import density
from segue.generation.fill import accompany, infill
from segue.generation.latent import interpolate, vary
from segue.generation.looping import looped, take_seam
from segue.generation.sampling import Sampling
from segue.generation.segment_ways import unpacked
from segue.generation.take import RECEIPT, Take, make_receipt, receipt_of
from segue.generation.ways import continue_, generate
from segue.generation.wishes import Wishes
from segue.score import Score, Track

_ENVIRONMENT = ("made_by", "bundle_hash", "engine", "machine", "versions")


@dataclass(frozen=True)
class Replayed:
    """A take made again. `same` if its music is that of the original, note for note.

    `differences` lists what was not as it was: of the bundle, the program and the machine.
    """

    take: Take
    same: bool
    differences: tuple[str, ...]


def replay(
    bundle: Bundle, original: Score, *, prompt: Score | None = None, second: Score | None = None
) -> Replayed:
    """Make `original` again with `bundle`, which should be the one that made it.

    A continuation needs its prompt: it is taken out of the original if not given. `second` is the
    piece that an interpolation arrives at. Raises SegueError for music without a receipt, or a
    prompt that is not the one.
    """
    receipt = receipt_of(original)
    if receipt is None:
        raise SegueError(
            "this file carries no receipt of Segue: replay the .mid of a take, as it was written."
        )
    settings = dict(receipt["settings"])
    if settings["way"] == "continue" and prompt is None:
        prompt = _prompt(original, settings)
    if settings["way"] != "generate" and settings["way"] != "loop":
        if prompt is None:
            raise SegueError(
                f"this take was made by `{settings['way']}` from other music, which it does not "
                "hold whole: give that file with --prompt."
            )
        asked = settings.get("prompts") or [settings["prompt"]]
        if len(asked) > 1 and second is None:
            raise SegueError(
                f"this take was made by `{settings['way']}` from two pieces: give them both, in "
                "their order, with --prompt."
            )
        given = [each.content_hash() for each in (prompt, second)[: len(asked)] if each is not None]
        if given != asked:
            raise SegueError("the prompt is not the one this take was made from: give that file.")
    take = _again(bundle, receipt, settings, prompt, second)
    now = make_receipt(bundle, receipt["engine"], int(receipt["seed"]), settings)
    differences = [
        f"{name}: {receipt.get(name)} then, {now[name]} now"
        for name in _ENVIRONMENT
        if receipt.get(name) != now[name]
    ]
    return Replayed(take, _heard(take.score) == _heard(original), tuple(differences))


def _heard(score: Score) -> list[tuple[Any, ...]]:
    """Every note with its instrument: files number tracks anew where one of them is empty."""
    return sorted(
        (n["onset"], n["duration"], n["pitch"], n["velocity"], score.tracks[n["track"]].program)
        for n in score.notes
    )


def _again(
    bundle: Bundle,
    receipt: Mapping[str, Any],
    settings: Mapping[str, Any],
    prompt: Score | None,
    second: Score | None,
) -> Take:
    seed, engine = int(receipt["seed"]), receipt["engine"]
    if settings["way"] == "interpolate":
        assert prompt is not None
        assert second is not None
        steps = settings["steps"]
        return interpolate(bundle, prompt, second, steps=steps, seed=seed, engine=engine)
    if settings["way"] == "vary":
        assert prompt is not None
        return vary(bundle, prompt, amount=settings["amount"], seed=seed, engine=engine)[0]
    length: dict[str, Any] = {"seconds": settings.get("seconds")}
    if "bars" in settings:
        length["bars"] = settings["bars"]
    how: dict[str, Any] = {
        "seed": seed,
        "sampling": sampling_of(settings),
        "engine": engine,
        "wishes": wishes_of(settings.get("wishes", {})),
    }
    way: str = settings["way"]
    bars: Any = settings.get("bars")
    if prompt is None:
        latent = settings.get("latent")
        given = None if latent is None else unpacked(latent)
        start = settings.get("start")
        take = generate(bundle, start=start, latent=given, **length, **how)[0]
        return looped(take, take_seam(bundle, take, bars, engine), bars) if way == "loop" else take
    if way == "continue":
        return continue_(bundle, prompt, **length, **how)[0]
    if way == "accompany":
        return accompany(bundle, prompt, **how)[0]
    if way == "infill":
        tracks, (first, last) = settings["tracks"], settings["bars"]
        return infill(bundle, prompt, first_bar=first, last_bar=last, tracks=tracks, **how)[0]
    raise SegueError(f"takes made by `{way}` cannot be replayed: run that command again.")


def sampling_of(settings: Mapping[str, Any]) -> Sampling:
    """The sampling that a receipt's settings tell of."""
    names = ("temperature", "top_k", "top_p", "min_p", "typical", "loop_beats")
    told = {name: settings[name] for name in names if name in settings}
    return Sampling(**told, heats=tuple(dict(settings.get("heats", {})).items()))


def wishes_of(told: Mapping[str, Any]) -> Wishes:
    """The wishes that a receipt's settings tell of."""
    names = ("chord_bars", "lowest", "highest", "tempo", "polyphony", "ending", "style", "touch")
    plain = {name: told[name] for name in names if name in told}
    return Wishes(
        key=harmony.key(told["key"]) if "key" in told else None,
        chords=tuple(harmony.chord(name) for name in told.get("chords", ())),
        instruments=tuple(told.get("instruments", ())),
        metre=tuple(told["metre"]) if "metre" in told else None,
        density=density(told["density"]) if "density" in told else None,
        **plain,
    )


def _prompt(original: Score, settings: Mapping[str, Any]) -> Score:
    """The prompt of a continuation, which stands in it note for note."""
    original, end = _with_silent(original, settings), settings["prompt_end"]
    notes = original.notes[original.notes["onset"] < end]
    told: dict[str, Any] = {}
    if settings.get("carries"):
        controls, tempi = original.controls, original.tempi
        told["controls"] = controls[controls["onset"] < end]
        told["tempi"] = tempi[tempi["onset"] < end]
    own = [t for t in original.texts if not t.text.startswith((RECEIPT, "segue "))]
    tracks = original.tracks[: settings["prompt_tracks"]]
    return original.with_(notes=notes, tracks=tracks, texts=tuple(own), **told)


def _with_silent(original: Score, settings: Mapping[str, Any]) -> Score:
    """The take with those of its prompt's tracks that have no notes there, and that its file does
    not hold."""
    silent = {k: Track(*told) for k, *told in settings.get("prompt_silent", ())}
    prompted = original.notes[original.notes["onset"] < settings["prompt_end"]]
    sounding = set(prompted["track"].tolist())
    left, tracks, places = list(original.tracks), list[Track](), list[int]()
    for k in range(settings["prompt_tracks"]):
        held = len(original.tracks) - len(left)
        if k in silent and (held in sounding or left[:1] != [silent[k]]):
            tracks.append(silent[k])
        elif left:
            places.append(k)
            tracks.append(left.pop(0))
    places += range(len(tracks), len(tracks) + len(left))
    moved = {}
    for name in ("notes", "controls", "bends"):
        table = getattr(original, name).copy()
        if len(table):
            table["track"] = np.array(places)[table["track"]]
        moved[name] = table
    return original.with_(tracks=(*tracks, *left), **moved)
