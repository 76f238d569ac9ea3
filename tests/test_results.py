"""The results page: README and notebooks quote nothing that is not on it, and it is what the code computes."""

import html
import json
import random
import re
import subprocess
from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import nbformat
import pytest
from quotes import WORDS, Number, numbers, parts, quotes
from typer.testing import CliRunner

from toylab._progress import Bar as ProgressBar
from toylab.analysis import Table
from toylab.cli import app
from toylab.lessons.results import Found, Section, choose, reproduce, sections
from toylab.lessons.results.provenance import commit

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGE = (DOCS / "results.md").read_text(encoding="utf-8")
PARTS = parts(PAGE)
NOTEBOOKS = sorted(path for name in ("0[1-9]_*", "1[1-4]_*") for path in (ROOT / "notebooks").glob(f"{name}.ipynb"))
COMPUTING = [next((ROOT / "notebooks").glob(f"{name}_*.ipynb")) for name in ("01b", "10", "15")]  # what they quote
GIVEN = {  # numbers in their prose that nothing computes
    "01b": {"3", "60", "0.15"},  # steps to try, and the radius of coverage
    "10": {"64", "7", "16", "5"},  # pixels, a digit, components, and the share that "off" leaves out
}
QUOTING = [ROOT / "README.md", *NOTEBOOKS]
CHEAP = [section for section in sections() if section.seconds <= 1.5]
MEND = "correct the prose, or add the number to a section of toylab/results; then: make reproduce"
TOLERANCE = 0.02  # of a number computed again, perhaps on another machine


def name_of(path):
    return path.stem


def cells(path, kind):
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == kind]


def quoted_by(path):
    return "readme" if path.suffix == ".md" else f"notebook {int(path.stem[:2])}"


def all_quotes(path):
    """Every number that README, or a notebook's prose, quotes."""
    if path.suffix == ".md":
        return quotes(path.read_text(encoding="utf-8"))
    told = [cell for cell in cells(path, "markdown") if not cell.id.startswith("ask-")]  # those give their own numbers
    return [number for cell in told for number in quotes(cell.source)]


def quotable(path):
    """What it may quote: the numbers of its own part of the page, for README also of notebook 1's, and all orders."""
    who = ("readme", "notebook 1") if path.suffix == ".md" else (quoted_by(path),)
    own = [number for part in PARTS if part.quoted_by in who for number in part.numbers()]
    return own + [number for part in PARTS for number in part.numbers() if number.kind == "order"]


def shown_tables(path):
    """(header, rows, note) of every table among a notebook's outputs, all strings."""
    for cell in cells(path, "code"):
        for output in cell.outputs:
            for text in re.findall(r"<table.*?</table>(?:<p>.*?</p>)?", output.get("data", {}).get("text/html", "")):
                header, *rows = (
                    tuple(html.unescape(cell).strip() for cell in re.findall(r"<t[hd].*?>(.*?)</t[hd]>", row))
                    for row in re.findall(r"<tr>(.*?)</tr>", text)
                )
                note = re.search(r"<p>(.*)</p>", text)
                yield header, tuple(rows), html.unescape(note[1]) if note else ""


def page_tables(path):
    return [table for part in PARTS if part.quoted_by == quoted_by(path) for table in part.tables]


def alterations(number):
    """All numbers that differ from it in one digit, neither zero nor with a leading one."""
    if number.text in WORDS:
        return [replace(number, text=word) for word in WORDS if word != number.text]
    places = [i for i, character in enumerate(number.text.partition("e")[0]) if character.isdigit()]
    texts = {number.text[:i] + digit + number.text[i + 1 :] for i in places for digit in "0123456789"} - {number.text}
    return [replace(number, text=text) for text in sorted(texts) if re.match(r"-?(?:[1-9]|0?\.(?!0+$))", text)]


def digits(number):
    """Significant digits; none in an integer, which may be a setting."""
    return 0 if number.is_integer else len(re.sub(r"e.*|\.", "", number.text).lstrip("0"))


# what is quoted is on the page


