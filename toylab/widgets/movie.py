"""A sweep as a movie: MP4, an animated GIF, or a folder of PNG frames."""

import io
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from PIL import Image

from toylab._errors import unknown_name
from toylab._files import check_new, replacing, replacing_together, user_path
from toylab.analysis._sweep import Sweep
from toylab.figures.printing import check_font
from toylab.widgets.stills import still

OVER = ("time", "steps")
LAST = 12  # how often the last frame is shown


def frames(sweep: Sweep, over: str = "time", dpi: float = 80, **look: Any) -> Iterator[Image.Image]:
    """The pictures of a movie: every node of a run in `time`, or the end with every count of `steps`.

    `look`: further arguments of `toylab.widgets.stills.still`, such as steps, methods and theme.
    """
    if over not in OVER:
        raise unknown_name("over", over, OVER)
    if over == "steps":
        positions = [{"steps": count} for count in sweep.steps]
    else:
        steps = look.get("steps") or max((n for n in sweep.steps if n <= 10), default=sweep.steps[0])
        positions = [{"steps": steps, "time": float(t)} for t in sweep.times.get(steps, ())] or [{"steps": steps}]
    for position in positions:
        buffer = io.BytesIO()
        still(sweep, **look | position).savefig(buffer, format="png", dpi=dpi)
        picture = Image.open(buffer).convert("RGB")
        yield picture.crop((0, 0, picture.width // 2 * 2, picture.height // 2 * 2))  # MP4 has even sides


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
    sweep: Sweep, path: str | os.PathLike, *, over: str = "time", fps: float = 8, force: bool = False, **look: Any
) -> Path:
    """Write a movie of a sweep to `path`: .mp4 (needs ffmpeg), .gif, or a folder of PNG frames where it has no suffix.

    Arguments as for `frames`; `fps`: frames a second. Returns the path.

    Raises FileExistsError for what is there, unless `force`; FileNotFoundError where ffmpeg is missing.
    """
    path = checked_place(path, over=over, fps=fps, force=force)
    suffix = path.suffix.lower()
    pictures = list(frames(sweep, over, **look))
    if not suffix:
        places = [path / f"frame-{k:04d}.png" for k in range(len(pictures))]
        with replacing_together(*places) as files:
            for file, picture in zip(files, pictures, strict=True):
                picture.save(file, format="png")
        return path
    pictures += pictures[-1:] * LAST
    with replacing(path) as file:
        if suffix == ".gif":
            first, *rest = (picture.quantize(128) for picture in pictures)
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
