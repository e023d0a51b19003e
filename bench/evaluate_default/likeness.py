"""(b) How far takes from nothing overlap with held-out music in ten measures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from bench.evaluate_default.examination import BARS, Candidate, Examination, Part
from bench.evaluate_default.hearing import heard
from bench.evaluate_default.held_out import Place, pieces_of, places

from segue.evaluation.compare_sets import Overlap, Profile, compare
from segue.evaluation.measures import MEASURES, measure
from segue.score import Score

WANTED = 0.8
TEN = (
    "pitch_range",
    "average_pitch_shift",
    "pitch_class_entropy",
    "scale_consistency",
    "polyphony",
    "notes_per_second",
    "inter_onset_entropy",
    "average_duration",
    "velocity_deviation",
    "structure_short",
)
"""Chosen before any bundle was judged: two each of pitch, harmony, texture and time, one of
loudness and one of form; none of them grows much with length."""


def excerpts(asked: Examination) -> list[Place]:
    """Held-out excerpts as long as the takes, and as many: what takes are compared with."""
    return places(asked.test, asked.takes, BARS, asked.seed, anywhere=True)


def profile(scores: Sequence[Score]) -> Profile:
    """The ten measures of each, as they are heard."""
    rows = [measure(heard(score), TEN) for score in scores]
    return {name: np.array([[row[name]] for row in rows]) for name in TEN}


def judge(asked: Examination) -> dict[str, Any]:
    """The overlaps of the bundle's takes and of each rival's."""
    real_places = excerpts(asked)
    real = profile([place.cut() for place in real_places])
    rows = [_row(each, asked, real) for each in (asked.own, *asked.rivals)]
    own, rest = rows[0], rows[1:]
    best = max(rest, key=lambda row: row["like_real"]) if rest else None
    reached = f"{own['like_real']:.3f} on average"
    if best:
        reached += f"; best rival {best['name']} {best['like_real']:.3f}"
    above = best is None or own["like_real"] > best["like_real"]
    return {
        "reached": reached,
        "wanted": f"{WANTED} on average, and above every rival's",
        "met": bool(own["like_real"] >= WANTED and above),
        "takes": asked.takes,
        "excerpts": len(real_places),
        "pieces": pieces_of(real_places),
        "itself": own["itself"],
        "rows": rows,
    }


def _row(candidate: Candidate, asked: Examination, real: Profile) -> dict[str, Any]:
    players = candidate.players
    takes = players.from_nothing(asked.seeds, BARS)
    mine = profile(takes)
    found = compare(mine, real, seed=asked.seed)
    return {
        "name": candidate.name,
        "like_real": _mean([each.like_real for each in found.values()]),
        "as_varied": _mean([each.as_varied for each in found.values()]),
        "itself": _mean([each.real_itself for each in found.values()]),
        "silent": sum(not len(take) for take in takes),
        "seconds": players.store.spent(f"nothing-{BARS}"),
        "measures": {
            name: _told(found[name], mine[name], real[name]) for name in TEN if name in found
        },
    }


def _told(overlap: Overlap, mine: Any, real: Any) -> dict[str, float]:
    return {
        "like_real": _zero(overlap.like_real),
        "as_varied": _zero(overlap.as_varied),
        "itself": _zero(overlap.real_itself),
        "mean": _mean(mine[:, 0], bad=0),
        "real_mean": _mean(real[:, 0], bad=0),
    }


def _mean(values: Any, bad: float | None = None) -> float:
    """Of overlaps one that cannot be had counts 0: takes without any such thing are unlike."""
    kept = [v for v in values if np.isfinite(v)] if bad is not None else [_zero(v) for v in values]
    return float(np.mean(kept)) if kept else 0.0


def _zero(value: float) -> float:
    return float(value) if np.isfinite(value) else 0.0


def tell(found: dict[str, Any]) -> list[str]:
    """The table of measures, a column a bundle."""
    rows = found["rows"]
    lines = [
        f"{found['takes']} takes of {BARS} bars from nothing beside {found['excerpts']} excerpts "
        f"of {BARS} bars from {found['pieces']} test pieces, from a random bar on; both as heard "
        "from one piano (hands together, notes as long as the pedal holds them). "
        "[Overlapped area](evaluation.md#measures): distances among real excerpts against "
        "distances from takes to them; *itself* is what halves of the real excerpts score against "
        "each other, *as varied* the overlap of distances among takes with those to real music.",
        "",
        f"| measure | takes' mean | real mean | itself | {' | '.join(r['name'] for r in rows)} |",
        f"|---|---:|---:|---:|{'---:|' * len(rows)}",
    ]
    for name in TEN:
        own = rows[0]["measures"][name]
        areas = " | ".join(f"{row['measures'][name]['like_real']:.2f}" for row in rows)
        what = f"`{name}` ({MEASURES[name].unit})"
        means = f"{own['mean']:.3g} | {own['real_mean']:.3g}"
        lines.append(f"| {what} | {means} | {own['itself']:.2f} | {areas} |")
    for what, key in (("average", "like_real"), ("average, as varied", "as_varied")):
        areas = " | ".join(f"**{row[key]:.3f}**" for row in rows)
        itself = f"{found['itself']:.3f}" if key == "like_real" else ""
        lines.append(f"| **{what}** | | | {itself} | {areas} |")
    return lines


PART = Part(
    "b",
    "Likeness to held-out music",
    judge,
    tell,
    lambda asked: {"takes": asked.takes, "rivals": asked.rival_hashes},
    lambda asked: asked.spent(f"nothing-{BARS}"),
)
