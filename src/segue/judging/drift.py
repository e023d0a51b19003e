"""Whether new music is still like the music a bundle was trained on.

Seven distances (`evaluation.profile`, and the model's own surprise), each between 0 and 1, each
with a limit that music of the same kind passes as rarely as `rate` says, all limits together. The
limits come from the profile: music of as many pieces is drawn again and again from what the bundle
was trained on and from what was held out, and held against the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.bundles import Bundle
from segue.errors import DataError
from segue.evaluation.profile import MEASURES, Floats, distance, draws, histograms, mean, thresholds
from segue.judging.material import Material, Music, material
from segue.judging.profile import (
    SURPRISE,
    SURPRISE_BINS,
    Profile,
    as_heard,
    families_of,
    load,
    surprise_histograms,
    surprises,
)

RATE = 0.02
"""How often music of the same kind may raise an alarm, all measures together."""
DRAWS = 2000
MOST_DRAWN = 2000
"""Pieces looked at, and in a draw: more hardly move a mean."""
FEWEST_WORKS = 5
"""Held-out works without which surprise has no limit."""
FEW_WORKS = 8
"""Held-out works under which all limits are rough."""
NAMES = (*(measure.name for measure in MEASURES), SURPRISE)
Told = Callable[[int, int], None]


@dataclass(frozen=True)
class Measured:
    """One measure: how far new music is from the reference, and the limit. `limit` is NaN, and
    there is no alarm, where the profile could not tell one. The curves are shares, (bins,)."""

    name: str
    title: str
    across: str
    centres: Floats
    reference: Floats
    new: Floats
    distance: float
    limit: float

    @property
    def alarm(self) -> bool:
        """Whether it is past its limit."""
        return bool(self.distance > self.limit)

    def as_dict(self) -> dict[str, Any]:
        """JSON values, without the curves."""
        limit = None if np.isnan(self.limit) else self.limit
        return {"distance": self.distance, "limit": limit, "alarm": self.alarm}


@dataclass(frozen=True)
class Drift:
    """What new music is like: `pieces` that were held against the profile, and those `refused`
    with the reason."""

    bundle: str
    hash: str
    source: str
    pieces: tuple[str, ...]
    refused: dict[str, str]
    measures: tuple[Measured, ...]
    rate: float
    compared_with: int
    warnings: tuple[str, ...] = field(default=())

    @property
    def alarm(self) -> bool:
        """Whether any measure is past its limit."""
        return any(measure.alarm for measure in self.measures)

    @property
    def alarms(self) -> tuple[str, ...]:
        """The measures past their limits, the furthest past first."""
        past = [m for m in self.measures if m.alarm]
        return tuple(m.name for m in sorted(past, key=lambda m: m.limit / m.distance))

    def as_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {
            "bundle": self.bundle,
            "hash": self.hash,
            "source": self.source,
            "pieces": len(self.pieces),
            "refused": self.refused,
            "compared_with": self.compared_with,
            "rate": self.rate,
            "alarm": self.alarm,
            "alarms": list(self.alarms),
            "warnings": list(self.warnings),
            "measures": {measure.name: measure.as_dict() for measure in self.measures},
        }


def drift(
    bundle: Bundle,
    music: Music,
    *,
    profile: Profile | None = None,
    engine: str = "auto",
    rate: float = RATE,
    seed: int = 0,
    told: Told | None = None,
) -> Drift:
    """Hold new music against the bundle's profile.

    Pieces in which instruments play that the bundle was not trained on are refused. Raises
    DataError if none is left, BundleError for a bundle without a profile.
    """
    known = load(bundle) if profile is None else profile
    given = material(bundle, music, most=MOST_DRAWN, told=told)
    refused = dict(given.left_out)
    kept = []
    for piece in given.pieces:
        score = as_heard(bundle, piece, known.heard)
        reason = refusal(known, families_of(score))
        if reason:
            refused[piece.name] = reason
        else:
            kept.append((piece, score))
    if not kept:
        first = next(iter(refused.values()))
        raise DataError(
            f"{given.source}: all {len(refused)} pieces are refused: {first}. Give music of the "
            f"kind {bundle.name} was trained on, or train a bundle on this kind."
        )
    pieces = [piece for piece, _ in kept]
    each = [histograms(score) for _, score in kept]
    new = {m.name: np.array([one[m.name] for one in each]) for m in MEASURES}
    new[SURPRISE] = _surprise(bundle, known, pieces, engine)
    return measured(bundle, known, new, pieces, refused, given.source, rate=rate, seed=seed)


def _surprise(bundle: Bundle, profile: Profile, pieces: list[Material], engine: str) -> Floats:
    """Histograms of the pieces the model has not learned from; NaN for the others."""
    learned = profile.learned
    strange = [i for i, piece in enumerate(pieces) if piece.hash not in learned]
    told = np.full((len(pieces), SURPRISE_BINS), np.nan)
    nats = surprises(bundle, [pieces[i] for i in strange], engine)
    told[strange] = surprise_histograms(nats, profile.top)
    return told


def refusal(profile: Profile, families: set[str]) -> str:
    """Why a piece in which these families of instruments play is not compared; empty if it is."""
    strange = sorted(families - set(profile.families))
    if not strange:
        return ""
    others, own = " and ".join(strange), " and ".join(profile.families)
    plays = "play" if strange[-1].endswith("s") or len(strange) > 1 else "plays"
    return f"{others} {plays} in it, and the bundle was trained on {own} alone"


def measured(
    bundle: Bundle,
    profile: Profile,
    new: dict[str, Floats],
    pieces: list[Material],
    refused: dict[str, str],
    source: str,
    *,
    rate: float,
    seed: int,
) -> Drift:
    """Distances and limits of new pieces, whose histograms are `new` by measure."""
    means = {name: mean(new[name]) for name in NAMES}
    known = references(profile)
    limits = limits_for(profile, len(pieces), rate, seed)
    about = {m.name: (m.title, m.across, m.centres) for m in MEASURES}
    steps = (np.arange(SURPRISE_BINS) + 0.5) * profile.top / SURPRISE_BINS
    about[SURPRISE] = ("The model's surprise", "nats a row", steps)
    each = [
        Measured(
            name,
            *about[name],
            known[name],
            means[name],
            float(distance(means[name], known[name])),
            float(limits[k]),
        )
        for k, name in enumerate(NAMES)
    ]
    told = tuple(m for m in each if not np.isnan(m.distance))
    return Drift(
        bundle.name,
        bundle.hash,
        source,
        tuple(piece.name for piece in pieces),
        refused,
        told,
        rate,
        len(profile.names),
        tuple(_warnings(profile)),
    )


def _warnings(profile: Profile) -> list[str]:
    groups = len({g for g, out in zip(profile.groups, profile.held_out, strict=True) if out})
    if groups >= FEW_WORKS:
        return []
    none = " and surprise has none" if groups < FEWEST_WORKS else ""
    return [
        f"only {groups} works were held out, so the limits are rough{none}: prepare more music, or "
        "hold more of it out"
    ]


def references(profile: Profile) -> dict[str, Floats]:
    """What new music is held against: training pieces' means, and the held-out ones' surprise."""
    known = {m.name: mean(profile.histograms[m.name][profile.reference]) for m in MEASURES}
    known[SURPRISE] = mean(profile.histograms[SURPRISE][profile.held_out])
    return known


def limits_for(profile: Profile, pieces: int, rate: float, seed: int) -> Floats:
    """Shape (measures,): the limits for music of so many pieces, in the order of `NAMES`.

    Three kinds of draw, of which each measure gets the highest limit: held-out pieces one by one;
    held-out works, whole; and works from all there is, against a reference that is drawn anew as
    well. The first two say how far held-out music is from training music, the third how far any
    music of the kind may be.
    """
    rng = np.random.default_rng(seed)
    count = min(pieces, MOST_DRAWN)
    groups = np.array(profile.groups)
    out = profile.held_out
    alone = np.array(profile.names)
    each = [
        _drawn_distances(profile, draws(alone[out], count, DRAWS, rng), rng),
        _drawn_distances(profile, draws(groups[out], count, DRAWS, rng), rng),
        _pooled_distances(profile, count, rng),
    ]
    limits = np.stack([thresholds(one, rate) for one in each])
    with np.errstate(all="ignore"):
        return np.where(np.isnan(limits).all(axis=0), np.nan, np.nanmax(_filled(limits), axis=0))


def _filled(limits: Floats) -> Floats:
    return np.where(np.isnan(limits), -np.inf, limits)


def _drawn_distances(profile: Profile, weights: Floats, rng: np.random.Generator) -> Floats:
    """(D, M): draws of held-out pieces, (D, held out), against the reference."""
    out, known = profile.held_out, references(profile)
    told = [
        distance(mean(profile.histograms[m.name][out], weights), known[m.name]) for m in MEASURES
    ]
    return np.stack([*told, _surprise_distances(profile, weights, rng)], axis=1)


def _surprise_distances(
    profile: Profile, weights: Floats, rng: np.random.Generator
) -> NDArray[np.float64]:
    """(D,): draws of held-out pieces against another draw of as many as there are: the reference
    is a sample too. NaN where too few works were held out to tell how they differ."""
    out = profile.held_out
    told = profile.histograms[SURPRISE][out]
    groups = np.array(profile.groups)[out]
    if len(set(groups.tolist())) < FEWEST_WORKS:
        return np.full(len(weights), np.nan)
    others = draws(groups, int(out.sum()), len(weights), rng)
    return np.asarray(distance(mean(told, weights), mean(told, others)))


def _pooled_distances(profile: Profile, count: int, rng: np.random.Generator) -> Floats:
    """(D, M): draws of works from all pieces, against other draws of as many as the reference."""
    reference = int(profile.reference.sum())
    some = draws(profile.groups, count, DRAWS, rng)
    others = draws(profile.groups, reference, DRAWS, rng)
    told = [
        distance(mean(profile.histograms[m.name], some), mean(profile.histograms[m.name], others))
        for m in MEASURES
    ]
    groups = np.array(profile.groups)[profile.held_out]
    surprise = _surprise_distances(profile, draws(groups, count, DRAWS, rng), rng)
    return np.stack([*told, surprise], axis=1)
