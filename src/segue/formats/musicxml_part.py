"""The parts of a MusicXML score, measure by measure, in ticks and not yet unfolded.

Source: the MusicXML 4.0 reference. Every handler takes one kind of element of a measure.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from xml.etree.ElementTree import Element

from segue.errors import LimitError
from segue.formats.dynamics import DEFAULT_VELOCITY, VELOCITIES
from segue.formats.limits import BEATS
from segue.formats.musicxml_model import Instrument, Measure, Note, Part, attribute, number
from segue.score import Text

FORTE = 90
"""The velocity that MusicXML counts its percentages of loudness from."""
_STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_QUARTERS = {"breve": 8.0, "whole": 4.0, "half": 2.0, "quarter": 1.0, "eighth": 0.5, "16th": 0.25}
_CHORD_KINDS = {
    "major": "",
    "minor": "m",
    "dominant": "7",
    "major-seventh": "maj7",
    "minor-seventh": "m7",
    "diminished": "dim",
    "diminished-seventh": "dim7",
    "half-diminished": "m7b5",
    "augmented": "aug",
    "suspended-fourth": "sus4",
    "suspended-second": "sus2",
    "major-sixth": "6",
    "minor-sixth": "m6",
    "dominant-ninth": "9",
    "major-ninth": "maj9",
    "minor-ninth": "m9",
    "power": "5",
}
# What a drum is where the score does not say, by where it is drawn: General MIDI's numbers.
_DRAWN_DRUMS = {"F4": 36, "A4": 41, "C5": 38, "D5": 47, "E5": 48, "F5": 43, "G5": 42, "A5": 49}
_SNARE = 38
GRACE_BEATS = 1 / 8


class PartReader:
    """Reads the measures of one part in order; `leave_out` is told what was not understood."""

    def __init__(
        self,
        part: Part,
        instruments: dict[str, Instrument],
        ticks_per_beat: int,
        leave_out: Callable[[str], None],
    ) -> None:
        self.part = part
        self._instruments = instruments
        self._default = next(iter(instruments.values()), Instrument())
        self._leave_out = leave_out
        self._ticks = ticks_per_beat
        self._divisions = 1.0
        self._semitones = 0
        self._diatonic = 0
        self._velocity = DEFAULT_VELOCITY
        self._endings: frozenset[int] = frozenset()
        self._measure = Measure()
        self._at = 0
        self._last_onset = 0
        self._delay = 0
        # Grace notes waiting for the note they lead to: pitches that sound together, in order.
        self._graces: list[list[int]] = []

    def read(self, element: Element) -> None:
        """Read one `measure` element as the part's next measure."""
        self._measure = Measure()
        self._measure.signs.endings = self._endings
        self._at = self._last_onset = 0
        self._graces = []
        stops_ending = False
        for child in element:
            handler = _HANDLERS.get(child.tag)
            if handler is not None:
                handler(self, child)
            elif child.tag == "barline":
                stops_ending = self._barline(child) or stops_ending
        if stops_ending:
            self._endings = frozenset()
        self.part.measures.append(self._measure)

    # -- time -----------------------------------------------------------------------------------

    def _duration(self, element: Element) -> int:
        """The `duration` of an element in ticks; 0 if it is missing or absurd."""
        value = number(element, "duration")
        if value is None or value <= 0:
            return 0
        beats = value / self._divisions
        if beats > BEATS:
            raise LimitError(
                f"a duration of {beats:,.0f} beats stands in part {self.part.name!r}: this is "
                "damage, not music; mend or remove it."
            )
        return round(beats * self._ticks)

    def _advance(self, ticks: int) -> None:
        self._at = max(self._at + ticks, 0)
        self._measure.length = max(self._measure.length, self._at)

    def _backup(self, element: Element) -> None:
        self._advance(-self._duration(element))
        self._graces = []

    def _forward(self, element: Element) -> None:
        self._advance(self._duration(element))

    # -- notes ----------------------------------------------------------------------------------

    def _note(self, element: Element) -> None:
        parts = {child.tag: child for child in element}
        together = "chord" in parts
        if "grace" in parts:
            self._grace(parts, together)
            return
        duration = self._duration(element)
        onset = self._last_onset if together else self._at
        if not together:
            self._delay = 0
            self._last_onset = self._at
            self._advance(duration)
        if "rest" in parts or "cue" in parts:
            self._graces = []
            return
        instrument = self._instrument(parts)
        pitch = self._pitch(parts, instrument)
        if pitch is None or not duration:
            return
        velocity = self._velocity
        if (percent := attribute(element, "dynamics")) is not None:
            velocity = _velocity(percent)
        if self._graces:
            self._play_graces(onset, duration, velocity, instrument)
        ties = {tie.get("type") for tie in element.iterfind("tie")}
        if not ties and "notations" in parts:
            ties = {tie.get("type") for tie in parts["notations"].iterfind("tied")}
        delay = min(self._delay, duration - 1)
        note = Note(onset + delay, duration - delay, pitch, velocity, instrument)
        note.tied = "start" in ties
        self._measure.notes.append(note)
        if "lyric" in parts:
            self._lyric(element, onset)

    def _instrument(self, parts: dict[str, Element]) -> Instrument:
        if "instrument" in parts:
            return self._instruments.get(parts["instrument"].get("id", ""), self._default)
        return self._default

    def _pitch(self, parts: dict[str, Element], instrument: Instrument) -> int | None:
        """The sounding MIDI pitch, None where there is none."""
        if "pitch" in parts:
            step = (parts["pitch"].findtext("step") or "").strip().upper()
            octave = number(parts["pitch"], "octave")
            alter = number(parts["pitch"], "alter") or 0.0
            if step not in _STEPS or octave is None:
                self._leave_out("a note without a proper step and octave was left out")
                return None
            if alter != round(alter):
                self._leave_out("a microtone was read as the nearest half tone")
            pitch = 12 * (octave + 1) + _STEPS[step] + alter + self._semitones
            # Half a semitone goes towards the natural, as a reader without the sign would play.
            pitch = int(pitch) if alter > 0 else -int(-pitch // 1)
        elif "unpitched" in parts:
            drawn = parts["unpitched"]
            where = f"{drawn.findtext('display-step')}{drawn.findtext('display-octave')}"
            pitch = _DRAWN_DRUMS.get(where, _SNARE)
            pitch = instrument.drum if instrument.drum is not None else pitch
        else:
            return None
        if not 0 <= pitch <= 127:
            self._leave_out("a note outside of MIDI's 128 pitches was left out")
            return None
        return int(pitch)

    def _grace(self, parts: dict[str, Element], together: bool) -> None:
        pitch = self._pitch(parts, self._instrument(parts)) if "cue" not in parts else None
        if pitch is None:
            return
        if together and self._graces:
            self._graces[-1].append(pitch)
        elif len(self._graces) < 16:
            self._graces.append([pitch])

    def _play_graces(self, onset: int, duration: int, velocity: int, by: Instrument) -> None:
        """Sound the grace notes waiting; they take at most half of the note they lead to."""
        each = min(int(GRACE_BEATS * self._ticks), duration // 2 // len(self._graces))
        for i, pitches in enumerate(self._graces if each else ()):
            for pitch in pitches:
                self._measure.notes.append(Note(onset + i * each, each, pitch, velocity, by))
        self._delay = each * len(self._graces)
        self._graces = []

    def _lyric(self, element: Element, onset: int) -> None:
        for lyric in element.iterfind("lyric"):
            if lyric.get("number", "1") in ("1", "verse1") and (text := lyric.findtext("text")):
                self._measure.texts.append(Text(onset, text[:200], "lyric"))
                return

    # -- attributes -----------------------------------------------------------------------------

    def _attributes(self, element: Element) -> None:
        for child in element:
            if child.tag == "divisions":
                value = number(child)
                if value is not None and 0 < value <= 1e6:
                    self._divisions = value
            elif child.tag == "time":
                self._time(child)
            elif child.tag == "transpose":
                chromatic, octave = number(child, "chromatic"), number(child, "octave-change")
                self._semitones = round((chromatic or 0) + 12 * (octave or 0))
                self._diatonic = round((number(child, "diatonic") or 0) + 7 * (octave or 0))
                self.part.transposes = self._semitones % 12 != 0
            elif child.tag == "key":
                self._key(child)

    def _key(self, element: Element) -> None:
        fifths = number(element, "fifths")
        if fifths is None:
            return
        sounding = round(fifths) + 7 * self._semitones - 12 * self._diatonic
        sounding = (sounding + 5) % 12 - 5 if abs(sounding) > 7 else sounding
        minor = (element.findtext("mode") or "").strip().lower() in ("minor", "aeolian")
        self._measure.keys.append((self._at, sounding, minor))

    def _time(self, element: Element) -> None:
        overs, unders = element.findall("beats"), element.findall("beat-type")
        total, under = 0, 1
        for beats, beat_type in zip(overs, unders, strict=False):
            try:
                over = sum(int(part) for part in (beats.text or "").split("+"))
                below = int(beat_type.text or "")
            except ValueError:
                over = below = 0
            if over < 1 or below not in (1, 2, 4, 8, 16, 32, 64, 128):
                self._leave_out("a time signature that is no metre was left out")
                return
            shared = max(under, below)
            total, under = total * shared // under + over * shared // below, shared
        if 1 <= total <= 255:
            self._measure.metre = (total, under)

    # -- directions -----------------------------------------------------------------------------

    def _direction(self, element: Element) -> None:
        at = self._moment(element)
        told_tempo = False
        if (sound := element.find("sound")) is not None:
            told_tempo = self._sound(sound, at)
        for kind in element.iterfind("direction-type"):
            for child in kind:
                text = (child.text or "").strip()
                if child.tag == "dynamics" and (sound is None or not sound.get("dynamics")):
                    mark = next((mark.tag for mark in child if mark.tag in VELOCITIES), None)
                    self._velocity = VELOCITIES[mark] if mark else self._velocity
                elif child.tag == "metronome" and not told_tempo:
                    self._metronome(child, at)
                elif child.tag == "pedal" and child.get("type") in ("start", "stop"):
                    self._measure.pedals.append((at, 127 * (child.get("type") == "start")))
                elif child.tag in ("segno", "coda"):
                    self._sign(child.tag)
                elif child.tag in ("words", "rehearsal") and text:
                    self._measure.texts.append(Text(at, text[:200], "marker"))

    def _moment(self, element: Element) -> int:
        """Where a direction holds: here, or by its `offset` from here."""
        beats = (number(element, "offset") or 0.0) / self._divisions
        return max(self._at + round(max(min(beats, 1e4), -1e4) * self._ticks), 0)

    def _sign(self, name: str) -> None:
        # The jump to the coda is told by a `sound`; a coda sign alone is where it leads.
        if name == "segno" or not self._measure.signs.to_coda:
            setattr(self._measure.signs, name, True)

    def _sound(self, element: Element, at: int | None = None) -> bool:
        """Tempo, loudness and jumps of a `sound` element; whether it gave a tempo."""
        at = self._moment(element) if at is None else at
        signs = self._measure.signs
        if element.get("tocoda"):
            signs.to_coda, signs.coda = True, False
        signs.segno = signs.segno or bool(element.get("segno"))
        signs.coda = signs.coda or (bool(element.get("coda")) and not element.get("tocoda"))
        signs.fine = signs.fine or bool(element.get("fine"))
        if element.get("dacapo") == "yes":
            signs.jump = "capo"
        elif element.get("dalsegno"):
            signs.jump = "segno"
        if (percent := attribute(element, "dynamics")) is not None:
            self._velocity = _velocity(percent)
        rate = attribute(element, "tempo")
        return rate is not None and self._tempo(at, rate)

    def _metronome(self, element: Element, at: int) -> None:
        unit = _QUARTERS.get((element.findtext("beat-unit") or "").strip())
        words = (element.findtext("per-minute") or "").strip().lstrip("c.a~ ")
        digits = words.split("-")[0].split()[:1]
        try:
            rate = float(digits[0]) if digits else math.nan
        except ValueError:
            return
        if unit is not None:
            self._tempo(at, rate * unit * (1.5 if element.find("beat-unit-dot") is not None else 1))

    def _tempo(self, at: int, rate: float) -> bool:
        if not 4 <= rate <= 10_000:
            return False
        self._measure.tempi.append((at, rate))
        return True

    def _harmony(self, element: Element) -> None:
        """A chord symbol as a text, such as `F#m7/C#`."""
        step = element.findtext("root/root-step")
        if not step:
            return
        root = step.strip() + _sign(number(element.find("root"), "root-alter"))
        kind = element.find("kind")
        told = (kind.text or "").strip() if kind is not None else ""
        suffix = _CHORD_KINDS.get(told, kind.get("text", "") if kind is not None else "")
        bass = element.findtext("bass/bass-step")
        if bass:
            suffix += "/" + bass.strip() + _sign(number(element.find("bass"), "bass-alter"))
        self._measure.texts.append(Text(self._moment(element), (root + suffix)[:200], "text"))

    # -- bar lines ------------------------------------------------------------------------------

    def _barline(self, element: Element) -> bool:
        """Repeats and endings; whether an ending stops with this measure."""
        signs = self._measure.signs
        stops = False
        if (ending := element.find("ending")) is not None:
            if ending.get("type") == "start":
                self._endings = _ending_numbers(ending.get("number", ""))
                signs.endings = self._endings
            else:
                stops = True
        if (repeat := element.find("repeat")) is not None:
            if repeat.get("direction") == "forward":
                signs.forward = True
            elif repeat.get("direction") == "backward":
                signs.times = int(max(min(attribute(repeat, "times") or 2, 99), 2))
        return stops


def _ending_numbers(text: str) -> frozenset[int]:
    numbers = (part.strip(" .") for part in text.replace(" ", ",").split(","))
    return frozenset(int(n) for n in numbers if n.isdecimal() and 1 <= int(n) <= 99) or frozenset(
        {1}
    )


def _velocity(percent: float) -> int:
    return int(max(1, min(127, round(percent * FORTE / 100))))


def _sign(alter: float | None) -> str:
    return {1: "#", -1: "b", 2: "##", -2: "bb"}.get(round(alter or 0), "")


_HANDLERS: dict[str, Callable[[PartReader, Element], object]] = {
    "note": PartReader._note,
    "backup": PartReader._backup,
    "forward": PartReader._forward,
    "attributes": PartReader._attributes,
    "direction": PartReader._direction,
    "sound": PartReader._sound,
    "harmony": PartReader._harmony,
}
