"""All lessons, the results and the live lab as pages for any web server, or for a folder on disk."""

import html
import json
import os
import re
import tempfile
from collections.abc import Callable
from pathlib import Path

from toylab import _shipped
from toylab._files import user_path
from toylab.pages import source
from toylab.pages.build import live_page, write_files
from toylab.pages.notebook import live_views, page_of
from toylab.pages.text import levelled, to_html
from toylab.widgets.page import content_policy, inline_hash
from toylab.widgets.stage import Stage

LAB = "lab.html"
NETWORKS = "spiral", "moons"  # in the live page
# what the live page shows in place of a notebook's own lab or pad, which need Python
LIVE_LABS = {
    "01b": "data=draw&drawing=Kr1V1V1V.gA1VgAKr&methods=DDIM&steps=10&figures=0",
    "06": "view=order&data=circle&methods=DDIM,S-PNDM,F-PNDM,RK4",
    "07": "view=clocks&data=circle&methods=F-PNDM",
    "08": "view=work&data=circle&methods=DDIM,S-PNDM,F-PNDM,PLMS,RK4,UniPC-2&compare=nfe&nfe=20",
    "09": "view=work&data=spiral&eps=network&methods=DDIM,S-PNDM&compare=nfe&nfe=20",
    "13": "data=spiral&methods=DDIM&points=30&steps=50&tracks=0&figures=0",
}
ABOUT = """# toylab

**See and measure how diffusion samplers work as numerical methods.** Drag a slider from 50 steps to 5 and watch
classical Runge–Kutta throw its particles off the data, while pseudo numerical methods stay near it, with a number that
says how far off. All pages work without Python and without a network.

[![The trajectory player: Euler, RK4, DDIM and F-PNDM on the spiral](player.png)](lab.html)

[**Open the live lab**](lab.html): it samples in this browser, any method on any data, your own drawing included.

## Lessons
"""


def write_site(
    folder: str | os.PathLike, force: bool = False, live: bool = True, say: Callable[[str], None] = print
) -> list[Path]:
    """Write the site into `folder`, all files or none. Returns their paths.

    Args:
        folder: where to; its index.html is the entry.
        force: replace files that are there.
        live: compute players, galleries and predictions anew (minutes) and embed them; else what is stored is there.
        say: gets a line on what is being done.

    Raises FileExistsError for a folder that is not empty, unless `force`; OSError naming what cannot be written.
    """
    folder = user_path(folder, "folder")
    if folder.is_file():
        raise NotADirectoryError(f"{folder} is a file; give a folder")
    if folder.is_dir() and any(folder.iterdir()) and not force:
        raise FileExistsError(f"{folder} is not empty; --force (force=True) replaces the files of a site in it")
    files = site_files(live, say)
    paths = {folder / name: content for name, content in files.items()}
    write_files(paths, force=True)
    return list(paths)


def site_files(live: bool = True, say: Callable[[str], None] = print) -> dict[str, str | bytes]:
    """The files of the site, by name; index.html comes last. Arguments as for `write_site`."""
    books = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in _sources("notebooks", "*.ipynb")}
    texts = {path.stem: path.read_text(encoding="utf-8") for path in _sources("docs", "*.md")}
    docs = _shipped.shipped("docs")
    files: dict[str, str | bytes] = {
        path.relative_to(docs).as_posix(): path.read_bytes() for path in _sources("docs", "**/*.png")
    }
    files[LAB] = live_page(networks=NETWORKS)
    resolve = _Links({*books, *texts}, files)
    pages = {}
    for number, (stem, book) in enumerate(books.items(), 1):
        say(f"lesson {number} of {len(books)}: {stem}")
        views = _views(stem, book, files, say) if live else {}
        at = LIVE_LABS.get(_number(stem))
        pages[stem] = page_of(book, resolve, views, at and f"{LAB}#{at}")
    order = list(pages)
    for i, (stem, (title, content)) in enumerate(pages.items()):
        around = {name: order[k] for name, k in (("Back: ", i - 1), ("Next: ", i + 1)) if 0 <= k < len(order)}
        links = [(f"{stem}.html", name + pages[stem][0]) for name, stem in around.items()]
        files[f"{stem}.html"] = _page(title, content, links)
    for stem, text in texts.items():
        files[f"{stem}.html"] = _page(_title(text), to_html(text, resolve), [])
    lessons = "".join(
        f'<li><a href="{stem}.html">{html.escape(title)}</a><p>{_question(books[stem], resolve)}</p></li>'
        for stem, (title, _) in pages.items()
    )
    more = "".join(f'<li><a href="{stem}.html">{html.escape(_title(text))}</a></li>' for stem, text in texts.items())
    content = to_html(ABOUT, resolve) + f'<ol class="lessons">{lessons}</ol><h2>And</h2><ul>{more}</ul>'
    files["index.html"] = _page("toylab", content, [])
    return files


