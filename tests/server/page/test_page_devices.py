"""What comes from and goes to other things than the mouse: a MIDI keyboard, a DAW, a told model."""

from __future__ import annotations

from pathlib import Path

from fake_studio import Fake
from studio_page import Studio

from segue import formats

KEYBOARD = """() => {
    const input = { name: 'Keystation', onmidimessage: null };
    navigator.requestMIDIAccess = async () => (
        { inputs: new Map([['1', input]]), onstatechange: null });
    window.strike = (...data) => input.onmidimessage({ data });
}"""
"""A browser that has a MIDI keyboard plugged in; `strike` is what it sends."""


def test_a_phrase_comes_from_a_midi_keyboard(studio: Studio) -> None:
    page = studio.page
    page.evaluate(KEYBOARD)
    page.click("#show-keys")
    page.click("text=Use a MIDI keyboard")
    page.wait_for_selector("#keys >> text=MIDI: Keystation")
    page.click("text=Record")
    for pitch, velocity, end in ((60, 100, 0x80), (64, 70, 0x90)):
        page.evaluate(f"strike(0x90, {pitch}, {velocity})")
        page.wait_for_timeout(150)
        # Some keyboards let go with a strike of velocity 0.
        page.evaluate(f"strike({end}, {pitch}, 0)")
    page.click("#keys >> text=Stop")
    notes = studio.ask("state.music.notes.map(n => [n.pitch, n.velocity])")
    assert notes == [[60, 100], [64, 70]]
    onsets = studio.ask("state.music.notes.map(n => n.onset)")
    assert onsets[1] > onsets[0]


def test_a_browser_without_midi_says_so(studio: Studio) -> None:
    page = studio.page
    page.evaluate("() => { navigator.requestMIDIAccess = undefined; }")
    page.click("#show-keys")
    page.click("text=Use a MIDI keyboard")
    page.wait_for_selector("text=This browser has no MIDI")
    page.evaluate("() => { navigator.requestMIDIAccess = async () => { throw new Error('no'); }; }")
    page.click("text=This browser has no MIDI")
    page.wait_for_selector("text=MIDI was not allowed")


def test_the_music_is_dragged_out_as_a_midi_file(studio: Studio, tune: Path) -> None:
    """What a desktop is handed when the handle is dragged: a file, and where it is."""
    page = studio.page
    page.set_input_files("#file", str(tune))
    studio.until("state.music.notes.length === 20")
    page.click("#away")
    handed = page.evaluate(
        """async () => {
            const data = new DataTransfer();
            document.querySelector('.dragout').dispatchEvent(
                new DragEvent('dragstart', { bubbles: true, dataTransfer: data }));
            const [kind, name, ...url] = data.getData('DownloadURL').split(':');
            const bytes = async (file) => [...new Uint8Array(await file.arrayBuffer())];
            return {
                kind, name,
                url: url.join(':'),
                file: await bytes(data.files[0]), called: data.files[0].name,
            };
        }"""
    )
    assert (handed["kind"], handed["name"], handed["called"]) == (
        "audio/midi", "tune.mid", "tune.mid",
    )  # fmt: skip
    assert handed["url"].startswith(f"blob:{studio.address}/")
    written = tune.with_name("dragged.mid")
    written.write_bytes(bytes(handed["file"]))
    assert formats.read(written).notes.tolist() == formats.read(tune).notes.tolist()


def test_a_model_that_was_told_is_asked_for_style_and_touch(
    studio: Studio, fake: Fake, tune: Path
) -> None:
    page = studio.page
    page.click("[data-way=generate]")
    page.click("summary")
    assert not page.query_selector("#wish-style")
    fake.told = True
    page.reload()
    studio.ready()
    studio.until("state.models && state.models[0].told")
    page.click("[data-way=generate]")
    if not page.is_visible("#wish-style"):
        page.click("summary")
    page.select_option("#wish-style", "romantic")
    page.select_option("#wish-touch", "shaped")
    page.click("#go")
    studio.until("!state.job && state.takes.length")
    (asked,) = fake.bodies("generate")
    assert (asked.wishes.style, asked.wishes.touch) == ("romantic", "shaped")
