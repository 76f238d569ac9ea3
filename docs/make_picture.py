"""Render the README's picture: ``python docs/make_picture.py`` (needs Chromium and the test extra).

The player of the first notebook at equal cost, computed now from the shipped spiral network and photographed
in headless Chromium from its stand-alone page.
"""

import os
import shutil
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from toylab.views import explore

PICTURE = Path(__file__).parent / "player.png"
BUDGET = 25  # network evaluations
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]


def main():
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if not chromium:
        raise SystemExit("needs Chromium: install it, or name it in the environment variable CHROMIUM")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        player = explore("spiral", steps=None, equal_nfe=True, theme="light")
        player.step_index = player.budgets.index(BUDGET)
        page_file = player.to_html(Path(folder) / "player.html")
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        page = browser.new_page(viewport={"width": 1180, "height": 620}, device_scale_factor=2)
        page.goto(Path(page_file).as_uri())
        page.wait_for_function("document.querySelectorAll('canvas').length > 4")
        page.wait_for_timeout(500)
        page.locator(".toylab-player").screenshot(path=str(PICTURE))
        browser.close()
    Image.open(PICTURE).convert("RGB").quantize(128, dither=Image.Dither.NONE).save(PICTURE, optimize=True)
    print(f"{PICTURE}: {PICTURE.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
