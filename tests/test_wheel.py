"""The wheel works where there is no clone: in an empty environment, beside the packages of this one."""

import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

import toylab

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
RUN_NOTEBOOK = """
import nbformat
from nbclient import NotebookClient

NotebookClient(nbformat.read({path!r}, as_version=4), timeout=300).execute()
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The folder with the source distribution, and the wheel made from it"""
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "hatchling", "build", "-d"]
    subprocess.run([*build, str(folder), "-t", "sdist"], cwd=ROOT, check=True, capture_output=True)
    with tarfile.open(next(folder.glob("*.tar.gz"))) as archive:
        archive.extractall(folder, filter="data")
    (source,) = (path for path in folder.iterdir() if path.is_dir())
    subprocess.run([*build, str(folder), "-t", "wheel"], cwd=source, check=True, capture_output=True)
    return folder


class Installed:
    """An environment that holds the wheel alone; other packages come from the environment of the tests."""

    def __init__(self, folder, wheel):
        self.folder = folder / "elsewhere"
        self.folder.mkdir()
        venv.create(folder / "env", with_pip=False, symlinks=True)
        self.bin = folder / "env" / ("Scripts" if os.name == "nt" else "bin")
        paths = {"base": str(folder / "env"), "platbase": str(folder / "env")}
        site = Path(sysconfig.get_path("purelib", "venv", vars=paths))
        pip = [sys.executable, "-m", "pip", "--python", str(self.bin / "python"), "install", "--no-index", "--no-deps"]
        subprocess.run([*pip, str(wheel)], check=True, capture_output=True, cwd=folder)
        # Only the path, so that no .pth file of that environment is read: one of them names the clone.
        (site / "beside.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
        kept = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "TOYLAB_DATA")}
        self.environment = kept | {"HOME": str(folder), "XDG_CACHE_HOME": str(folder / "cache"), "OMP_NUM_THREADS": "1"}

    def run(self, *words):
        done = subprocess.run(
            words, cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=300,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done

    def python(self, code):
        return self.run(str(self.bin / "python"), "-c", code).stdout.strip()

    def toylab(self, *words):
        done = self.run(str(self.bin / "toylab"), *words)
        return done.stdout + done.stderr


@pytest.fixture(scope="module")
def installed(built, tmp_path_factory):
    return Installed(tmp_path_factory.mktemp("installed"), next(built.glob("*.whl")))


def test_the_package_is_the_one_of_the_wheel(installed):
    place = installed.python("import toylab; print(toylab.__file__)")
    assert Path(place).is_relative_to(installed.bin.parent)


def test_the_wheel_holds_the_networks_the_notebooks_and_the_mark_of_a_typed_package(built):
    names = set(zipfile.ZipFile(next(built.glob("*.whl"))).namelist())
    networks = {f"toylab/_shipped/data/checkpoints/{name}.safetensors" for name in toylab.epsilon.names()}
    notebooks = {f"toylab/_shipped/notebooks/{path.name}" for path in (ROOT / "notebooks").glob("*.ipynb")}
    scripts = {path.relative_to(ROOT).as_posix() for path in (ROOT / "toylab").rglob("*.[jc]s*")}
    judge = "toylab/_shipped/data/classifiers/cifar10.safetensors"
    assert networks | notebooks | scripts | {"toylab/py.typed", judge} <= names
    assert not [name for name in names if name.startswith(("tests", "scripts", "benchmarks", "data", "notebooks"))]


def test_every_network_loads(installed):
    code = "import toylab\nfor name in toylab.epsilon.names(): toylab.load(name)\nprint(len(toylab.epsilon.names()))"
    assert int(installed.python(code)) == len(toylab.epsilon.names())


def test_the_tour_of_the_readme_runs(installed):
    tour = re.search(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.S)[1]
    order = installed.python(tour + "\nprint(toylab.measure_order(eps, s, pndm4, steps=(80, 160, 320)).order)")
    assert float(order) == pytest.approx(4, abs=0.1)


def test_the_commands_of_the_readme_run(installed):
    assert "F-PNDM" in installed.toylab("compare", "spiral", "--nfe", "20")
    installed.toylab("sample", "cifar10-16", "--steps", "1", "-n", "1", "--method", "DDIM", "--out", "grid.png")
    assert (installed.folder / "grid.png").is_file()
    assert "0.1.0" in installed.toylab("--version")


def test_downloads_go_to_the_users_cache(installed):
    code = "from toylab.images.data import cifar; print(cifar.default_folder())"
    assert Path(installed.python(code)) == installed.bin.parents[1] / "cache" / "toylab"


def test_the_lab_puts_the_notebooks_into_a_folder_and_one_of_them_runs_there(installed):
    mine = installed.folder / "mine" / "02_noise_and_the_perfect_denoiser.ipynb"
    mine.parent.mkdir()
    mine.write_text("my own", encoding="utf-8")
    said = installed.toylab("lab", "mine", "--", "--version")
    assert f"put {len(list((ROOT / 'notebooks').glob('*.ipynb'))) - 1} notebooks into {mine.parent}" in said
    assert mine.read_text(encoding="utf-8") == "my own"
    installed.python(RUN_NOTEBOOK.format(path=str(mine.parent / "01_start_here.ipynb")))