@pytest.mark.parametrize("path", QUOTING, ids=name_of)
def test_prose_quotes_no_number_that_is_not_on_the_page(path):
    known = quotable(path)
    missing = [quote for quote in all_quotes(path) if not quote.is_found_in(known)]
    assert missing == [], MEND


@pytest.mark.parametrize("path", COMPUTING, ids=name_of)
def test_notebooks_without_a_part_of_the_page_quote_what_their_own_cells_show(path):
    data = [output.get("data", output) for cell in cells(path, "code") for output in cell.outputs]
    known = [number for each in data for kind in ("text/plain", "text") for number in numbers(each.get(kind, ""))]
    known += [
        Number(text, kind) for text in GIVEN.get(path.stem.partition("_")[0], ()) for kind in ("plain", "percent")
    ]
    assert [quote for quote in all_quotes(path) if not quote.is_found_in(known)] == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=name_of)
def test_notebooks_show_no_table_that_is_not_on_the_page(path):
    known = page_tables(path)
    assert [table for table in shown_tables(path) if table not in known] == [], MEND


def test_some_numbers_are_quoted_and_some_tables_shown():
    assert sum(len(all_quotes(path)) for path in QUOTING) >= 40
    assert sum(len(list(shown_tables(path))) for path in NOTEBOOKS) >= 8


@pytest.mark.slow
@pytest.mark.parametrize("at_least, share", [(3, 0.9), (0, 0.75)])
def test_altered_quotes_are_noticed_but_for_chance(at_least, share):
    """A short number can stand on the page by chance, one of three digits hardly."""
    noticed = [
        not wrong.is_found_in(known)
        for path, known in ((path, quotable(path)) for path in QUOTING)
        for quote in all_quotes(path)
        if digits(quote) >= at_least
        for wrong in alterations(quote)
    ]
    assert len(noticed) > 200
    assert sum(noticed) >= share * len(noticed), sum(noticed) / len(noticed)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=name_of)
def test_an_altered_table_is_noticed(path):
    known = page_tables(path)
    for header, rows, note in shown_tables(path):
        where = [(i, j) for i, row in enumerate(rows) for j, cell in enumerate(row) if re.search(r"\d", cell)]
        i, j = random.choice(where)
        cell = re.sub(r"\d", lambda digit: str((int(digit[0]) + 1) % 10), rows[i][j], count=1)
        changed = (*rows[:i], (*rows[i][:j], cell, *rows[i][j + 1 :]), *rows[i + 1 :])
        assert (header, changed, note) not in known


# what counts as a quote


@pytest.mark.parametrize(
    "text, found",
    [
        ("It errs 0.163, or .163, or 1.7e6.", ["0.163", ".163", "1.7e6"]),
        ("64 % of 512 particles; 7 times, and four times as much.", ["7", "four", "64", "512"]),
        ("DDIM has order one, F-PNDM order 2.00.", ["one", "2.00"]),
        ("A floor near $10^{-6}$, a noise of $0.001$ and $1.5\\cdot10^{6}$.", ["-6", "0.001", "1.5e6"]),
        ("With $t = 10^{-5}$, $\\beta = 10$ and $h^2$ nothing is quoted, nor is `n=3`.", []),
        ("$$x = 5$$ RK4, RK45, UniPC-2, float32, Adams–Bashforth 4, Python 3.11 (ICLR 2022), 4N or N + 9.", []),
        ("Set *t_end* to 0.01 and *N* to 5 to 160, then to 3.", ["3"]),
        ("Next: [2. Noise](02_noise.ipynb), see notebook 3.", []),
        ("## 12. A title\n\n1. first\n2. second 5\n", ["5"]),
        ("Is it 2 or 4? It is 3. *Or 5?* **10 of them.**", ["3", "10"]),
        ("```python\nsteps = 160  # 1.0, measured\n```\n\n```sh\nmake test ARGS=3\n```", ["1.0"]),
        ("1,470,000 evaluations from 5 to 20.", ["1,470,000", "5", "20"]),
    ],
)
def test_numbers_in_prose_are_told_from_names_and_formulas(text, found):
    assert [number.text for number in quotes(text)] == found


