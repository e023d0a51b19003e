"""General MIDI's instruments by name. Source: MIDI 1.0, General MIDI level 1."""

from __future__ import annotations

from segue.errors import SegueError, nearest

FAMILIES: dict[str, str] = {
    "piano": "acoustic grand piano, bright acoustic piano, electric grand piano, honky-tonk piano, "
    "electric piano 1, electric piano 2, harpsichord, clavinet",
    "chromatic percussion": "celesta, glockenspiel, music box, vibraphone, marimba, xylophone, "
    "tubular bells, dulcimer",
    "organ": "drawbar organ, percussive organ, rock organ, church organ, reed organ, accordion, "
    "harmonica, tango accordion",
    "guitar": "nylon guitar, steel guitar, jazz guitar, clean guitar, muted guitar, "
    "overdriven guitar, distortion guitar, guitar harmonics",
    "bass": "acoustic bass, finger bass, pick bass, fretless bass, slap bass 1, slap bass 2, "
    "synth bass 1, synth bass 2",
    "strings": "violin, viola, cello, contrabass, tremolo strings, pizzicato strings, harp, "
    "timpani",
    "ensemble": "string ensemble 1, string ensemble 2, synth strings 1, synth strings 2, "
    "choir aahs, voice oohs, synth voice, orchestra hit",
    "brass": "trumpet, trombone, tuba, muted trumpet, french horn, brass section, synth brass 1, "
    "synth brass 2",
    "reed": "soprano sax, alto sax, tenor sax, baritone sax, oboe, english horn, bassoon, clarinet",
    "pipe": "piccolo, flute, recorder, pan flute, blown bottle, shakuhachi, whistle, ocarina",
    "synth lead": "square lead, saw lead, calliope lead, chiff lead, charang lead, voice lead, "
    "fifths lead, bass and lead",
    "synth pad": "new age pad, warm pad, polysynth pad, choir pad, bowed pad, metallic pad, "
    "halo pad, sweep pad",
    "synth effects": "rain, soundtrack, crystal, atmosphere, brightness, goblins, echoes, sci-fi",
    "ethnic": "sitar, banjo, shamisen, koto, kalimba, bagpipe, fiddle, shanai",
    "percussive": "tinkle bell, agogo, steel drums, woodblock, taiko drum, melodic tom, "
    "synth drum, reverse cymbal",
    "sound effects": "guitar fret noise, breath noise, seashore, bird tweet, telephone ring, "
    "helicopter, applause, gunshot",
}
NAMES: tuple[str, ...] = tuple(n for names in FAMILIES.values() for n in names.split(", "))
"""The 128 instruments in order of their program numbers."""

_ALSO = {
    "piano": 0, "electric piano": 4, "organ": 19, "guitar": 24, "bass": 32, "strings": 48,
    "choir": 52, "horn": 60, "sax": 65, "synth": 80,
}  # fmt: skip


def program(name: str) -> int:
    """The program (0 to 127) of an instrument by name or number; SegueError for neither."""
    asked = name.strip().lower()
    if asked.isdigit() and int(asked) < len(NAMES):
        return int(asked)
    if asked in _ALSO:
        return _ALSO[asked]
    if asked in NAMES:
        return NAMES.index(asked)
    raise SegueError(f"there is no instrument {name!r}; {nearest(asked, (*_ALSO, *NAMES))}.")
