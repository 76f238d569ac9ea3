"""The site: all lessons as pages without a dead link, a foreign address or a script that its policy does not name."""

import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest
from browser import open_page, settled
from typer.testing import CliRunner

from scripts import walk
from toylab._shipped import shipped
from toylab.cli import app
from toylab.pages import notebook, site, text, write_site

pytestmark = pytest.mark.slow

BOOKS = sorted(path.stem for path in shipped("notebooks").glob("*.ipynb"))
PLAYER = """from toylab import sweep, exact_eps, datasets
eps = exact_eps(datasets.get("moons").curve(60), "linear")
found = sweep(eps, "linear", methods=["DDIM", "RK4"], steps=[2, 4], n=32, manifold="moons")"""


class Tags(HTMLParser):
    """Every tag of a page, as (name, attributes)."""

    def __init__(self, page):
        super().__init__()
        self.found = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


@pytest.fixture(scope="module")
def files():
    return site.site_files(live=False, say=lambda line: None)


@pytest.fixture(scope="module")
def pages(files):
    return {name: Tags(page).found for name, page in files.items() if name.endswith(".html")}


def test_every_notebook_and_document_is_a_page_of_the_site(pages):
    documents = [path.stem for path in shipped("docs").glob("*.md")]
    assert set(pages) == {f"{stem}.html" for stem in (*BOOKS, *documents, "index", "lab")}


def test_no_link_is_dead_and_none_but_those_of_texts_leads_out(pages, files):
    for name, tags in pages.items():
        for tag, attributes in tags:
            address = attributes.get("href") or attributes.get("src") or ""
            if re.match(r"data:|https?://", address):
                assert tag == "a" or address.startswith("data:"), (name, address)
                continue
            path, _, part = address.partition("#")
            assert not path or path in files, (name, address)
            if part and path not in ("", site.LAB):
                assert any(each.get("id") == part for _, each in pages[path]), (name, address)


def test_every_page_but_the_first_is_reached_from_the_index_and_leads_back(pages):
    reached = {attributes.get("href", "").partition("#")[0] for _, attributes in pages["index.html"]}
    assert {*pages} - {"index.html"} <= reached
    for name in set(pages) - {site.LAB}:
        assert any(attributes.get("href") == "index.html" for _, attributes in pages[name])


def test_the_index_has_the_question_of_every_lesson_without_a_list(files):
    asked = re.findall(r"</a><p>(.*?)</p></li>", files["index.html"])
    assert len(asked) == len(BOOKS) and all(question.strip().endswith("?") for question in asked)
    assert not any("<li" in question or "The question" in question for question in asked)


def test_every_picture_has_words(pages):
    for name, tags in pages.items():
        assert all(attributes.get("alt") for tag, attributes in tags if tag == "img"), name


def test_pages_hold_the_pictures_and_tables_of_the_notebooks(pages, files):
    for stem in BOOKS:
        book = json.loads((shipped("notebooks") / f"{stem}.ipynb").read_text(encoding="utf-8"))
        outputs = [output.get("data", {}) for cell in book["cells"] for output in cell.get("outputs", [])]
        pictures = [tag for tag, _ in pages[f"{stem}.html"]].count("img")
        alive = site._number(stem) in site.LIVE_LABS and sum(
            "".join(data.get("text/plain", "")).startswith(notebook.LABS) for data in outputs
        )
        assert pictures == sum("image/png" in data for data in outputs) - alive
        shown = ["".join(data["text/html"]) for data in outputs if "text/html" in data and "image/png" not in data]
        assert files[f"{stem}.html"].count("<table") >= sum(part.count("<table") for part in shown)


def test_exercises_say_where_an_answer_is_checked(files):
    page = files["01_start_here.html"]
    assert "not attempted" not in page and page.count(notebook.CHECKED) == page.count("<details open>") > 0


