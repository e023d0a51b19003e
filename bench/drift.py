"""Is drift quiet where it should be, and loud where it should be?

    python bench/drift.py BUNDLE CORPUS [--alarm FOLDER] [--refused FOLDER] [--pictures FOLDER]

Makes the profile of a bundle from its corpus, and prints: how far the reference is from itself and
from bootstraps of itself; how often bootstraps of held-out pieces raise an alarm, and how often
held-out works that the limits have not seen do (each half of them against limits from the other);
which folders raise an alarm and which are refused. Writes bench/results/drift.json.
"""

from __future__ import annotations

import argparse
import dataclasses
import time
from pathlib import Path
from typing import Any

import numpy as np

from segue import bundles
from segue.data import Corpus
from segue.errors import DataError
from segue.evaluation.profile import distance, draws, mean
from segue.files import write_json
from segue.judging.drift import NAMES, RATE, drift, limits_for, references
from segue.judging.pictures import drift_pictures
from segue.judging.profile import SURPRISE, Profile, profile_of

RESULTS = Path(__file__).parent / "results" / "drift.json"
BOOTSTRAPS = 200


def distances(profile: Profile, pieces: Any, weights: Any, known: dict[str, Any]) -> Any:
    """(draws, measures): draws of the `pieces` of a profile against the reference."""
    return np.stack(
        [distance(mean(profile.histograms[n][pieces], weights), known[n]) for n in NAMES], axis=1
    )


def of_itself(profile: Profile, rng: np.random.Generator) -> dict[str, Any]:
    """The reference against bootstraps of its own pieces (of surprise: the held-out ones)."""
    found = {}
    for name in NAMES:
        own = profile.held_out if name == SURPRISE else profile.reference
        each = profile.histograms[name][own]
        weights = draws(np.array(profile.names)[own], int(own.sum()), BOOTSTRAPS, rng)
        apart = distance(mean(each, weights), mean(each))
        found[name] = {
            "same": float(distance(mean(each), mean(each))),
            "median": float(np.median(apart)),
            "95th": float(np.quantile(apart, 0.95)),
        }
    return found


def false_alarms(profile: Profile, rng: np.random.Generator) -> dict[str, float]:
    """Shares of draws that raise an alarm, of `BOOTSTRAPS` each."""
    out, known = profile.held_out, references(profile)
    count = int(out.sum())
    limits = limits_for(profile, count, RATE, seed=0)
    kinds = {
        "pieces drawn again": np.array(profile.names)[out],
        "works drawn again": np.array(profile.groups)[out],
    }
    found = {
        kind: float(
            (distances(profile, out, draws(of, count, BOOTSTRAPS, rng), known) > limits)
            .any(1)
            .mean()
        )
        for kind, of in kinds.items()
    }
    return found | {"works never seen": _unseen(profile, rng)}


def _unseen(profile: Profile, rng: np.random.Generator) -> float:
    """Halves of the held-out works, by chance, against limits from the other half."""
    groups = np.array(profile.groups)
    held = np.unique(groups[profile.held_out])
    alarms = []
    for turn in range(BOOTSTRAPS // 10):
        half = rng.permutation(held)[: len(held) // 2]
        mine = profile.held_out & np.isin(groups, half)
        rest = ~mine
        other = _part(profile, rest)
        limits = limits_for(other, int(mine.sum()), RATE, seed=turn)
        one = np.ones((1, int(mine.sum())))
        alarms.append(bool((distances(profile, mine, one, references(other)) > limits).any()))
    return float(np.mean(alarms))


def _part(profile: Profile, chosen: Any) -> Profile:
    def of(names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(np.array(names)[chosen].tolist())

    return dataclasses.replace(
        profile,
        names=of(profile.names),
        hashes=of(profile.hashes),
        groups=of(profile.groups),
        held_out=profile.held_out[chosen],
        histograms={name: each[chosen] for name, each in profile.histograms.items()},
    )


def look(bundle: Any, profile: Profile, folder: Path, pictures: Path | None) -> dict[str, Any]:
    began = time.perf_counter()
    try:
        found = drift(bundle, folder, profile=profile)
    except DataError as error:
        return {"folder": folder.name, "refused": str(error).replace(f"{folder}: ", "")}
    if pictures is not None:
        drift_pictures(found, pictures / folder.name)
    told = {k: v for k, v in found.as_dict().items() if k not in ("source", "refused", "bundle")}
    took = time.perf_counter() - began
    return {"folder": folder.name, **told, "seconds": round(took, 1)}


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    asked.add_argument("bundle", type=Path)
    asked.add_argument("corpus", type=Path)
    for name in ("--alarm", "--refused", "--quiet"):
        asked.add_argument(name, type=Path, action="append", default=[])
    asked.add_argument("--pictures", type=Path)
    args = asked.parse_args()
    rng = np.random.default_rng(2026)
    bundle = bundles.load(args.bundle)
    profile = profile_of(bundle, Corpus.open(args.corpus))
    told = {
        "bundle": bundle.name,
        "pieces": len(profile.names),
        "held_out": int(profile.held_out.sum()),
        "held_out_works": len(set(np.array(profile.groups)[profile.held_out])),
        "rate": RATE,
        "bootstraps": BOOTSTRAPS,
        "itself": of_itself(profile, rng),
        "false_alarms": false_alarms(profile, rng),
    }
    told["folders"] = [
        look(bundle, profile, folder, args.pictures)
        for folder in (*args.quiet, *args.alarm, *args.refused)
    ]
    print(f"{bundle.name}: {told['pieces']} pieces, {told['held_out']} held out")
    print(f"{'measure':12} {'itself':>8} {'bootstrap':>10} {'95th':>8}")
    for name, each in told["itself"].items():
        print(f"{name:12} {each['same']:8.4f} {each['median']:10.4f} {each['95th']:8.4f}")
    for kind, share in told["false_alarms"].items():
        print(f"false alarms, {kind}: {share:.1%}")
    for each in told["folders"]:
        if "measures" not in each:
            print(f"{each['folder']}: refused: {each['refused']}")
            continue
        state = "ALARM" if each["alarm"] else "quiet"
        far = ", ".join(
            f"{n} {m['distance']:.3f}/{m['limit']:.3f}" for n, m in each["measures"].items()
        )
        print(f"{each['folder']}: {state} ({each['pieces']} pieces, {each['seconds']} s): {far}")
    write_json(RESULTS, told)


if __name__ == "__main__":
    main()