def _sources(name, pattern):
    return sorted(path for path in _shipped.shipped(name).glob(pattern) if ".ipynb_checkpoints" not in path.parts)


def _number(stem):
    """The number of a notebook: "01b" of 01b_your_own_manifold."""
    return stem.partition("_")[0]


def _views(stem, book, files, say):
    """Pages of the live views of a notebook, put into `files`: {place of the cell: (address, words)}."""
    found = {}
    try:
        with tempfile.TemporaryDirectory() as folder:
            for i, widget in live_views(book):
                name = f"views/{_number(stem)}-{len(found) + 1}.html"
                lab = {"lab": f"../{LAB}"} if isinstance(widget, Stage) else {}
                files[name] = widget.to_html(Path(folder) / "view.html", **lab).read_bytes()
                found[i] = name, widget.alt
    except Exception as error:  # a lesson without its live view is still a lesson
        say(f"{stem}: stored pictures instead of live views ({type(error).__name__}: {error})")
    return found


class _Links:
    """The address on the site of what a text links to; None for what is not there."""

    def __init__(self, stems: set[str], files: dict[str, str | bytes]):
        self.stems, self.files = stems, files

    def __call__(self, target: str) -> str | None:
        if re.match(r"https?://", target) or target.startswith("#"):
            return target
        path, _, part = target.partition("#")
        name, stem = path.removeprefix("../").removeprefix("docs/"), Path(path).stem
        if path.endswith((".ipynb", ".md")) and stem in self.stems:
            return f"{stem}.html" + (f"#{part}" if part else "")
        return target if name == path and name in self.files else name if name in self.files else None


def _page(title, content, around):
    style, script = source.text("site/site.css"), source.text("site/site.js")
    policy = {
        "script-src": inline_hash(script),
        "style-src": inline_hash(style),
        "img-src": "'self' data:",
        "frame-src": "'self'",
    }
    nav = [("index.html", "toylab"), (LAB, "Live lab"), ("results.html", "Results")]
    parts = {
        "policy": content_policy(policy),
        "title": html.escape(title if title == "toylab" else f"{title} · toylab"),
        "style": style,
        "nav": _anchors(nav),
        "around": _anchors(around or nav[:1]),
        "script": script,
        "content": re.sub(r""" style=(["'])(.*?)\1""", _styled, levelled(content)),
    }
    return source.filled("site/page.html", parts)


def _styled(found):
    """In place of a style inside a tag, which the policy forbids: the class that aligns as it does, or nothing."""
    aligned = re.search(r"text-align:\s*(right|center)", found[2])
    return f' class="{aligned[1]}"' if aligned else ""


def _anchors(links):
    return "".join(f'<a href="{address}">{html.escape(words)}</a>' for address, words in links)


def _title(text):
    return re.findall(r"^# (.*)$", text, re.MULTILINE)[0]


def _question(book, resolve):
    """The question of a notebook: the line that is named so, or its first paragraph up to a full stop."""
    paragraph = "".join(book["cells"][0]["source"]).split("\n\n")[1]
    asked = re.match(r"[*-] \*\*The question:\*\* ([^\n]*)|(.*?[.?:])(?=\s|$)", paragraph, re.DOTALL)
    sentence = next(filter(None, asked.groups())) if asked else paragraph
    return to_html(sentence, resolve).removeprefix("<p>").strip().removesuffix("</p>")