def test_formulas_are_mathml_and_no_dollar_is_left(files):
    for stem in BOOKS:
        page = re.sub(r"<(pre|script)\b.*?</\1>", "", files[f"{stem}.html"], flags=re.DOTALL)
        assert "$" not in re.sub(r"<[^>]*>", "", page), stem
    assert files["02_noise_and_the_perfect_denoiser.html"].count("<math") > 10


def test_code_holds_no_formula_and_links_to_nothing_lose_their_link():
    page = text.to_html("`a$b$c` and $x_t$, [here](gone.md), [there](https://example.org)", lambda target: None)
    assert "<code>a$b$c</code>" in page and page.count("<math") == 1
    assert "<a" not in page and "here" in page


def test_the_corner_of_a_table_is_no_header():
    page = text.to_html("| | a |\n|---|--:|\n| b | 1 |", lambda target: None)
    assert page.count("<th") == 2 and "<td></td>" in page  # the row of headers, and one of them


def test_only_what_live_views_need_is_run():
    codes = {0: "import a\nx = a.f()", 1: "heavy = x + 1", 2: "y = x", 3: "show(y)"}
    assert notebook._needed(codes, {3}) == {0, 2, 3}


def test_a_folder_that_is_not_empty_is_kept_unless_forced(tmp_path):
    (tmp_path / "mine").write_text("mine")
    result = CliRunner().invoke(app, ["export", "site", str(tmp_path), "--still"])
    assert result.exit_code == 2 and "is not empty; --force" in result.output
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_the_pad_and_every_lab_are_alive(pages):
    framed = {site._number(name): [at["src"] for tag, at in tags if tag == "iframe"] for name, tags in pages.items()}
    for number, address in site.LIVE_LABS.items():
        assert framed[number] == [f"lab.html#{address}"]
    for stem in BOOKS:
        book = json.loads((shipped("notebooks") / f"{stem}.ipynb").read_text(encoding="utf-8"))
        if any(notebook.words_of(cell).startswith(notebook.LABS) for cell in book["cells"]):
            assert site._number(stem) in site.LIVE_LABS


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A site of one small notebook, with a live player and one that fails."""
    where, patch = tmp_path_factory.mktemp("site"), pytest.MonkeyPatch()
    cells = [
        {"cell_type": "markdown", "source": "# 1. One\n\nWhat is $\\mathrm{d}x$? [On](02_two.ipynb#more)", "id": "a"},
        {"cell_type": "code", "source": PLAYER, "outputs": []},
        {
            "cell_type": "code",
            "source": "from toylab.widgets import Player\nPlayer(found)",
            "outputs": [stored("Player(")],
        },
        {
            "cell_type": "code",
            "source": 'from toylab.lessons import predict\npredict("01b")',
            "outputs": [{"output_type": "display_data", "data": {"text/plain": "Predict(one, no guess yet)"}}],
        },
    ]
    wrong = [{"cell_type": "markdown", "source": "# 2. Two\n\nAh.\n\n## More", "id": "a"},
             {"cell_type": "code", "source": "1 / 0", "outputs": [stored("Gallery(")]}]  # fmt: skip
    books = where / "books"
    books.mkdir()
    for name, content in {"01_one": cells, "02_two": wrong}.items():
        (books / f"{name}.ipynb").write_text(json.dumps({"cells": content}))
    real = site._sources
    patch.setattr(site, "_sources", lambda *of: sorted(books.glob(of[1])) if of[0] == "notebooks" else real(*of))
    said = []
    write_site(where / "site", say=said.append)
    patch.undo()
    return where / "site", said


SLIDER = "<input type=range aria-label=x><svg></svg></div></html>"


def stored(words):
    pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    data = {"text/plain": words, "image/png": pixel}
    return {"output_type": "execute_result", "data": data, "metadata": {}}


def test_a_player_that_cannot_be_made_is_its_stored_picture_and_a_sentence(folder):
    where, said = folder
    assert any("02_two: stored pictures" in line and "ZeroDivisionError" in line for line in said)
    assert "<img" in (where / "02_two.html").read_text() and "<iframe" not in (where / "02_two.html").read_text()


@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (1280, "light")])
def test_pages_from_disk_show_a_live_player_without_a_network(started, folder, width, scheme):
    said = []
    look = {"viewport": {"width": width, "height": 800}, "color_scheme": scheme, "offline": True}
    with open_page(started, "about:blank", **look) as page:
        page.on("console", lambda message: said.append(message.text) if "Policy" in message.text else None)
        page.goto((folder[0] / "01_one.html").as_uri())
        frame = page.frame_locator("figure.live:not(.low) iframe")
        slider = frame.get_by_role("slider", name="Steps")
        slider.scroll_into_view_if_needed()
        view = page.frames[1]
        before = settled(view)
        slider.press("ArrowLeft")
        settled(view, different_from=before)
        assert page.evaluate("document.documentElement.scrollWidth") == width
        dark = page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 23, 28)"
        assert dark == (scheme == "dark")
    assert said == []


BROKEN = {
    '<a href="gone.html">x</a>': "links to nothing",
    '<a href="index.html#gone">x</a>': "links to nothing",
    '<p style="color:red">x</p>': "inline style",  # which the page's policy forbids
    '<svg width="2000" height="9"></svg>': "pixels wide",
    '<img src="gone.png" alt="x">': "1 pictures are missing",
    '<img src="https://example.org/x.png" alt="x">': "asks for https://example.org",
    "<p role='wrong'>x</p>": "aria-roles",
    '<iframe src="still.html" title="x"></iframe>': "still.html does not answer",
}


def test_a_walk_through_the_site_finds_nothing_in_it_and_what_is_put_into_it(started, folder, tmp_path, monkeypatch):
    names = ["01_one.html", "02_two.html", "index.html", *(f"views/01-{i}.html" for i in (1, 2))]
    assert walk.faults(started, folder[0], (360, "dark"), names) == []
    monkeypatch.setattr(walk, "SECONDS", 3)
    shutil.copytree(folder[0], tmp_path, dirs_exist_ok=True)
    (tmp_path / "still.html").write_text("<html lang=en><title>x</title><div class=toylab-view>" + SLIDER)
    page = (folder[0] / "02_two.html").read_text()
    for part, fault in BROKEN.items():
        (tmp_path / "02_two.html").write_text(page.replace("</main>", f"{part}</main>"))
        found = walk.faults(started, tmp_path, (360, "light"), ["02_two.html"])
        assert any(fault in sentence for _, sentence in found), (part, found)


def test_a_prediction_on_a_page_from_disk_answers_whoever_has_committed(started, folder):
    said = []
    with open_page(started, "about:blank", viewport={"width": 420, "height": 800}, offline=True) as page:
        page.on("console", lambda message: said.append(message.text) if "Policy" in message.text else None)
        page.goto((folder[0] / "01_one.html").as_uri())
        frame = page.frame_locator("figure.low iframe")
        frame.get_by_role("slider").press("End")
        assert "per cent" not in frame.locator(".note").inner_text()
        frame.get_by_role("button", name="Commit").click()
        frame.locator(".note", has_text="12 per cent are farther than 0.1 from the letter").wait_for()
        assert frame.locator("text.yours").text_content() == "your guess 100"
    assert said == []


@pytest.mark.parametrize("width", [360, 1280])
def test_every_page_from_disk_keeps_its_own_rules_and_its_width(started, files, tmp_path, width):
    for name, content in files.items():
        path = Path(tmp_path, name)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    said = []
    look = {"viewport": {"width": width, "height": 800}, "offline": True}
    with open_page(started, "about:blank", **look) as page:
        page.on("console", lambda message: said.append((page.url, message.text)))
        for name in sorted(files):
            if name.endswith(".html") and name != site.LAB:
                page.goto((tmp_path / name).as_uri())
                assert page.evaluate("document.documentElement.scrollWidth") == width, name
                assert page.evaluate("[...document.images].every((image) => image.naturalWidth > 0)"), name
    assert said == []
