"""A sweep or a gallery as a movie: MP4, an animated GIF, or a folder of PNG frames."""

import io
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure
from PIL import Image

from toylab._errors import unknown_name
from toylab._files import check_new, replacing, replacing_together, user_path
from toylab.analysis._sweep import Sweep
from toylab.figures.printing import check_font
from toylab.figures.style import THEMES
from toylab.widgets.stills import still

if TYPE_CHECKING:
    from toylab.widgets.gallery import Gallery

OVER = ("time", "steps")
LAST = 12  # how often the last frame is shown


def frames(shown: "Sweep | Gallery", over: str = "time", dpi: float = 80, **look: Any) -> Iterator[Image.Image]:
    """The pictures of a movie: every node of a run in `time`, or the end with every count of `steps`.

    `look`: of a sweep, further arguments of `toylab.widgets.stills.still`, such as steps, methods and theme. A gallery
    is shown in its own state, which stays.
    """
    if over not in OVER:
        raise unknown_name("over", over, OVER)
    for figure in _of_sweep(shown, over, look) if isinstance(shown, Sweep) else _of_gallery(shown, over):
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=dpi)
        picture = Image.open(buffer).convert("RGB")
        yield picture.crop((0, 0, picture.width // 2 * 2, picture.height // 2 * 2))  # MP4 has even sides


def _of_sweep(sweep: Sweep, over: str, look: dict[str, Any]) -> Iterator[Figure]:
    if over == "steps":
        positions = [{"steps": count} for count in sweep.steps]
    else:
        steps = look.get("steps") or max((n for n in sweep.steps if n <= 10), default=sweep.steps[0])
        positions = [{"steps": steps, "time": float(t)} for t in sweep.times.get(steps, ())] or [{"steps": steps}]
    return (still(sweep, **look | position) for position in positions)


def _of_gallery(gallery: "Gallery", over: str) -> Iterator[Figure]:
    kept = gallery.step_index, gallery.progress
    nodes = max(count or 1 for count in gallery.counts.values())
    choices = range(len(gallery.scene["budgets" if gallery.equal_nfe else "steps"]))
    positions = [(kept[0], k / nodes) for k in range(nodes + 1)] if over == "time" else [(i, 1.0) for i in choices]
    with gallery.hold_sync():  # a view of it stays as it is
        try:
            for gallery.step_index, gallery.progress in positions:
                yield gallery.still(gallery.theme if gallery.theme in THEMES else "light")
        finally:
            gallery.step_index, gallery.progress = kept


def checked_place(path: str | os.PathLike, *, over: str = "time", fps: float = 8, force: bool = False) -> Path:
    """The path of a movie that can be written with these arguments of `write_movie`; raises what that would."""
    path = user_path(path, "out")
    suffix = path.suffix.lower()
    if suffix not in (".mp4", ".gif", ""):
        raise ValueError(f"out must end in .mp4 or .gif, or be a folder for PNG frames, got {str(path)!r}")
    if over not in OVER:
        raise unknown_name("over", over, OVER)
    if not 0 < fps <= 60:
        raise ValueError(f"fps must be above 0 and at most 60, got {fps!r}")
    check_font()
    check_new(path, force or (path.is_dir() and not any(path.iterdir())))
    if suffix == ".mp4" and not shutil.which("ffmpeg"):
        raise FileNotFoundError(
            "an .mp4 needs ffmpeg, which is not installed; a .gif or a folder of PNG frames (no suffix) needs nothing"
        )
    return path


def write_movie(
    shown: "Sweep | Gallery", path: str | os.PathLike, *, over: str = "time", fps: float = 8, force: bool = False,
    **look: Any,
) -> Path:  # fmt: skip
    """Write a movie of a sweep or a gallery to `path`: .mp4 (needs ffmpeg), .gif, or a folder of frames (no suffix).

    Arguments as for `frames`; `fps`: frames a second. Returns the path.

    Raises FileExistsError for what is there, unless `force`; FileNotFoundError where ffmpeg is missing.
    """
    path = checked_place(path, over=over, fps=fps, force=force)
    suffix = path.suffix.lower()
    pictures = list(frames(shown, over, **look))
    if not suffix:
        places = [path / f"frame-{k:04d}.png" for k in range(len(pictures))]
        with replacing_together(*places) as files:
            for file, picture in zip(files, pictures, strict=True):
                picture.save(file, format="png")
        return path
    pictures += pictures[-1:] * LAST
    with replacing(path) as file:
        if suffix == ".gif":
            coverage = Image.Quantize.MAXCOVERAGE  # few pixels have a method's colour, and it must not become grey
            first, *rest = (picture.quantize(128, coverage) for picture in pictures)
            first.save(file, format="gif", save_all=True, append_images=rest, duration=10 * round(100 / fps), loop=0)
        else:
            file.write(_mp4(pictures, fps))
    return path


def _mp4(pictures, fps):
    """The bytes of an MP4 that every player takes."""
    with tempfile.TemporaryDirectory() as folder:
        for k, picture in enumerate(pictures):
            picture.save(Path(folder) / f"{k:04d}.png")
        target = Path(folder) / "movie.mp4"
        command = ["ffmpeg", "-v", "error", "-framerate", str(fps), "-i", str(Path(folder) / "%04d.png")]
        done = subprocess.run(
            [*command, "-pix_fmt", "yuv420p", "-movflags", "+faststart", str(target)], capture_output=True, text=True
        )
        if done.returncode:
            raise OSError(f"ffmpeg failed: {done.stderr.strip()[-300:]}")
        return target.read_bytes()
