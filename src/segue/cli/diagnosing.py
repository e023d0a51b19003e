"""How `segue doctor` tells what it found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from segue.cli import console
from segue.evaluation.plots import sparkline
from segue.formats.repairs import counted

if TYPE_CHECKING:
    from segue.judging.causes import Diagnosis
    from segue.judging.doctor import Report
    from segue.judging.learning_curve import Curve

MOST_NAMED = 3
SPARKS = 40


def show(report: Report) -> None:
    """A report as sentences: what, where, the likely cause, and commands to try."""
    out = console.out
    if report.healthy:
        out.print(f"{report.path}: nothing found{_looked_at(report)}.", soft_wrap=True)
        return
    out.print(report.path, style="bold", soft_wrap=True)
    _show_curve(report.curve)
    for remark in report.remarks:
        out.print(f"  training, {remark.name}: {remark.said}.", soft_wrap=True)
        _show_tries(remark.tries)
    for group in _alike(report):
        _show_alike(group, report)
    if len(report.patients) > 1:
        ill = sum(bool(patient.diagnoses) for patient in report.patients)
        out.print(f"  {ill} of {counted(len(report.patients), 'piece')} have something.")


def _show_curve(curve: Curve) -> None:
    """Losses of training and of held-out looks, a line each."""
    for name, points in (("training", curve.training), ("held out", curve.looks)):
        losses = [loss for _, loss in points if loss is not None]
        if len(losses) > 1:
            line, ends = sparkline(losses, SPARKS), f"{losses[0]:.3g} to {losses[-1]:.3g}"
            console.out.print(f"  {name} {line} {ends} by step {points[-1][0]}", soft_wrap=True)


def _looked_at(report: Report) -> str:
    count = len(report.patients)
    return f" in {counted(count, 'piece')}" if count > 1 else ""


def _alike(report: Report) -> list[list[tuple[str, Diagnosis]]]:
    """Diagnoses of one cause with one thing to try together, in the order in which they come."""
    groups: dict[tuple[str, tuple[str, ...]], list[tuple[str, Diagnosis]]] = {}
    for patient in report.patients:
        for diagnosis in patient.diagnoses:
            key = diagnosis.cause, diagnosis.tries
            groups.setdefault(key, []).append((patient.name, diagnosis))
    return list(groups.values())


def _show_alike(group: Sequence[tuple[str, Diagnosis]], report: Report) -> None:
    symptoms: dict[str, list[tuple[str, Diagnosis]]] = {}
    for name, diagnosis in group:
        symptoms.setdefault(diagnosis.finding.symptom, []).append((name, diagnosis))
    for symptom, found in symptoms.items():
        many = len(report.patients) > 1
        of = f" in {len(found)} of {len(report.patients)}" if many else ""
        console.out.print(f"  {symptom}{of}: {found[0][1].finding}.", soft_wrap=True)
        if len(found) > 1:
            _show_others(found)
    first = group[0][1]
    console.out.print(f"    likely cause: {first.cause}: {first.reason}.", soft_wrap=True)
    for other, why in first.also:
        console.out.print(f"    also: {other}: {why}.", soft_wrap=True)
    _show_tries(first.tries)


def _show_others(found: Sequence[tuple[str, Diagnosis]]) -> None:
    """Where the others have it: the first few."""
    listed = [f"{n}: {d.finding.value:.3g}, {_bars(d)}" for n, d in found[1 : 1 + MOST_NAMED]]
    left = len(found) - 1 - MOST_NAMED
    more = f"; and {left} more" if left > 0 else ""
    console.out.print(f"    that was {found[0][0]}; {'; '.join(listed)}{more}.", soft_wrap=True)


def _bars(diagnosis: Diagnosis) -> str:
    first, last = diagnosis.finding.bars
    return f"bar {first}" if first == last else f"bars {first} to {last}"


def _show_tries(tries: Sequence[str]) -> None:
    for number, each in enumerate(tries):
        console.out.print(f"    {'try:' if not number else ' or:'} {each}", soft_wrap=True)
