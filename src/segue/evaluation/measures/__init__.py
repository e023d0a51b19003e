"""Musical measures: a table of numbers for a Score, each with its unit, definition and source.

None is good by being high or low: each is to be set beside that of real music (`compare_sets`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from segue.errors import SegueError, nearest
from segue.evaluation.measures import (
    drum,
    keys,
    pitch,
    polyphony,
    repeats,
    rhythm,
    scale,
    structure,
    velocity,
)
from segue.evaluation.measures.measure import MGEVAL, MUSDR, MUSPY, OWN, Measure
from segue.score import Score

_ROWS: tuple[tuple[Callable[[Score], float], str, str, str], ...] = (
    (pitch.n_pitches_used, "pitches", "different pitches", MUSPY),
    (pitch.n_pitch_classes_used, "classes", "different pitch classes", MUSPY),
    (pitch.pitch_range, "semitones", "from lowest to highest pitch", MUSPY),
    (pitch.pitch_entropy, "bits", "how evenly pitches are used", MUSPY),
    (pitch.pitch_class_entropy, "bits", "how evenly pitch classes are used", MUSPY),
    (pitch.average_pitch_shift, "semitones", "from a note to the next of its track", MGEVAL),
    (scale.pitch_in_scale_rate, "share", "notes in the scale of the key stated", MUSPY),
    (scale.scale_consistency, "share", "notes in the scale that fits best", MUSPY),
    (keys.key_clarity, "correlation", "agreement with the key that fits best", OWN),
    (keys.in_key_share, "share", "sounding time on notes of that key", OWN),
    (keys.key_stability, "share", "windows of 8 beats in the main key", OWN),
    (keys.modulations, "a 100 beats", "changes of key", OWN),
    (polyphony.polyphony, "pitches", "sounding at once, where any does", MUSPY),
    (polyphony.polyphony_rate, "share", "time with more than two pitches", MUSPY),
    (polyphony.silence_share, "share", "seconds without any note", OWN),
    (rhythm.empty_beat_rate, "share", "beats without any note", MUSPY),
    (rhythm.empty_measure_rate, "share", "bars without any note", MUSPY),
    (rhythm.groove_consistency, "share", "onsets alike in neighbouring bars", MUSPY),
    (rhythm.groove_similarity, "share", "onsets alike in all pairs of bars", MUSDR),
    (rhythm.average_inter_onset, "seconds", "from an onset to the next", MGEVAL),
    (rhythm.inter_onset_entropy, "bits", "how evenly those seconds are spread", OWN),
    (rhythm.average_duration, "beats", "length of a note", OWN),
    (rhythm.note_count, "notes", "notes, drums included", MGEVAL),
    (rhythm.notes_per_second, "a second", "notes, drums included", OWN),
    (rhythm.notes_per_beat, "a beat", "notes, drums included", OWN),
    (rhythm.density_deviation, "of mean", "how bars differ in notes", OWN),
    (drum.drum_in_pattern_rate, "share", "drum notes on duple places", MUSPY),
    (drum.drum_pattern_consistency, "share", "drum notes on duple or triple places", MUSPY),
    (velocity.velocity_mean, "velocity", "mean loudness", OWN),
    (velocity.velocity_deviation, "velocity", "spread of loudness", OWN),
    (velocity.velocity_entropy, "bits", "how evenly loudness is spread", OWN),
    (pitch.repeated_note_share, "share", "notes that repeat the one before", OWN),
    (repeats.longest_loop, "beats", "longest figure played 3 times or more", OWN),
    (repeats.loop_share, "share", "the piece that lies in such figures", OWN),
    (structure.entropy_1_bar, "bits", "pitch classes of a bar", MUSDR),
    (structure.entropy_4_bars, "bits", "pitch classes of four bars", MUSDR),
    (structure.chord_irregularity, "share", "triples of chords that are new", MUSDR),
    (structure.structure_short, "fitness", "segments of 2 to 3 bars that come back", MUSDR),
    (structure.structure_medium, "fitness", "segments of 4 to 6 bars that come back", MUSDR),
    (structure.structure_long, "fitness", "segments of 8 to 64 bars that come back", MUSDR),
)

MEASURES: dict[str, Measure] = {
    row[0].__name__: Measure(row[0].__name__, row[1], row[2], row[3], row[0]) for row in _ROWS
}
"""Every measure by name, in the order in which they are shown."""


def measure(score: Score, names: Sequence[str] | None = None) -> dict[str, float]:
    """The measures of that name (all of them without names) of one Score, NaN where undefined.

    Raises SegueError for a name that is not in the table.
    """
    for name in names or ():
        if name not in MEASURES:
            raise SegueError(f"there is no measure {name!r}; {nearest(name, MEASURES)}.")
    return {name: MEASURES[name].function(score) for name in (names or MEASURES)}


__all__ = ["MEASURES", "Measure", "measure"]
