"""`segue corpora`: the table, and what get prints."""


def test_ls_shows_every_row_with_its_terms(segue):
    ran = segue("corpora", "ls")
    assert ran.code == 0
    for word in ("bach-chorales", "maestro-v2", "59.2", "CC BY-NC-SA", "music21", "nes-mdb"):
        assert word in ran.out
    rows = segue("corpora", "ls", "--json").json
    assert {row["name"]: row["files"] for row in rows}["maestro-v2"] == 1282


def test_get_of_an_unknown_name_suggests(segue, tmp_path):
    ran = segue("corpora", "get", "maestro", "-o", tmp_path / "x")
    assert ran.code == 4
    assert "did you mean 'maestro-v" in ran.err


def test_get_prints_the_terms_and_the_number_of_files(segue, tmp_path, monkeypatch):
    from segue.data import corpora

    def write(folder, progress):
        folder.mkdir(parents=True)
        (folder / "a.mid").write_bytes(b"")
        progress(1, 1)
        return {"files": 1, "package": "music21 0", "terms": "the terms of music21"}

    monkeypatch.setattr(corpora, "write_chorales", write)
    ran = segue("corpora", "get", "bach-chorales", "-o", tmp_path / "x")
    assert ran.code == 0, ran.err
    assert "the terms of music21" in ran.err
    assert "public domain" in ran.err
    assert ran.out == f"{tmp_path / 'x'}: 1 files of bach-chorales.\n"
    ran = segue("corpora", "get", "bach-chorales", "-o", tmp_path / "x", "--json")
    assert ran.json["files"] == 1
