"""Walk an exported site page by page, in headless Chromium without a network, and say what is wrong with it.

    toylab export site pages
    python scripts/walk.py pages [--look 360,dark] [--shots FOLDER] [NAME ...]

Every page and every view alone, at desk and phone width, light and dark: errors, broken rules of the page's own policy,
requests that leave; pages that scroll sideways; pictures and links to nothing; live views that do not answer their
slider; and what axe-core calls serious or critical.
"""

import argparse
import sys
import time
from pathlib import Path
from urllib.parse import unquote, urlsplit

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from axe_playwright_python.sync_playwright import Axe  # noqa: E402
from browser import browser, hashes, open_page, steady  # noqa: E402
from playwright.sync_api import Error  # noqa: E402

LOOKS = [(width, scheme) for width in (1280, 420, 360) for scheme in ("light", "dark")]
GRAVE = "serious", "critical"
SECONDS = 60  # at most, until a live view is there or has answered
READY = """() => {
    const lab = document.querySelector(".toylab-live");
    if (lab) return (lab.dataset.view === "all" ? lab.dataset.state : lab.dataset.figures) === "ready";
    return Boolean(document.querySelector(".toylab-view, .toylab-predict"));
}"""
CANVASES = ".panels:not([hidden]) canvas[role=img]"
FIGURES = "[...document.querySelectorAll('svg, .toylab-predict')].map((figure) => figure.outerHTML + figure.innerText)"
LINKS = "[...document.querySelectorAll('a[href]')].map((link) => link.href)"


def faults(started, folder, look, names=(), shots=None, say=lambda line: None):
    """What is wrong with the pages of a site at a (width, scheme): [(page, sentence)].

    Args:
        names: of pages, by default all. shots: a folder for a picture of each. say: gets a line a page.
    """
    folder, (width, scheme), found = Path(folder).resolve(), look, []
    how = {"viewport": {"width": width, "height": 800}, "color_scheme": scheme, "offline": True}
    for name in names or sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.html")):
        begun, wrong, said = time.monotonic(), [], []
        with open_page(started, "about:blank", **how) as page:
            page.on("console", lambda told, to=said: to.append(told.text) if told.type == "error" else 0)
            page.on("request", lambda asked, to=wrong: to.append(f"asks for {asked.url[:90]}") if _leaves(asked) else 0)
            page.goto((folder / name).as_uri())
            wrong += _of_page(page, width) + said + _judged(page)
            if shots:
                page.evaluate("scrollTo(0, 0)")
                page.screenshot(path=Path(shots) / f"{name.replace('/', '-')}-{width}-{scheme}.png", full_page=True)
        found += [(name, sentence) for sentence in wrong]
        say("\n  ".join([f"{width} {scheme} {name}, {time.monotonic() - begun:.0f} s", *wrong]))
    return found


def _leaves(request):
    return urlsplit(request.url).scheme not in ("file", "data", "blob", "about")


def _of_page(page, width):
    found = [] if page.locator("nav").count() else _answer(page.main_frame)
    for frame in page.locator("iframe").all():
        frame.scroll_into_view_if_needed()  # a browser neither loads nor draws what is out of sight
        found += _answer(frame.element_handle().content_frame())
    if (wide := page.evaluate("document.documentElement.scrollWidth")) > width:
        found.append(f"is {wide} pixels wide")
    if broken := page.evaluate("[...document.images].filter((image) => !image.naturalWidth).length"):
        found.append(f"{broken} pictures are missing")
    found += [f"links to nothing: {link}" for link in page.evaluate(LINKS) if not _leads(link)]
    return found


def _judged(page):
    """What axe-core finds, which itself speaks to the console."""
    grave = [each for each in Axe().run(page).response["violations"] if each["impact"] in GRAVE]
    return [f"{each['id']}: {node['html'][:160]}" for each in grave for node in each["nodes"]]


def _answer(view):
    """Nothing, or a sentence, of a live view whose picture must change with its slider, or with what it has instead."""
    try:
        view.wait_for_function(READY, timeout=1000 * SECONDS)
        before = steady(view, lambda: _picture(view), seconds=SECONDS)
        _touch(view)
        steady(view, lambda: _picture(view), before, SECONDS)
    except (Error, TimeoutError) as error:
        return [f"{view.url.split('/')[-1][:60]} does not answer: {str(error).splitlines()[0][:200]}"]
    return []


def _touch(view):
    """Move the slider of a view; without one, commit a guess, or choose another schedule."""
    slider, guess = view.locator("input[type=range]:visible").first, view.locator(".choices input").first
    if slider.count():
        slider.press("ArrowRight" if slider.input_value() == slider.get_attribute("min") else "ArrowLeft")
    elif guess.count():
        guess.check()
        view.get_by_role("button", name="Commit").click()
    else:
        if not view.locator("select:visible").count():
            view.get_by_role("button", name="Controls").click()
        view.get_by_label("Schedule").select_option("cosine")


def _picture(view):
    """What the view shows; nothing while it works on it."""
    return (hashes(view, CANVASES) or view.evaluate(FIGURES)) if view.evaluate(READY) else None


def _leads(link):
    """Whether a link is to a file that is there, and to a part that it has; the live page has no parts but states."""
    parts = urlsplit(link)
    if parts.scheme != "file":
        return True
    path, part = Path(unquote(parts.path)), unquote(parts.fragment)
    if not path.is_file():
        return False
    return not part or path.name == "lab.html" or f'id="{part}"' in path.read_text(encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("site", type=Path, help="the folder of the site")
    parser.add_argument("names", nargs="*", help="pages; by default all, and every view alone")
    parser.add_argument("--look", metavar="WIDTH,SCHEME", help="by default 1280, 420 and 360 wide, light and dark")
    parser.add_argument("--shots", type=Path, metavar="FOLDER", help="for a picture of each page")
    options = parser.parse_args()
    if options.look:
        width, scheme = options.look.split(",")
    looks = [(int(width), scheme)] if options.look else LOOKS
    if options.shots:
        options.shots.mkdir(parents=True, exist_ok=True)
    with browser() as started:
        every = [faults(started, options.site, look, options.names, options.shots, print) for look in looks]
    print(f"{sum(map(len, every))} faults")
    sys.exit(any(every))


if __name__ == "__main__":
    main()