@pytest.mark.parametrize(
    "quote, page, found",
    [
        (Number("0.16"), "0.163", True),
        (Number("0.16"), "0.166", False),
        (Number("0.163"), "0.16", False),
        (Number("1.7e6"), "1.68e+06", True),
        (Number("1.7e6"), "1.58e+06", False),
        (Number("64", "percent"), "64.3 %", True),
        (Number("64", "percent"), "64", False),
        (Number("64"), "64.3 %", False),
        (Number("16"), "16.2", False),
        (Number("16"), "N = 16", True),
        (Number("-6", "magnitude"), "2.7e-06", True),
        (Number("-6", "magnitude"), "4e-06", False),
        (Number("seven", "times"), "7.2", False),
        (Number("seven", "times"), "7.2 times", True),
    ],
)
def test_a_quote_is_found_where_the_page_rounds_to_it(quote, page, found):
    assert quote.is_found_in(numbers(page)) == found


# the page is what the code computes


def differences(old, new):
    """Cells of two lists of tables that are not the same: other words, or numbers farther apart than TOLERANCE."""
    if [(header, len(rows)) for header, rows, _ in old] != [(header, len(rows)) for header, rows, _ in new]:
        return ["other tables"]
    found = []
    for (_, rows, note), (_, fresh, new_note) in zip(old, new, strict=True):
        for a, b in zip([note, *sum(rows, ())], [new_note, *sum(fresh, ())], strict=True):
            before, after = ([each.value for each in numbers(text)] for text in (a, b))
            words = [re.sub(r"[\d.e+-]+", "", text) for text in (a, b)]
            if words[0] != words[1] or before != pytest.approx(after, rel=TOLERANCE, abs=1e-9):
                found.append((a, b))
    return found


def as_part(section, found):
    """A section just computed, as it will be read from the page."""
    text = "\n\n".join([f"`{section.name}`: {found.settings}", *(table.markdown() for table in found.tables)])
    return parts(f"\n## {section.quoted_by}\n### {section.title}\n\n{text}")[0]


@pytest.mark.slow
@pytest.mark.parametrize("section", CHEAP, ids=lambda section: section.name)
def test_the_page_holds_what_the_code_computes_now(section):
    fresh = as_part(section, section.compute())
    (committed,) = [part for part in PARTS if part.name == section.name]
    assert fresh.settings == committed.settings
    assert differences(committed.tables, fresh.tables) == [], MEND
    plt.close("all")


def test_a_stale_number_is_noticed():
    old = Table(("method", "error"), (("DDIM", 0.0141), ("RK4", "below 1e-10")), "n = 3")
    new = [replace(old, rows=(("DDIM", 0.0145), *old.rows[1:])), replace(old, note="n = 4"), replace(old, rows=())]
    tables = [as_part(Section("a", "README", "t", None, 1), Found("s", (table,))).tables for table in (old, *new)]
    assert differences(tables[0], tables[0]) == []
    assert all(differences(tables[0], each) for each in tables[1:])


def test_the_page_has_every_section_and_figure_and_no_other():
    assert [(part.name, part.quoted_by) for part in PARTS] == [(s.name, s.quoted_by.lower()) for s in sections()]
    shown = re.findall(r"!\[.*?\]\((.*?)\)", PAGE)
    assert len(shown) >= 8
    claims = set(re.findall(r"!\[.*?\]\((.*?)\)", (DOCS / "results-images.md").read_text(encoding="utf-8")))
    there = {f"results/{path.name}" for path in (DOCS / "results").iterdir()}
    assert len(set(shown)) == len(shown) and there - claims == set(shown) and claims <= there
    assert sum((DOCS / name).stat().st_size for name in shown) < 600_000


def test_the_page_says_what_it_was_made_with():
    head = dict(re.findall(r"^\| ([\w -]+) \| (.*) \|$", PAGE.split("\n## ")[0], re.M))
    assert re.match(r"[0-9a-f]{12}\b", head["commit"])
    assert {"python", "torch", "numpy", "scipy", "cores", "run time"} <= set(head)


# the command


