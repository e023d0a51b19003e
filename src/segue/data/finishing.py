"""The end of a preparation: split, count, fit the encoding, and put the corpus in its place."""

from __future__ import annotations

import shutil
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

import segue
from segue.data.corpus import FORMAT, FORMAT_VERSION, Corpus, corpus_hash
from segue.data.counting import adapted, count_symbols
from segue.data.journal import SIGNATURES_FILE, TRAITS_FILE, Journal
from segue.data.kinship import NEAR, Pairs, alike
from segue.data.manifest import write_manifest
from segue.data.origin import origin_of
from segue.data.overlap import Overlap
from segue.data.pieces import SPLITS, Index
from segue.data.report import Findings, write_report
from segue.data.request import IGNORE, REMOVE, Request
from segue.data.shards import Shards
from segue.data.split import Names, Split, split_pieces
from segue.encodings.base import Encoding
from segue.errors import DataError
from segue.files import write_json, written_whole

_LAST_TENTH = 0.1
_FAMILIES_TOLD = 12
_OF_WORK = ("request", "journal.jsonl", SIGNATURES_FILE, TRAITS_FILE)


def finish(target: Path, work: Path, request: Request, journal: Journal) -> Corpus:
    """Make the corpus of a finished journal; its `corpus.json` is written last.

    Raises DataError if no file could be used, with the counts and the first reasons.
    """
    encoding = request.encoding
    overlap = Overlap()
    split, likeness = _split(journal, request, overlap)
    written = write_manifest(work / "manifest.jsonl", journal, split, overlap)
    index = _hold_out_of_one(written.index) if len(written.index) == 1 else written.index
    with written_whole(work / "pieces.npy") as beside:
        np.save(beside, index, allow_pickle=False)
    raw = count_symbols(Shards(work), index, encoding.layout.sizes)
    fitted = encoding.fit([np.sum(by, axis=0) for by in zip(*raw.values(), strict=True)])
    counts = {name: adapted(by, encoding, fitted) for name, by in raw.items()}
    with written_whole(work / "counts.npz") as beside:
        arrays: dict[str, Any] = {
            f"{name}-{k}": column for name, by in counts.items() for k, column in enumerate(by)
        }
        np.savez_compressed(beside, **arrays)
    manifest_hash, whole_hash = corpus_hash(work / "manifest.jsonl", fitted.state())
    source = request.source
    facts = {
        "format": FORMAT,
        "version": FORMAT_VERSION,
        "segue": segue.__version__,
        "source": str(source.root.resolve()),
        "origin": origin_of(source.root),
        "hash": whole_hash,
        "manifest": manifest_hash,
        "seed": request.seed,
        "filters": request.filters.asked(),
        "near_duplicates": {**likeness, "between": overlap.summary()},
        "split_rules": list(split.rules) if len(written.index) > 1 else [_ONE_PIECE],
        "encoding": fitted.state(),
        "fitted": fitted is not encoding,
        "columns": _columns(fitted, counts.values()),
        "splits": {name: _music(index[index["split"] == SPLITS.index(name)]) for name in counts},
        "totals": {
            "files": len(source.music),
            "found": len(written.index) + sum(written.reasons.values()),
            "kept": len(written.index),
            "refused": sum(written.reasons.values()),
            "repaired": written.repaired,
            **_music(written.index),
        },
        "refusals": dict(written.reasons.most_common()),
        "request": request.hash(),
    }
    write_report(work, _findings(facts, journal, split, written.index))
    _put_in_place(target, work, facts)
    return Corpus(target, facts, fitted)


def _findings(facts: dict[str, Any], journal: Journal, split: Split, index: Index) -> Findings:
    stayed = np.array([place is not None for place in split.places])
    sizes = np.bincount(split.families, minlength=len(stayed))
    heads = np.argsort(-sizes, kind="stable")[:_FAMILIES_TOLD]
    wanted = {int(head): int(sizes[head]) for head in heads if sizes[head] > 1}
    kept = (entry for entry in journal.entries() if entry["kept"])
    names = {n: entry["path"] for n, entry in enumerate(kept) if n in wanted} if wanted else {}
    families = [(names[head], size) for head, size in wanted.items()]
    return Findings(facts, index, journal.traits(), np.flatnonzero(stayed), families)


