"""Run the notebooks from top to bottom and keep light outputs: ``python scripts/notebooks.py [NAME ...]``.

Players keep their static picture and lose their live view, which needs a kernel; everything that
differs between two runs (execution times, widget models, progress bars) is dropped. The questions of
exercises come from `toylab.lessons.exercises`: cell "ask-03-2" asks, code cell "exercise-03-2" checks. Cell "colab" is
the same everywhere.
"""

import argparse
import re
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from toylab.lessons.exercises import exercises

HERE = Path(__file__).parents[1] / "notebooks"
WIDGET = "application/vnd.jupyter.widget-view+json"
PLACE = "toylab-place"  # of a live view in JupyterLab, which holds the picture a second time


COLAB = """\
# Installs toylab where it is missing, as on Colab, from its wheel that lies beside this notebook. Whatever else is
# installed stays as it is, or pip refuses.
import importlib.metadata
import importlib.util
import pathlib
import subprocess
import sys

if importlib.util.find_spec("toylab") is None:
    wheel = next(map(str, pathlib.Path().glob("toylab-*.whl")), None)
    if wheel is None:
        raise ModuleNotFoundError("toylab is missing: put its wheel beside this notebook, then run this again")
    here = {f"{each.name}=={each.version}" for each in importlib.metadata.distributions()}
    pathlib.Path("installed.txt").write_text("\\n".join(sorted(here)))
    command = [sys.executable, "-m", "pip", "install", "-q", "-c", "installed.txt", f"{wheel}[images]", "anywidget"]
    subprocess.run(command, check=True)
print("toylab is installed")"""


def execute(path, timeout=300):
    """The notebook at `path` with fresh outputs. Raises nbclient's CellExecutionError where a cell fails."""
    notebook = ask(nbformat.read(path, as_version=4))
    NotebookClient(
        notebook, timeout=timeout, kernel_name="python3", record_timing=False, store_widget_state=False,
        resources={"metadata": {"path": str(path.parent)}},
    ).execute()  # fmt: skip
    return lighten(notebook)


def ask(notebook):
    """`notebook` with the questions and stubs of its exercises as the package has them; changed in place, returned."""
    cells = {cell.id: cell for cell in notebook.cells}
    cells["colab"].source = COLAB
    for name, each in exercises().items():
        place = name.replace(".", "-")
        if f"ask-{place}" in cells:
            cells[f"ask-{place}"].source, cells[f"exercise-{place}"].source = each.markdown(), each.stub()
    return notebook


def lighten(notebook):
    """`notebook` without live views, widget models and stream noise; changed in place and returned."""
    notebook.metadata.pop("widgets", None)
    notebook.metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook.metadata["language_info"] = {"name": "python"}
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if not _passing(output)]
            for output in cell.outputs:
                data = output.get("data", {})
                data.pop(WIDGET, None)
                if PLACE in data.get("text/html", ""):
                    if "image/png" in data:
                        del data["text/html"]
                    else:  # a prediction, in words
                        data["text/html"] = re.sub(f'^<div class="{PLACE}"[^>]*>\\n|\\n</div>$', "", data["text/html"])
    return notebook


def _passing(output):
    """True if an output is a warning or what a progress bar left, of which nothing is worth keeping."""
    data = output.get("data", {"kept": 1})
    return output.get("name") == "stderr" or not data or (WIDGET in data and not {"image/png", "text/html"} & set(data))


def names():
    """All notebooks, in order."""
    return sorted(path.stem for path in HERE.glob("[0-9]*.ipynb"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", choices=[*names(), []], help="by default all")
    for name in parser.parse_args().names or names():
        path, start = HERE / f"{name}.ipynb", time.monotonic()
        nbformat.write(execute(path), path)
        print(f"{path.name}: {time.monotonic() - start:.0f} s, {path.stat().st_size / 1e3:.0f} kB", flush=True)


if __name__ == "__main__":
    main()