@pytest.fixture
def few(monkeypatch):
    """Two sections that take no time."""

    def compute():
        figure, ax = plt.subplots(figsize=(1, 1))
        plt.close(figure)
        return Found("moons; n = 3", (Table(("method", "a|b"), (("DDIM", 0.12345), ("PRK", None))),), {"dots": figure})

    both = Section("one", "README", "One", compute, 1), Section("two", "notebook 2", "Two", compute, 1)
    monkeypatch.setattr("toylab.lessons.results.reproducing.sections", lambda: both)
    return both


def run(*words):
    return CliRunner().invoke(app, ["reproduce", *map(str, words)])


def test_reproduce_writes_the_page_and_its_figures(few, tmp_path):
    result = run("--out", tmp_path / "new")
    assert result.exit_code == 0, result.stderr
    page = (tmp_path / "new" / "results.md").read_text(encoding="utf-8")
    assert [(part.name, part.settings) for part in parts(page)] == [("one", "moons; n = 3"), ("two", "moons; n = 3")]
    assert "| method | a\\|b |" in page and "| DDIM | 0.123 |" in page
    assert (tmp_path / "new" / "results" / "dots.png").read_bytes().startswith(b"\x89PNG")
    assert str(tmp_path / "new" / "results.md") in result.stdout


def test_reproduce_prints_json_with_unrounded_numbers_and_nothing_else(few, tmp_path):
    result = run("--only", "readme", "--json")
    found = json.loads(result.stdout)
    assert [section["name"] for section in found["sections"]] == ["one"]
    assert found["sections"][0]["tables"][0]["rows"] == [["DDIM", 0.12345], ["PRK", None]]
    assert found["files"] == [] and found["cores"] >= 1 and found["cpu_seconds"] >= 0


def test_a_part_is_printed_and_leaves_the_page_alone(few):
    result = run("--only", "notebook-2")
    assert result.exit_code == 0
    assert [part.name for part in parts(result.stdout)] == ["two"]
    assert (DOCS / "results.md").read_text(encoding="utf-8") == PAGE


@pytest.mark.parametrize("words, says", [(("--only", "nobook"), "nobook"), (("--out", __file__), "folder")])
def test_mistakes_are_told_in_one_line(words, says):
    result = run(*words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("toylab: ") and result.stderr.count("\n") == 1 and says in result.stderr


def test_sections_are_chosen_by_their_name_or_by_who_quotes_them():
    assert [section.name for section in choose(["Notebook-4", "tour"])] == ["tour", "phi"]
    with pytest.raises(ValueError, match="only"):
        choose(["notebook-77"])


def test_names_of_sections_and_figures_are_unique():
    names = [section.name for section in sections()]
    assert len(set(names)) == len(names)
    assert {section.quoted_by for section in sections()} == {
        "README",
        *(f"notebook {k}" for k in range(1, 15) if k != 10),
    }


def test_a_bar_counts_seconds_of_work_and_says_what_is_left(few, monkeypatch):
    class Bar(ProgressBar):
        def __init__(self, **how):
            shown.update(how, bar=self)
            super().__init__(**how)

    shown = {}
    monkeypatch.setattr("toylab.lessons.results.reproducing.Bar", Bar)
    reproduce([few[0], replace(few[1], seconds=3)])
    assert (shown["total"], shown["bar"].n) == (4, 4) and "{remaining}" in shown["bar_format"]


def test_the_commit_says_whether_the_package_was_changed(tmp_path):
    def git(*words):
        identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
        subprocess.run(["git", *identity, *words], cwd=tmp_path, check=True, capture_output=True)

    assert "not a git checkout" in commit(tmp_path)
    (tmp_path / "toylab").mkdir()
    (tmp_path / "toylab" / "a.py").write_text("a = 1\n", encoding="utf-8")
    git("init", "-q")
    git("add", ".")
    git("commit", "-q", "-m", "first")
    assert re.fullmatch(r"[0-9a-f]{12}", commit(tmp_path))
    (tmp_path / "toylab" / "a.py").write_text("a = 2\n", encoding="utf-8")
    assert "not committed" in commit(tmp_path)
