"""The studio as people use it, from opening a file to taking the music away."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fake_studio import Fake, problem
from studio_page import Studio

from segue import formats


def _opened(studio: Studio, path: Path) -> None:
    studio.page.set_input_files("#file", str(path))
    studio.until("state.music.notes.length > 0")


def _made(studio: Studio) -> None:
    studio.until("!state.job && state.takes.length && state.takes.every(t => t.status === 'done')")


def test_drop_hear_continue_keep_undo_download_reload(
    studio: Studio, fake: Fake, tune: Path
) -> None:
    page = studio.page
    # A file is dropped on the page, as a desktop does it.
    page.evaluate(
        """([bytes, name]) => {
            const transfer = new DataTransfer();
            transfer.items.add(new File([new Uint8Array(bytes)], name, { type: 'audio/midi' }));
            for (const kind of ['dragenter', 'dragover', 'drop'])
                document.querySelector('#surface').dispatchEvent(new DragEvent(kind,
                    { bubbles: true, cancelable: true, dataTransfer: transfer }));
        }""",
        [list(tune.read_bytes()), "tune.mid"],
    )
    studio.until("state.music.notes.length === 20")
    assert studio.ask("state.title") == "tune"

    # Hear it: sound is asked for in spans, and the playhead moves with it.
    page.click("#play")
    studio.until("studio.player.seconds() > 0.2")
    assert fake.bodies("render")[0].begin == 0
    page.click("#play")
    assert not studio.ask("studio.player.playing")

    # Continue: notes come in while the takes are made, and four takes lie side by side.
    fake.note_seconds = 0.1
    page.fill("#wish-bars", "2")
    page.click("#go")
    studio.until("state.takes.some(t => t.status === 'coming' && t.arrived > 0)")
    _made(studio)
    assert studio.ask("state.takes.length") == 4
    asked = fake.bodies("continue")[0]
    assert (asked.model, asked.takes, asked.bars, len(asked.music.notes)) == ("tiny", 4, 2, 20)

    # What the training music has too is searched for, and told.
    studio.until("state.takes.every(t => t.copied)")
    assert "in the training music" in page.inner_text(".take >> nth=0")
    assert fake.bodies("memorisation")[0].begin == asked.music.notes[-1].onset + 480

    # Keep the second: it is the piece now, its new notes marked, and its receipt kept.
    page.click("text=Keep >> nth=1")
    assert studio.ask("state.music.notes.length") == 28
    assert studio.ask("state.music.notes.filter(n => n.fresh).length") == 8
    assert studio.ask("state.music.notes.filter(n => n.memorised).length") == 4
    assert studio.ask("state.takes.length") == 0
    assert studio.ask("state.provenance[0].receipt.bundle") == "chorale-lstm"

    # Undo brings the other takes back; redo keeps it again.
    page.click("#undo")
    assert studio.ask("[state.music.notes.length, state.takes.length]") == [20, 4]
    page.click("#redo")
    assert studio.ask("[state.music.notes.length, state.takes.length]") == [28, 0]

    # Take it away as MIDI: another reader finds the same notes.
    page.click("#away")
    with page.expect_download() as download:
        page.click("[data-format=mid]")
    written = tune.with_name("kept.mid")
    download.value.save_as(written)
    score = formats.read(written)
    assert len(score) == 28
    assert [track.name for track in score.tracks] == ["Melody", "Bass"]
    with page.expect_download() as download:
        page.click("[data-format=receipt]")
    receipt = json.loads(Path(download.value.path()).read_text())
    assert receipt["steps"][0]["way"] == "continue"
    assert receipt["licences"][0]["training_music"] == "public domain"
    page.keyboard.press("Escape")

    # Reload: all of it is still there, undo too.
    page.wait_for_timeout(500)
    page.reload()
    studio.ready()
    assert studio.ask("[state.title, state.music.notes.length]") == ["tune", 28]
    page.click("#undo")
    assert studio.ask("[state.music.notes.length, state.takes.length]") == [20, 4]


def test_lock_and_remake(studio: Studio, fake: Fake, tune: Path) -> None:
    page = studio.page
    _opened(studio, tune)
    page.click("[data-way=infill]")
    page.fill("[aria-label='First bar to remake']", "2")
    page.press("[aria-label='First bar to remake']", "Tab")
    page.fill("[aria-label='Last bar to remake']", "3")
    page.press("[aria-label='Last bar to remake']", "Tab")
    page.uncheck(".tracks-chosen >> text=Bass")
    # One note within those bars is locked by hand.
    page.evaluate(
        "studio.store.set({ picked: new Set([studio.shown().notes.find("
        "n => n.track === 0 && n.onset === 1920).id]) })"
    )
    page.focus("#field")
    page.keyboard.press("l")
    page.click("#go")
    _made(studio)
    asked = fake.bodies("infill")[0]
    assert (asked.first_bar, asked.last_bar, asked.tracks) == (1, 3, (0,))
    page.click("text=Keep >> nth=0")
    before = formats.read(tune).notes
    after = studio.ask("state.music.notes.map(n => [n.onset, n.track, n.pitch, !!n.fresh])")
    outside = [
        [int(n["onset"]), int(n["track"]), int(n["pitch"]), False]
        for n in before
        if n["track"] == 1 or not 1920 <= n["onset"] < 5760
    ]
    assert [n for n in after if n in outside] == outside
    locked = next(int(n["pitch"]) for n in before if n["onset"] == 1920 and n["track"] == 0)
    assert [1920, 0, locked, False] in after


def test_a_locked_track_is_not_remade(studio: Studio, fake: Fake, tune: Path) -> None:
    page = studio.page
    _opened(studio, tune)
    page.click("[aria-label='Lock Bass']")
    page.click("[data-way=infill]")
    page.click("#go")
    _made(studio)
    assert fake.bodies("infill")[0].tracks == (0,)
    page.click("text=Back to the piece")
    page.click("[aria-label='Lock Melody']")
    assert "locked" in page.inner_text("#go-why")
    assert not page.is_enabled("#go")


def test_everything_by_keyboard(studio: Studio, fake: Fake) -> None:
    page = studio.page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.focus(".example")
    page.keyboard.press("Enter")
    studio.until("studio.player.playing")
    page.focus("#field")
    page.keyboard.press("Space")
    assert not studio.ask("studio.player.playing")
    page.keyboard.press("Home")

    # Walk among the notes; each is said.
    page.keyboard.press("ArrowRight")
    said = page.locator("#said").inner_text()
    assert "bar 1 beat 1" in said and "velocity 66" in said
    before = studio.ask("studio.shown().notes.find(n => state.picked.has(n.id))")
    page.keyboard.press("Alt+ArrowUp")
    page.keyboard.press("Alt+Shift+ArrowRight")
    page.keyboard.press("]")
    after = studio.ask("studio.shown().notes.find(n => state.picked.has(n.id))")
    assert after["pitch"] == before["pitch"] + 1
    assert after["duration"] == before["duration"] + 480 // 4
    assert after["velocity"] == before["velocity"] + 8
    count = studio.ask("state.music.notes.length")
    page.keyboard.press("n")
    assert studio.ask("state.music.notes.length") == count + 1
    page.keyboard.press("Delete")
    assert studio.ask("state.music.notes.length") == count
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    assert studio.ask("state.music.notes.find(n => n.id === " + str(before["id"]) + ")") == before

    # Make, hear, keep.
    page.keyboard.press("m")
    _made(studio)
    page.keyboard.press("2")
    assert studio.ask("state.takes.find(t => t.id === state.heard).number") == 2
    page.keyboard.press("k")
    assert studio.ask("state.music.notes.length") > count
    page.keyboard.press("?")
    assert page.locator("#sheet-help").is_visible()
    page.keyboard.press("Escape")
    assert not page.locator("#sheet-help").is_visible()


def test_drawing_moving_and_lengthening_notes(studio: Studio) -> None:
    page = studio.page
    page.click("text=Draw notes")
    box = page.locator("#field").bounding_box()
    x, y = box["x"] + 200, box["y"] + 200
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 120, y, steps=4)
    page.mouse.up()
    (drawn,) = studio.ask("state.music.notes")
    assert drawn["duration"] > 120
    page.click("[data-tool=select]")
    row, per_tick = studio.ask("[studio.roll.view.row, studio.roll.view.perTick]")
    page.mouse.move(x + 20, y)
    page.mouse.down()
    page.mouse.move(x + 20 + 480 * per_tick, y - 2 * row, steps=4)
    page.mouse.up()
    (moved,) = studio.ask("state.music.notes")
    assert moved["pitch"] == drawn["pitch"] + 2
    assert moved["onset"] == drawn["onset"] + 480
    # One drag is one step back.
    page.click("#undo")
    assert studio.ask("state.music.notes") == [drawn]


def test_a_phrase_is_recorded_from_the_computer_keys(studio: Studio) -> None:
    page = studio.page
    page.click("text=Play a phrase")
    page.click("text=Record")
    for key in "adg":
        page.keyboard.down(key)
        page.wait_for_timeout(60)
        page.keyboard.up(key)
    assert studio.ask("state.music.notes.map(n => n.pitch)") == [60, 64, 67]
    page.click("#keys >> text=Stop")


def test_nothing_is_asked_of_other_machines(browser: object, fake: Fake, tune: Path) -> None:
    context = browser.new_context()  # type: ignore[attr-defined]
    outside: list[str] = []

    def only_here(route: object) -> None:
        url = route.request.url  # type: ignore[attr-defined]
        if url.startswith((fake.address, "blob:", "data:")):
            route.continue_()  # type: ignore[attr-defined]
        else:
            outside.append(url)
            route.abort()  # type: ignore[attr-defined]

    context.route("**/*", only_here)
    studio = Studio(context.new_page(), fake.address).open()
    _opened(studio, tune)
    studio.page.click("[data-look=both]")
    studio.page.click("#go")
    _made(studio)
    for view in ("judge", "listen", "train"):
        studio.page.click(f".tabs a[href='#{view}']")
        studio.until(f"document.querySelector('#{view} h2')")
    context.close()
    assert outside == []
    assert studio.troubles == []


def test_a_broken_file_says_what_to_do(studio: Studio, tmp_path: Path, tune: Path) -> None:
    broken = tmp_path / "broken.mid"
    broken.write_bytes(b"MThd not a MIDI file")
    studio.page.set_input_files("#file", str(broken))
    studio.page.wait_for_selector(".notice.bad")
    assert "broken.mid" in studio.page.inner_text(".notice.bad")
    assert studio.page.locator(".notice.bad >> text=Choose another").is_visible()
    assert studio.ask("state.music.notes.length") == 0
    _opened(studio, tune)
    assert studio.page.locator(".notice.bad").count() == 0


def test_a_refusal_is_told_in_its_own_words(studio: Studio, fake: Fake, tune: Path) -> None:
    _opened(studio, tune)
    fake.refuse = problem(429, "64 jobs wait already.", **{"Retry-After": "1"})
    studio.page.click("#go")
    notice = studio.page.wait_for_selector(".notice.bad")
    assert "64 jobs wait already. Try again in 1 s." in notice.inner_text()
    studio.page.click("button >> text=Try again in 1 s")
    _made(studio)


def test_a_server_that_dies_in_the_middle(studio: Studio, fake: Fake, tune: Path) -> None:
    page = studio.page
    _opened(studio, tune)
    fake.hold_after = 3
    page.click("#go")
    studio.until("state.takes.some(t => t.arrived >= 3)")
    fake.stop()
    page.wait_for_selector(".notice.warn")
    assert "segue studio" in page.inner_text("#notices")
    # The music is there, can be changed and even heard.
    assert studio.ask("state.music.notes.length") == 20
    # It rises again: the job is taken up where it was, and the takes come.
    fake.hold_after = None
    fake.start()
    _made(studio)
    studio.until("!document.querySelector('.notice.warn')")
    assert studio.ask("state.takes.map(t => t.music.notes.length)") == [28, 28, 28, 28]


def test_without_a_server_music_sounds_and_can_be_saved(
    studio: Studio, fake: Fake, tune: Path
) -> None:
    page = studio.page
    _opened(studio, tune)
    fake.stop()
    page.click("#play")
    studio.until("studio.player.seconds() > 0.1")
    page.wait_for_selector(".notice.warn >> text=simple sound")
    page.click("#play")
    page.click("#away")
    with page.expect_download() as download:
        page.click("[data-format=mid]")
    written = tune.with_name("saved.mid")
    download.value.save_as(written)
    assert formats.read(written).notes.tolist() == formats.read(tune).notes.tolist()


def test_a_job_is_taken_up_after_a_reload(studio: Studio, fake: Fake, tune: Path) -> None:
    _opened(studio, tune)
    fake.note_seconds = 0.15
    studio.page.click("#go")
    studio.until("state.takes.some(t => t.arrived > 0)")
    studio.page.wait_for_timeout(450)
    studio.page.reload()
    studio.ready()
    _made(studio)
    assert len(fake.bodies("continue")) == 1


def test_stop_cancels_the_job(studio: Studio, fake: Fake, tune: Path) -> None:
    _opened(studio, tune)
    fake.hold_after = 2
    studio.page.click("#go")
    studio.until("state.takes.some(t => t.arrived > 0)")
    studio.page.click("#go")
    studio.until("!state.job && !state.takes.length")
    (job,) = fake.jobs.values()
    assert job["status"] == "cancelled"


@pytest.mark.parametrize("way", ["accompany", "vary", "loop", "generate"])
def test_each_way_is_asked_for_as_the_service_has_it(
    studio: Studio, fake: Fake, tune: Path, way: str
) -> None:
    _opened(studio, tune)
    studio.page.click(f"[data-way={way}]")
    studio.page.click("summary")
    if way != "vary":
        studio.page.fill("#wish-chords", "Am F")
        studio.page.select_option("#wish-key", "A minor")
    studio.page.fill("#seed", "7")
    studio.page.press("#seed", "Tab")
    studio.page.click("#go")
    _made(studio)
    (asked,) = fake.bodies(way)
    assert asked.seed == 7
    if way != "vary":
        assert (asked.wishes.chords, asked.wishes.key) == ("Am F", "A minor")


def test_notes_of_a_job_that_was_begun_again_are_dropped(
    studio: Studio, fake: Fake, tune: Path
) -> None:
    """The process that makes music fell while the page listened; the server did not."""
    _opened(studio, tune)
    fake.falls_after = 5
    fake.hold_after = 0
    fake.note_seconds = 0.1
    studio.page.click("#go")
    studio.until("state.takes.some(t => t.arrived > 0)")
    # Nothing has been told anew yet, and what was told before is no more.
    studio.page.wait_for_selector(".notice.warn >> text=begun again")
    studio.until("state.takes.every(t => t.arrived === 0)", 5)
    assert studio.ask("state.takes.map(t => t.music.notes.length)") == [20, 20, 20, 20]
    fake.hold_after = None
    _made(studio)
    assert studio.ask("state.takes.map(t => t.music.notes.length)") == [28, 28, 28, 28]


def test_takes_keep_their_numbers(studio: Studio, tune: Path) -> None:
    page = studio.page
    _opened(studio, tune)
    page.click("#go")
    _made(studio)
    page.click("[aria-label='Reject take 1']")
    page.focus("#field")
    page.keyboard.press("2")
    assert studio.ask("state.takes.find(t => t.id === state.heard).number") == 2
    page.click("#go")
    _made(studio)
    assert studio.ask("state.takes.map(t => t.number)") == [2, 3, 4, 5, 6, 7, 8]


def test_a_tune_is_chosen_from_a_book(studio: Studio, tmp_path: Path) -> None:
    page = studio.page
    book = tmp_path / "book.abc"
    tunes = [
        f"X:{n}\nT:{name}\nM:3/4\nL:1/4\nK:G\n{notes}|\n"
        for n, (name, notes) in enumerate(
            (("The First", "GAB"), ("The Second", "d2B"), ("A Third", "gfe")), 1
        )
    ]
    book.write_text("A book of tunes\n\n" + "\n".join(tunes))
    page.set_input_files("#file", str(book))
    page.wait_for_selector("text=Which of the 3 tunes of book.abc?")
    page.fill("#find-tune", "second")
    assert page.locator(".tunes button").count() == 1
    page.click(".tunes button")
    studio.until("state.music.notes.length")
    assert studio.ask("[state.title, state.music.notes.map(n => n.pitch)]") == [
        "The Second", [74, 71],
    ]  # fmt: skip


def test_a_piece_that_is_not_whole_is_refused(studio: Studio, tmp_path: Path, tune: Path) -> None:
    _opened(studio, tune)
    piece = tmp_path / "piece.json"
    music = {"ticks_per_quarter": 480, "tracks": [{"name": "", "program": 0, "drums": False}]}
    note = {"track": 3, "onset": 0, "duration": 1, "pitch": 60, "velocity": 80}
    piece.write_text(json.dumps({"music": {**music, "notes": [note]}}))
    studio.page.set_input_files("#file", str(piece))
    studio.page.wait_for_selector(".notice.bad >> text=holds no music as the studio writes it")
    assert studio.ask("state.title") == "tune"


def test_a_wish_that_is_refused_is_not_tried_again(studio: Studio, fake: Fake, tune: Path) -> None:
    _opened(studio, tune)
    fake.refuse = problem(422, "the chord came as 'Hm9x'; write symbols such as Am.")
    studio.page.click("#go")
    notice = studio.page.wait_for_selector(".notice.bad")
    assert notice.inner_text().strip() == "The chord came as 'Hm9x'; write symbols such as Am."


def test_one_message_tells_of_a_server_that_is_gone(studio: Studio, fake: Fake, tune: Path) -> None:
    page = studio.page
    _opened(studio, tune)
    fake.stop()
    page.click("#play")
    page.wait_for_selector(".notice.warn")
    page.click("#go")
    page.click("#away")
    page.click("[data-format=wav]")
    studio.until("!document.querySelector('dialog[open]')")
    assert page.locator(".notice").count() == 1
    fake.start()
    page.wait_for_selector(".notice.good")
    studio.until("document.querySelectorAll('.notice.warn').length === 0")
