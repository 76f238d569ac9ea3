"""Render the README's picture: ``python scripts/picture.py`` (needs Chromium and the test extra).

The player of the first notebook at equal cost, computed now from the shipped spiral network and photographed
in headless Chromium from its stand-alone page.
"""

import sys
import tempfile
from pathlib import Path

from PIL import Image

from toylab.lessons import explore

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from browser import browser, open_page, settled  # noqa: E402

PICTURE = Path(__file__).parents[1] / "docs" / "player.png"
BUDGET = 25  # network evaluations


def main():
    look = {"viewport": {"width": 1180, "height": 620}, "device_scale_factor": 2}
    with tempfile.TemporaryDirectory() as folder, browser() as started:
        player = explore("spiral", steps=None, equal_nfe=True, theme="light")
        player.step_index = player.budgets.index(BUDGET)
        page_file = player.to_html(Path(folder) / "player.html")
        with open_page(started, Path(page_file).as_uri(), **look) as page:
            settled(page)
            page.locator(".toylab-player").screenshot(path=str(PICTURE))
    Image.open(PICTURE).convert("RGB").quantize(128, dither=Image.Dither.NONE).save(PICTURE, optimize=True)
    print(f"{PICTURE}: {PICTURE.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
