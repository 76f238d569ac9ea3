"""``toylab export page``: a file that is there is safe, and what cannot be written is said in a sentence."""

import os

import pytest
from commands import assert_mistake, run

from toylab.pages import live_page


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_the_page_is_one_file_of_at_most_400_kb(tmp_path):
    result = run("export page lab.html")
    assert (result.exit_code, result.stderr) == (0, "")
    assert os.listdir(tmp_path) == ["lab.html"]
    assert (tmp_path / "lab.html").stat().st_size <= 400_000


def test_networks_are_put_in_where_they_are_named(tmp_path):
    result = run("export page lab.html --network spiral --network moons")
    assert (result.exit_code, result.stderr) == (0, "")
    small = len(live_page().encode())
    assert 300_000 < (tmp_path / "lab.html").stat().st_size - small < 340_000


@pytest.mark.parametrize(
    ("network", "words"),
    [("nowhere", "nowhere"), ("digits", "points in the plane"), ("spiral --network spiral", "the only one")],
)
def test_a_network_that_a_page_cannot_have_is_told_and_nothing_is_written(tmp_path, network, words):
    assert_mistake(run(f"export page lab.html --network {network}"), words)
    assert os.listdir(tmp_path) == []


def test_the_suffix_is_added_where_there_is_none(tmp_path):
    assert "wrote lab.html" in run("export page lab").stdout


def test_a_file_that_is_there_is_kept_unless_forced(tmp_path):
    page = tmp_path / "lab.html"
    page.write_text("mine")
    assert_mistake(run("export page lab.html"), "lab.html", "--force")
    assert page.read_text() == "mine"
    assert run("export page lab.html --force").exit_code == 0
    assert page.read_text(encoding="utf-8") == live_page()


@pytest.mark.parametrize("place", ["lab.txt", "folder.html", "file/lab.html"])
def test_a_place_where_no_page_can_be_is_a_mistake_in_one_sentence(tmp_path, place):
    (tmp_path / "folder.html").mkdir()
    (tmp_path / "file").write_text("mine")
    assert_mistake(run(f"export page {place} --force"), place.split("/")[0])
    assert (tmp_path / "file").read_text() == "mine"


def test_a_full_disk_leaves_the_old_page_and_nothing_else(tmp_path, monkeypatch):
    page = tmp_path / "lab.html"
    page.write_text("mine")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    result = run("export page lab.html --force")
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1
    assert "No space left on device" in result.stderr and "lab.html" in result.stderr
    assert page.read_text() == "mine"
    assert os.listdir(tmp_path) == ["lab.html"]


def test_nothing_in_the_page_is_fetched_from_elsewhere():
    page = live_page()
    assert 'http-equiv="Content-Security-Policy" content="default-src \'none\'; ' in page
    assert not any(word in page for word in ("https:", "src=", "@import", "url(", "fetch(", "XMLHttpRequest"))


def test_export_alone_shows_its_help():
    assert run("export").stdout == run("export --help").stdout
