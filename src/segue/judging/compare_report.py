"""The report of a comparison: `index.html`, `listen.html`, and `compare.json` with every number."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from segue.evaluation.measures import MEASURES
from segue.files import write_text
from segue.judging.compare import REAL, Comparison, Contestant, mean_of
from segue.judging.compare_samples import Listening, Sample
from segue.judging.listen_page import listen
from segue.judging.page import (
    Scale,
    between,
    colour,
    dot,
    embedded,
    line,
    megabytes,
    page,
    plain,
    seconds,
    short,
    table,
)

INDEX, LISTEN, NUMBERS = "index.html", "listen.html", "compare.json"

Cell = Callable[[Contestant], tuple[str, float | None]]
"""What a contestant shows in a row, and the number it is ranked by, or None."""


def write_report(
    folder: Path, comparison: Comparison, samples: Sequence[Sample], listening: Listening
) -> None:
    """Write the three files into `folder`."""
    numbers = {**comparison.as_dict(), "listening": listening.as_dict()}
    write_text(folder / NUMBERS, json.dumps(plain(numbers), indent=1) + "\n")
    write_text(folder / LISTEN, listen(samples, listening))
    write_text(folder / INDEX, _report(comparison, samples))


# -- the report ----------------------------------------------------------------------------------


def _report(comparison: Comparison, samples: Sequence[Sample]) -> str:
    asked, runs = comparison.asked, comparison.contestants
    names = ", ".join(each.name for each in runs)
    body = [
        f"<h1>{escape(names)}</h1>",
        f"<p class='lead'>{asked.takes} takes of {asked.bars} bars each, from seed {asked.seed} on,"
        f" beside {len(comparison.real)} pieces of {escape(comparison.data)}.</p>",
        _key(runs),
        "<h2>At a glance</h2>",
        _glance(comparison),
        _missing(runs),
        "<h2>Likelihood of held-out music</h2>",
        _likelihood(runs),
        "<h2>Takes beside real music</h2>",
        _measures(comparison),
        "<h2>Memorisation</h2>",
        _memorisation(runs),
        "<h2>To see and to hear</h2>",
        _samples(runs, samples),
        f"<p><a href='{LISTEN}'>Listen without knowing which is which</a>, save your choices, and "
        f"<code>segue compare --votes FILE -o FOLDER</code> counts them.</p>",
        "<footer>Intervals are of 95 %, drawn over pieces. docs/evaluation.md says how each number "
        "is defined.</footer>",
    ]
    return page(f"Comparison: {names}", "".join(body))


def _key(runs: Sequence[Contestant]) -> str:
    dots = "".join(
        f"<span>{dot(i)}{escape(each.name)} <span class='soft'>{escape(each.bundle.name)}, "
        f"{escape(each.bundle.encoding.name)}</span></span>"
        for i, each in enumerate(runs)
    )
    real = f"<span><span class='dot square c0'></span>{REAL}</span>"
    return f"<div class='key'>{dots}{real}</div>"


def _glance(comparison: Comparison) -> str:
    runs = comparison.contestants
    differences = {each.name: each for each in comparison.differences}
    states = [run.bundle.encoding.state() for run in runs]
    # Of other encodings a note costs less where less of it is kept.
    alike = all(each["options"] == states[0]["options"] for each in states) and all(
        each["name"] == states[0]["name"] for each in states
    )

    def against(run: Contestant) -> tuple[str, float | None]:
        if run.name not in differences:
            return "", None
        found = differences[run.name]
        # Told from the run's own side: less is better.
        text = f"{-found.nats:+.3f}<small>{-found.high:+.3f} to {-found.low:+.3f}</small>"
        return text, None

    rows: list[tuple[str, Cell, int]] = [
        ("Nats a note<small>of one encoding, less is better</small>", _nats, -1 if alike else 0),
        ("with what the encoding loses", _charged, -1),
        (
            "more than the first<small>same pieces, both so charged if known</small>",
            against,
            0,
        ),
        ("Bigram, nats a note", lambda run: _baseline(run, "bigram"), 0),
        ("Like real music<small>median overlap; 1: as real</small>", _like_real, 1),
        ("Memorisation of takes", _copied, 0),
        ("Parameters", lambda run: (short(run.bundle.index["parameters"]), None), 0),
        ("On disk", lambda run: (megabytes(run.size), run.size), -1),
        ("Corpus<small>held-out pieces included</small>", _learned, 0),
        ("Trained for", lambda run: (seconds(run.trained_seconds), None), 0),
        ("First note after", _first_note, -1),
        ("Notes made a second", _notes_a_second, 1),
    ]
    head = ["", *(f"{dot(i)}{escape(run.name)}" for i, run in enumerate(runs))]
    return table(head, [[label, *_ranked(runs, cell, better)] for label, cell, better in rows])


def _ranked(runs: Sequence[Contestant], cell: Cell, better: int) -> list[str]:
    """The cells of a row; the best is marked where more (1) or less (-1) is better."""
    told = [cell(run) for run in runs]
    ranks = [better * value for _, value in told if value is not None and math.isfinite(value)]
    best = max(ranks) if better and len(ranks) > 1 else None
    return [
        f"<td class='n best'>{text}</td>"
        if best is not None and value is not None and better * value == best
        else text
        for text, value in told
    ]


def _nats(run: Contestant) -> tuple[str, float | None]:
    if run.evaluation is None:
        return short(None), None
    value = run.evaluation.nats("note")
    bound = "<small>at most</small>" if run.evaluation.kind == "bound" else ""
    return short(value, 4) + bound + between(*run.evaluation.between("note")), value


def _charged(run: Contestant) -> tuple[str, float | None]:
    if run.evaluation is None:
        return short(None), None
    value = run.evaluation.nats("note", plus_charge=True)
    low_high = run.evaluation.between("note", plus_charge=True)
    return short(value, 4) + between(*low_high), value if math.isfinite(value) else None


def _baseline(run: Contestant, name: str) -> tuple[str, float | None]:
    if run.evaluation is None or name not in run.evaluation.baselines:
        return short(None), None
    return short(run.evaluation.nats("note", name), 4), None


def _like_real(run: Contestant) -> tuple[str, float | None]:
    shares = [o.like_real for o in run.overlaps.values() if math.isfinite(o.like_real)]
    itself = [o.real_itself for o in run.overlaps.values() if math.isfinite(o.real_itself)]
    if not shares:
        return short(None), None
    value = float(np.median(shares))
    hope = f"<small>real itself {np.median(itself):.2f}</small>" if itself else ""
    return f"{value:.2f}{hope}", value


def _copied(run: Contestant) -> tuple[str, float | None]:
    if run.copies is None:
        return short(None), None
    kind = (
        "warn" if run.copies.copied_share > (run.copies.held_out_copied_share or 0) + 0.05 else ""
    )
    real = f"<small>real {run.copies.held_out_mean or 0:.3f}</small>"
    share = f"<small>{run.copies.copied_share:.0%} copies</small>"
    return f"<span class='{kind}'>{run.copies.mean:.3f}</span>{share}{real}", run.copies.mean


def _learned(run: Contestant) -> tuple[str, float | None]:
    corpus = run.bundle.index["corpus"]
    return f"{corpus['pieces']:,} pieces<small>{corpus['notes']:,} notes</small>", None


def _first_note(run: Contestant) -> tuple[str, float | None]:
    return seconds(run.speed.first_note_seconds), run.speed.first_note_seconds


def _notes_a_second(run: Contestant) -> tuple[str, float | None]:
    return short(run.speed.notes_a_second), run.speed.notes_a_second


def _missing(runs: Sequence[Contestant]) -> str:
    told = [
        f"<li>{escape(run.name)}, {escape(part)}: {escape(reason)}</li>"
        for run in runs
        for part, reason in run.missing.items()
    ]
    return (
        f"<h3>What could not be found out, or not fairly</h3><ul>{''.join(told)}</ul>"
        if told
        else ""
    )


# -- its parts -----------------------------------------------------------------------------------


def _likelihood(runs: Sequence[Contestant]) -> str:
    """A line for each run and for its baselines, nats a note."""
    scored = [(i, run, run.evaluation) for i, run in enumerate(runs) if run.evaluation]
    if not scored:
        return "<p>None of the runs has a likelihood.</p>"
    lines: list[tuple[str, str, float, tuple[float, float]]] = []
    for i, run, told in scored:
        lines.append((f"{dot(i)}{escape(run.name)}", colour(i), told.nats("note"),
                      told.between("note")))  # fmt: skip
    for i, _, told in scored:
        if "bigram" in told.baselines:
            lines.append((f"<span class='soft'>{dot(i)}bigram, its rows</span>", "c0",
                          told.nats("note", "bigram"), told.between("note", "bigram")))  # fmt: skip
    scale = Scale([each for told in lines for each in (told[2], *told[3])], zero=True)
    rows = "".join(
        line(
            name,
            scale.bar(*span, kind) + scale.dot(value, kind),
            short(value, 4) + between(*span),
        )
        for name, kind, value, span in lines
    )
    return (
        "<p class='soft'>Nats a note, from 0; less is better. Each run scored the pieces its "
        f"encoding can hold.</p><div class='plot'>{rows}</div>"
    )


def _measures(comparison: Comparison) -> str:
    """A row a measure: the real music's interval as a band, each run's mean on it."""
    runs = comparison.contestants
    head = [
        "",
        "",
        f"<span class='dot square c0'></span>{REAL}",
        *(f"{dot(i)}{escape(run.name)}" for i, run in enumerate(runs)),
    ]
    rows = [row for name in MEASURES if (row := _measure(name, comparison, runs)) is not None]
    return (
        "<p class='soft'>No measure is good by being high or low. The band is where the mean of "
        "real music lies; below each mean, how far the takes overlap with real pieces and, under "
        f"{REAL}, how far two halves of it do.</p>" + table(head, rows) + _histograms(runs)
    )


def _histograms(runs: Sequence[Contestant]) -> str:
    """Overlaps of what is no single number."""
    names = [name for name in runs[0].overlaps if name not in MEASURES]
    rows = [
        [
            escape(name.replace("_", " ")),
            short(next((_itself(run, name) for run in runs), None), 2),
            *(short(_overlap(run, name), 2) for run in runs),
        ]
        for name in names
    ]
    head = ["", REAL, *(f"{dot(i)}{escape(run.name)}" for i, run in enumerate(runs))]
    return f"<details><summary>Overlaps of histograms</summary>{table(head, rows)}</details>"


def _itself(run: Contestant, name: str) -> float | None:
    found = run.overlaps[name].real_itself
    return found if math.isfinite(found) else None


def _measure(name: str, comparison: Comparison, runs: Sequence[Contestant]) -> list[str] | None:
    real = mean_of(comparison.real_profile, name)
    means = [mean_of(run.profile, name) for run in runs]
    told = [each for each in (real, *means) if each is not None]
    if not told:
        return None
    scale = Scale([each[end] for each in told for end in ("mean", "low", "high")])
    strip = scale.bar(real["low"], real["high"], "band") if real else ""
    for i, each in enumerate(means):
        if each is not None:
            strip += scale.bar(each["low"], each["high"], colour(i), i)
            strip += scale.dot(
                each["mean"], colour(i), "", f"{runs[i].name}: {each['mean']:.4g}", i
            )
    row = MEASURES[name]
    overlaps = [run.overlaps[name] for run in runs if name in run.overlaps]
    itself = next((o.real_itself for o in overlaps if math.isfinite(o.real_itself)), None)
    cells = [_mean(real, itself)]
    cells += [_mean(each, _overlap(run, name)) for each, run in zip(means, runs, strict=True)]
    return [
        f"<span title='{escape(row.what)}'>{escape(name.replace('_', ' '))}</span>"
        f"<small>{escape(row.unit)}</small>",
        f"<td><div class='track strip' style='--rows:{len(runs)}'>{strip}</div></td>",
        *cells,
    ]


def _overlap(run: Contestant, name: str) -> float | None:
    found = run.overlaps.get(name)
    return found.like_real if found is not None and math.isfinite(found.like_real) else None


def _mean(told: dict[str, Any] | None, overlap: float | None) -> str:
    if told is None:
        return short(None)
    share = "" if overlap is None else f"<small>{overlap:.2f}</small>"
    return f"{short(told['mean'])}{share}"


def _memorisation(runs: Sequence[Contestant]) -> str:
    judged = [(i, run.name, run.copies) for i, run in enumerate(runs) if run.copies]
    if not judged:
        return "<p>None of the runs tells what it learned from.</p>"
    scale = Scale([0.0, 1.0])
    lines = []
    for i, name, copies in judged:
        for label, scores, kind in (
            (f"{dot(i)}{escape(name)}", [v.score for v in copies.verdicts], colour(i)),
            ("<span class='soft'>real music against the same</span>", copies.held_out, "c0"),
        ):
            dots = "".join(scale.dot(score, kind, "small") for score in scores)
            lines.append(line(label, dots, f"{float(np.mean(scores or [0.0])):.3f}"))
    return (
        "<p class='soft'>The share of a take's notes in passages that the run's training music has "
        "too, in any key and tempo; a dot a take, from 0 to 1, and the mean.</p>"
        f"<div class='plot'>{''.join(lines)}</div>{_longest(judged)}"
    )


def _longest(judged: Sequence[tuple[int, str, Any]]) -> str:
    """The longest passages of all takes."""
    found = [
        (passage, verdict, i, name)
        for i, name, copies in judged
        for verdict in copies.verdicts
        for passage in verdict.passages[:1]
    ]
    if not found:
        return "<p>No take shares a passage with training music.</p>"
    found.sort(key=lambda each: -each[0].notes)
    rows = [
        [
            f"{dot(i)}{escape(name)}, {escape(verdict.name)}",
            f"{verdict.score:.2f}",
            str(passage.notes),
            f"{passage.first_bar}-{passage.last_bar}",
            f"<td>{escape(passage.piece)}<small>{passage.at:.0%} into it</small></td>",
        ]
        for passage, verdict, i, name in found[:8]
    ]
    head = ["Longest passages", "memorised", "notes", "bars", "<span>which are in</span>"]
    return table(head, rows)


def _samples(runs: Sequence[Contestant], samples: Sequence[Sample]) -> str:
    numbers = {run.name: i for i, run in enumerate(runs)}
    order = [*numbers, REAL]
    parts = []
    for of in order:
        own = [sample for sample in samples if sample.of == of]
        mark = dot(numbers[of]) if of in numbers else "<span class='dot square c0'></span>"
        figures = "".join(
            f"<figure><figcaption>{mark}{escape(of)} <span class='soft'>{escape(each.title)}</span>"
            f"</figcaption><div class='roll'><img alt='Piano roll of {escape(each.title)}' "
            f"src='{embedded(each.picture, 'image/png')}'></div>"
            f"<audio controls preload='none' src='{embedded(each.sound, 'audio/mpeg')}'></audio>"
            "</figure>"
            for each in own
        )
        parts.append(f"<div class='samples'>{figures}</div>")
    return "".join(parts)