_ONE_PIECE = {"rule": "last tenth", "source": "the only piece", "pieces": 1}


def _split(journal: Journal, request: Request, overlap: Overlap) -> tuple[Split, dict[str, Any]]:
    """The split of the pieces kept so far, and what was found alike among them."""
    names = Names([], [], [])
    for entry in journal.entries():
        if entry["kept"]:
            names.paths.append(entry["path"])
            names.files.append(entry["file"])
            names.hashes.append(entry["hash"])
    if not names.paths:
        raise DataError(_nothing_usable(journal, request))
    pairs = None if request.near_duplicates == IGNORE else alike(journal.signatures())
    split = split_pieces(
        names,
        request.rules,
        request.seed,
        kin=pairs,
        remove=request.near_duplicates == REMOVE,
    )
    likeness: dict[str, Any] = {"treated": request.near_duplicates}
    if pairs is not None:
        overlap.add_pairs(pairs, names.paths)
        likeness |= _likeness(pairs, split)
    return split, likeness


def _likeness(pairs: Pairs, split: Split) -> dict[str, int]:
    sizes = np.bincount(split.families)
    return {
        "near_pairs": int((pairs.similarity >= NEAR).sum()),
        "kin_pairs": int((pairs.similarity < NEAR).sum()),
        "families": int((sizes > 1).sum()),
        "pieces_in_families": int(sizes[sizes > 1].sum()),
        "largest_family": int(sizes.max()),
    }


def _nothing_usable(journal: Journal, request: Request) -> str:
    first = [f"{e['path']}: {e['reason']}" for e in islice(journal.entries(), 3)]
    source = request.source
    return (
        f"none of the {len(source.music)} files in {source.root} can be used. "
        f"The first reasons: {'; '.join(first)}. Give a folder with music that holds notes."
    )


def _hold_out_of_one(index: Index) -> Index:
    """The only piece as two: its last tenth (two rows at least) is held out for validation."""
    rows = int(index["rows"][0])
    held = max(int(rows * _LAST_TENTH), 2)
    if rows - held < 2:
        raise DataError(
            f"the only usable file has {rows} rows in this encoding, and 4 are needed to train on "
            "some and hold some out: give a longer piece, or more of them."
        )
    both = np.concatenate([index, index])
    both["rows"] = rows - held, held
    both["start"][1] += rows - held
    both["split"] = SPLITS.index("train"), SPLITS.index("valid")
    share = both["rows"] / rows
    both["notes"][0] = round(int(index["notes"][0]) * share[0])
    both["notes"][1] = index["notes"][0] - both["notes"][0]
    for name in ("bars", "seconds"):
        both[name] *= share
    return both


def _music(index: Index) -> dict[str, Any]:
    """How much music a part of the index holds."""
    return {
        "pieces": len(index),
        "rows": int(index["rows"].sum()),
        "notes": int(index["notes"].sum()),
        "bars": round(float(index["bars"].sum()), 1),
        "seconds": round(float(index["seconds"].sum()), 1),
    }


def _columns(encoding: Encoding, counts: Any) -> dict[str, dict[str, int]]:
    """For each column its vocabulary's size and how many of its symbols occur."""
    columns = encoding.layout.columns
    totals = [np.sum(by, axis=0) for by in zip(*counts, strict=True)]
    return {
        column.name: {"size": column.size, "types": int(np.count_nonzero(total))}
        for column, total in zip(columns, totals, strict=True)
    }


def _put_in_place(target: Path, work: Path, facts: dict[str, Any]) -> None:
    """Swap the finished files in; without `corpus.json` the folder is no corpus in between."""
    (target / "corpus.json").unlink(missing_ok=True)
    for old in [*target.glob("shard-*.npy"), *target.glob("report.*")]:
        old.unlink()
    for new in work.iterdir():
        if new.name not in _OF_WORK:
            new.replace(target / new.name)
    write_json(target / "corpus.json", facts)
    shutil.rmtree(work)
