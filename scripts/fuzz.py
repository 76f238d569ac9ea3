"""``make fuzz``: wrong, huge and odd arguments for every public function and command, kills, damaged files, full disks.

    python scripts/fuzz.py [CASES] [--seed SEED] [--processes N] [--case "CODE"] [--report FILE]

A public call returns, or raises ValueError, TypeError or OSError with a message that names an argument; a sample is
finite. A command prints no traceback and ends with 0, 1 (a full disk, say), 2 or 130. Of what fails, the smallest case
of each kind is printed with the line that repeats it. The same seed gives the same cases.
"""

import argparse
import ast
import contextlib
import faulthandler
import inspect
import io
import json
import os
import random
import re
import resource
import shlex
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch

import toylab
from toylab import (
    _stops,
    analysis,
    claims,
    datasets,
    epsilon,
    figures,
    grids,
    images,
    lessons,
    problems,
    samplers,
    schedules,
    training,
    widgets,
)

PATIENCE = 10  # seconds of one processor after which a case counts as one that runs for ever
SHARE = 500  # cases of one process
REPORT = Path(__file__).parents[1] / "docs" / "reliability.md"
PARTS = {  # share of the cases, what one is
    "calls": (0.72, "a public function with one to three wrong, huge or odd arguments"),
    "commands": (0.18, "a command line with words replaced, doubled or left out"),
    "damaged files": (0.06, "a network or sweep with bits turned or the end missing"),
    "full disks": (0.02, "a command that cannot write its files to the end"),
    "kills": (0.02, "a command stopped at any moment, by SIGKILL and SIGTERM in turn"),
}
PAGE = """# Reliability

This page is written by `make fuzz`, all of it. A call returns, or raises ValueError, TypeError or OSError whose message
names an argument; a result is finite wherever the points asked about are. A command prints no traceback and ends with
0, 1, 2 or 130 (stopped by Ctrl-C or SIGTERM). A damaged file is refused or gives what was saved. A full disk or a kill
leaves whole files that belong together, or none. `make test` runs 300 of these cases.

{about}

| part | cases | kinds of fault | a case is |
|---|--:|--:|---|
{rows}

{found}

Kills reach a process that has begun. Before its first line, while Python itself starts, SIGTERM ends toylab as it ends
any program (status -15). From there on it is a Ctrl-C (130): during an import after that, and after the command it
changes nothing (`tests/test_stops.py`).
"""

# Arguments with which each public function works quickly, as code.
GOOD = """
toylab.sample(eps=EPS, schedule='linear', method='DDIM', steps=3, x_T=None, n=4, shape=(2,), seed=0, times=None,
    t_start=None, t_end=None, spacing='t', eta=0.0, record=True, progress=False)
toylab.load(name_or_path=FILE)
toylab.save(network=MLP, path='net.safetensors', half=False)
toylab.sweep(eps=EPS, schedule='linear', methods=['DDIM'], steps=[3], n=4, seed=0, x_T=None, manifold='circle',
    threshold=0.1, density=False, unlikely=False, labels=None, progress=False, t_start=None, t_end=None)
toylab.measure_order(eps=EPS, schedule='linear', method='DDIM', steps=(4, 8), x_T=None, n=2, shape=(2,), seed=0,
    t_start=0.6, t_end=0.3, spacing='t', progress=False)
toylab.Sweep.load(path=SWEEP)
analysis.compare(eps=EPS, schedule='linear', methods=['DDIM'], nfe=4, manifold='circle', n=4, seed=0, t_start=None,
    t_end=0.2, spacing='t', progress=False)
analysis.decompose_error(net=MLP, exact=EPS, schedule='linear', methods=['DDIM'], nfe=[3], n=2, seed=0,
    manifold='circle', t_start=0.6, t_end=0.3, spacing='t', progress=False)
analysis.gaussian_error(eps=problems.gaussian().eps, x_T=X, method='DDIM', t_start=0.6, t_end=0.3, spacing='t')
analysis.leading_error(eps=EPS, schedule='linear', x_T=X, method='DDIM', t_start=0.6, t_end=0.4, spacing='t',
    rtol=1e-4)
analysis.local_error(eps=EPS, schedule='linear', method='DDIM', steps=(8, 16), x_T=None, n=2, shape=(2,), seed=0,
    t_start=0.6, t_end=0.3, spacing='t', progress=False)
analysis.log_likelihood(eps=EPS, x=X, schedule='linear', method='DDIM', steps=3, t_start=None, t_end=0.2,
    spacing='t', divergence=None, probes=1, seed=0, log_prior=None, progress=False)
analysis.energy_distance(x=X, y=X)
analysis.log_density(manifold='circle', schedule='linear', t_start=None, t_end=None, times=2, size=4, extent=3.3,
    points=9, spread=0.04)
analysis.off_manifold(traj=RUN, manifold='circle', schedule='linear', spread=0.0, points=9, forward=100,
    quantile=0.05)
analysis.unlikely_of_sweep(sweep=SW, manifold='circle', schedule='linear', spread=0.0, points=9, forward=100,
    quantile=0.05, progress=False)
analysis.optimize_grid(eps=EPS, schedule='linear', method='DDIM', steps=2, t_start=0.6, t_end=0.3, n=2, shape=(2,),
    seed=0, iterations=1, progress=False)
analysis.order_table(eps=EPS, schedule='linear', methods=['DDIM'], steps=(4, 8), x_T=None, n=2, shape=(2,), seed=0,
    t_start=0.6, t_end=0.3, spacing='t', progress=False)
analysis.work_precision(eps=EPS, schedule='linear', methods=['DDIM'], nfe=[3], manifold='circle', seeds=(0,), n=2,
    t_start=0.6, t_end=0.3, spacing='t', tolerances=(1e-2,), progress=False)
claims.get(name='orders')
claims.Setting(world='exact', dataset='circle', schedule='linear', t_end=0.1, nfe=3, seed=0, n=4)
datasets.get(name='circle')
datasets.as_manifold(value='circle')
datasets.labelled(data='moons', n=9)
datasets.drawing(text='0,0 1,1 2,0')
datasets.Drawing(strokes=[[(0, 0), (1, 1)]])
datasets.get('circle').sample(n=4, seed=0, noise=0.0)
datasets.get('spiral').curve(n=4)
datasets.get('moons').distance(x=X)
epsilon.checkpoint_name(dataset='circle', schedule='linear')
epsilon.exact_eps(points=X, schedule='linear', spread=0.1)
epsilon.guided(conditional=EPS, unconditional=EPS, scale=2.0)
EPS(x=X, t=0.5)
EPS.log_prob(x=X, t=0.5)
MLP(x=X.float(), t=0.5)
epsilon.MLP(schedule='linear', hidden=4, layers=1, fourier=2, max_frequency=12.0, time_features=2)
figures.line(method='DDIM', theme='light')
figures.style(method='DDIM', theme='light')
figures.plot_schedules(names=['linear'])
figures.plot_straight_lines(problem=PROBLEM, methods=['DDIM'], steps=2, particles=2, seed=0, t_start=0.6)
figures.plot_off_manifold(problem=PROBLEM, methods=['DDIM'], steps=2, n=4, seed=0)
grids.limits(schedule=LINEAR, t_start=None, t_end=None)
grids.nodes(schedule=LINEAR, steps=3, t_start=None, t_end=None, spacing='t')
grids.explicit(schedule=LINEAR, times=[0.5, 0.1])
images.load(name_or_path='digits', size=None, train=True, folder=None, flip=None, progress=False)
images.frechet_distance(x=X, y=X)
images.kernel_distance(x=X.repeat(2, 1), y=X.repeat(2, 1), blocks=2)
images.nearest_images(images=PIXELS, real=PIXELS, features='pixels')
images.precision_recall(x=X, y=X, neighbours=1)
images.distances(sets=torch.rand(30, 1, 2, 2), real=torch.rand(60, 1, 2, 2), features='pixels', held=None,
    labels=None, progress=False)
images.Yardstick(real=torch.rand(60, 1, 2, 2), features='pixels', held=None, most=40, progress=False)
images.Images(name='mine', pixels=BYTES, labels=None, classes=None, flip=False, top=255)
images.Plane(images=PIXELS)
images.ImageSampler(network=IMAGE_EPS, method='DDIM', steps=2, times=None, t_start=None, t_end=None, spacing='t',
    eta=0.0, precision='float32')
images.sample_set(network=IMAGE_NET, out='set', n=1, method='DDIM', steps=1, seed=0, batch=1, shard=1,
    progress=False)
images.image_sweep(eps=IMAGE_EPS, schedule='linear', methods=['DDIM'], steps=[2], nfe=[2], n=1, seed=0, labels=None,
    progress=False)
lessons.build(dataset='circle', gradient='ab2', transfer='pseudo', n=4, seed=0, steps=4)
lessons.exercise(name='03.2')
lessons.predict(notebook='03')
lessons.explore(dataset='circle', epsilon='exact', schedule='linear', methods=['DDIM'], n=4, seed=0, steps=2)
problems.curve(name='circle', points=9, spread=0.0, schedule='linear')
problems.guided_class(data='moons', label='upper', scale=2.0, points=9, spread=0.1, schedule='linear')
problems.gaussian(mean=(0.7, -0.4), spread=0.3, schedule='linear')
problems.one_point(mean=(0.7, -0.4), schedule='linear')
problems.two_points(spread=0.1, schedule='linear')
problems.find(name='circle', eps='exact', schedule=None, points=9, spread=None, images=False)
problems.exact_flow(eps=EPS, schedule=LINEAR, x_T=X, times=[0.6, 0.4], rtol=1e-4, progress=False)
problems.reference_solution(eps=EPS, schedule=LINEAR, x_T=X, t_start=0.6, t_end=0.4, rtol=1e-4, progress=False)
problems.neural_ode(seed=0)
problems.linear_part(a=1.0, b=1.0, t_max=1.0)
problems.prothero_robinson(stiffness=50.0, known=0.9, frequency=1.0)
problems.Problem(eps=EPS, schedule='linear', manifold='circle', labels=None, shape=(2,), t_start=None, t_end=None)
samplers.get(method='DDIM', eta=0.0)
samplers.method(gradient='ab2', transfer='pseudo', midpoint='t', weights='equispaced')
samplers.Seeds(seeds=[0, 1])
schedules.get(name='linear')
schedules.as_schedule(value='linear')
schedules.from_betas(betas=[0.1, 0.2, 0.3])
LINEAR.alpha_bar(t=0.5)
LINEAR.sigma(t=0.5)
LINEAR.t_of_sigma(sigma=1.0)
schedules.get('cosine').alpha_bar(t=0.5)
schedules.get('cosine').t_of_sigma(sigma=1.0)
training.TrainConfig(steps=2, batch=2, lr=5e-3, warmup=0.1, weight_decay=0.0, clip=1.0, ema=0.999,
    t_sampling='uniform', weighting='eps', precision='float32', accumulate=1, seed=0)
training.recipe(name='digits')
training.fit(network=MLP, batches=BATCHES, schedule='linear', config=training.TrainConfig(steps=1, batch=2),
    state=None, resume=False, progress=False, save_every=30.0, max_minutes=None, look_every=1, compile=False,
    watch=None)
training.train_2d(dataset='circle', schedule='linear', out=None, steps=1, batch=2, lr=None, seed=0, config=None,
    resume=False, progress=False)
training.command(dataset='circle', schedule='linear', config=training.TrainConfig())
widgets.Player(sweep=SW, methods=None, steps=None, progress=1.0, equal_nfe=False, tracks=2, window=3.3,
    show_density=False, show_unlikely=False, theme='auto', titles=None, fields=None, heading=None, caption=None)
widgets.still(sweep=SW, steps=None, time=None, methods=None, budget=None, selected=None, density=False,
    unlikely=False, window=3.3, theme='light', heading=None, caption=None)
"""
# Public, but not called with arguments of people's: results and exceptions, what only a lesson or a network calls.
LEFT_OUT = {
    "results": "LabelledPoints LogLikelihood "
    "Comparison Decomposition Interrupted LeadingError LocalError OffManifold OptimizedGrid OrderEstimate "
    "OrderTable Table Trajectory WorkPrecision Result Verdict ImageQuality ImageSweep Reference Look Diverged TimeUp "
    "Distances KernelDistance Recipe Manifold Sweep Counterexample Verdict Verdicts",
    "tables": "progress_table SHIPPED RECIPES names methods aliases spacings load_drawing",
    "a row of a table": "Claim Notes",
    "the same by another name": "iterate ExactEps as_problem Schedule Linear Cosine Quad Sigmoid Constant Table Curves "
    "Points Squares as_manifold",
    "takes seconds, of images": "method_distances Inception image_paths explore_images",
    "results, of images": "ImagePaths Nearest plot_image_paths plot_nearest",
    "takes seconds": "UNet Sharpener PhotoClassifier cascade check break_claim "
    "DigitClassifier in_plane image_quality train_images train_all clock_lab fault_lab order_lab "
    "forgiveness explore_guided leaving memory_lab memory_table "
    "work_lab explore_forward twin_table twins one_point_table phi_table start_table Gallery Lab Pad Predict png",
    "draws a result": "plot_likelihood "
    "plot_search plot_verdict plot_verdicts "
    "plot_decomposition plot_local_error plot_work plot_comparison plot_sweep plot_eps_error "
    "plot_order plot_scores plot_quality clock_table plot_clocks plot_constants plot_leading_error plot_nodes "
    "plot_distances plot_pairs transfer_table",
}
ODD = """None True -1 0 1 2.5 10**20 10**30 -10**30 1e308 -1e308 1e-308 float('nan') float('inf') '' 'nonsense' 'DDIM'
'circle' 'linear' 'DDIM,PRK' b'x' [] () {} [None] ['DDIM',3] {'steps':3} object() int lambda:0 torch.ones(2) X X.int()
X*float('nan') X[:0] torch.ones(()) torch.tensor(1) np.ones(3) np.float64(0.5) np.int64(3) [0.5,0.1] [0.1,0.5] (2,2)
(10**9,10**9) [10**20] [float('nan')] 'a/b' 'a\\0b' '~' '/' '/proc/nothing' EPS MLP LINEAR datasets.get('circle') RUN SW
training.TrainConfig() 1j range(3) {'a'} np.datetime64('NaT') 'x'*5000""".split()
ROOMS = (
    analysis, claims, datasets, epsilon, figures, grids, images, lessons, problems, samplers, schedules, training,
    widgets,
)  # fmt: skip
LONG = ("training.fit", "config", "None"), ("training.train_2d", "steps", "None")  # right, and a whole training
COMMANDS = """
datasets --json
methods --json
sample circle --eps exact --method DDIM --steps 2 -n 4 --seed 0 --spacing t --points 9 --t-end 0.1 --eta 0 --out a.npz
sample circle --eps exact --times 0.9,0.5 -n 4 --points 9 --schedule linear --out a.png
compare circle --eps exact --method DDIM,PRK --nfe 4 -n 4 --seed 0 --points 9 --t-end 0.3 --json --out c.json
work circle --eps exact --method DDIM --nfe 3,4 -n 4 --seeds 1 --points 9 --t-end 0.3 --json
order circle --eps exact --method DDIM --steps 4,8 -n 2 --seed 0 --points 9 --t-start 0.6 --t-end 0.3 --json
claims ddim-is-pseudo --world exact --dataset circle --schedule linear --t-end 0.3 --nfe 3 --seeds 0 -n 4 --json
order circle --eps exact --method DDIM --steps 8,16 -n 2 --local --points 9 --t-start 0.6 --t-end 0.3 --json
decompose net.safetensors --method DDIM --nfe 3 -n 2 --points 9 --t-start 0.6 --t-end 0.3 --json
grid circle --eps exact --method DDIM --steps 2 --iterations 1 -n 2 --points 9 --t-start 0.6 --t-end 0.3 --json
off circle --eps exact --method DDIM --steps 2 -n 4 --points 9 --json
distance digits --method DDIM --nfe 1 -n 20 --seeds 0 --features pixels --real 60 --json
train circle --steps 1 --batch 2 --lr 0.001 --seed 0 --schedule linear --out t.safetensors
train --list --json
"""
ODD_WORDS = """-1 0 1 3 2.5 1e308 -1e308 1e-320 100000000000000000000 1000000000000000000000000000000 nan inf None x ,
,, 1,2 2,1 0.9,0.1 nan,nan 1,1 DDIM PRK RK4+pseudo ab4+pseudo midpoint=sigma x=y = net.safetensors
damaged.safetensors ~/none.safetensors /proc/nothing/a.png a.tiff a.json .png folder é 💥
--json --help --debug --nonsense --method --out""".split()


class TooLong(BaseException):
    """A case took longer than its time."""


class Unlike(AssertionError):
    """A call broke the rule without raising."""


def world(folder):
    """The names that the code of cases uses, and the files that it reads, in `folder`."""
    eps = toylab.exact_eps(datasets.get("circle").curve(9), "linear")
    torch.manual_seed(0)
    net = epsilon.MLP("linear", hidden=4, layers=1, fourier=2, time_features=2)
    net.dataset = "circle"
    toylab.save(net, folder / "net.safetensors")
    (folder / "damaged.safetensors").write_bytes((folder / "net.safetensors").read_bytes()[:-9])
    sweep = toylab.sweep(eps, "linear", ["DDIM"], steps=[3], n=4, manifold="circle", progress=False)
    sweep.save(folder / "sweep.npz")
    points = torch.ones(2, 2, dtype=torch.float64) * torch.tensor([[1.0], [-0.5]])
    image_net = epsilon.UNet(
        "linear", sample_size=8, in_channels=1, out_channels=1, block_out_channels=(8,), norm_num_groups=4,
        layers_per_block=1, down_block_types=("DownBlock2D",), up_block_types=("UpBlock2D",),
    )  # fmt: skip
    pixels = torch.linspace(-1, 1, 3 * 16).reshape(3, 1, 4, 4)
    made = {
        "EPS": eps, "MLP": net, "LINEAR": schedules.get("linear"), "X": points, "SW": sweep, "IMAGE_NET": image_net,
        "RUN": toylab.sample(eps, "linear", "DDIM", 3, n=4, progress=False), "PROBLEM": problems.curve(points=9),
        "FILE": "net.safetensors", "SWEEP": "sweep.npz", "PIXELS": pixels, "BYTES": torch.zeros(2, 1, 4, 4).byte(),
        "IMAGE_EPS": image_net.eval().requires_grad_(False), "BATCHES": training_batches,
    }  # fmt: skip
    return made | {module.__name__.split(".")[-1]: module for module in (toylab, *ROOMS)} | {"torch": torch, "np": np}


def training_batches(n, generator):
    """Points for a training of one step."""
    return torch.randn(n, 2, generator=generator)


def parsed(call):
    """("toylab.load", {"name_or_path": "FILE"}) of a call in GOOD."""
    return ast.unparse(call.func), {each.arg: ast.unparse(each.value) for each in call.keywords}


CALLS = [parsed(line.value) for line in ast.parse(GOOD).body]


def code(function, arguments):
    return f"{function}({', '.join(f'{key}={value}' for key, value in arguments.items())})"


def spoilt_call(rng):
    """(function, good arguments, those that are changed)."""
    function, good = rng.choice(CALLS)
    names = rng.sample(sorted(good), min(len(good), rng.choice((1, 1, 1, 2, 3))))
    odd = {name: rng.choice(ODD) for name in names}
    return function, good, {name: value for name, value in odd.items() if (function, name, value) not in LONG}


def spoilt_command(rng):
    """A command, with some of its words replaced, doubled or left out."""
    words = rng.choice(COMMANDS.strip().splitlines()).split()
    for _ in range(rng.choice((1, 1, 2, 3))):
        place = rng.randrange(1, len(words)) if len(words) > 1 else 0
        how = rng.random()
        if how < 0.8:
            words[place] = rng.choice(ODD_WORDS)
        elif how < 0.9:
            words.insert(place + 1, rng.choice(ODD_WORDS))
        elif len(words) > 1:
            del words[place]
    return words


@contextlib.contextmanager
def in_time():
    """A block that is stopped when it has used so much of a processor's time."""

    def stop(signum, frame):
        raise TooLong

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, PATIENCE)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def failure_of_call(function, arguments, names, changed=()):
    """None, or the kind of what is wrong with this call: a text in which equal faults are equal."""
    try:
        with in_time(), quiet(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            values = {key: eval(value, dict(names)) for key, value in arguments.items()}
            result = eval(function, dict(names))(**values)
            return _unlike(function, result, values.get("x"))
    except TooLong:
        return f"{function}: runs for ever"
    except (ValueError, TypeError, OSError) as error:
        named = getattr(error, "filename", None) or _names(str(error), [*arguments, *changed])
        if not named:
            return f"{function}: {type(error).__name__} that names no argument at {_place(error)}: {error}"[:300]
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        return f"{function}: {type(error).__name__} at {_place(error)}: {error}"[:300]
    return None


def _names(message, arguments):
    words = {*arguments, *(name.split("_")[0] for name in arguments), *(name.rstrip("s") for name in arguments)}
    extra = (
        "state",
        "network",
        "schedule",
        "data set",
        "exercise",
        "times",
        "run",
        "weights",
        "configuration",
        "unexpected keyword",
        "t ",
        "node",
    )
    return any(word in message for word in (*words, *extra))


def _place(error):
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "toylab" in frame.filename]
    frames = [frame for frame in frames if "fuzz.py" not in frame.filename] or frames
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "?"


def _unlike(function, result, x):
    """None, or what is wrong with a result: samples and single tensors are finite wherever the points `x` are."""
    found = result.x if isinstance(result, samplers.Trajectory) else result
    if isinstance(found, torch.Tensor) and found.is_floating_point() and not found.isfinite().all():
        if not isinstance(x, torch.Tensor) or x.isfinite().all():
            return f"{function}: a result that is not finite"
    return None


@contextlib.contextmanager
def quiet():
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        yield


def command(words):
    """(exit code, stdout, stderr) of the command line."""
    from toylab.cli import app

    out, err, exit_code = io.StringIO(), io.StringIO(), 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            app(list(words))
        except SystemExit as stop:
            exit_code = stop.code
    return exit_code, out.getvalue(), err.getvalue()


def failure_of_command(words):
    """None, or the kind of what is wrong with this command."""
    try:
        with in_time(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            exit_code, out, err = command(words)
    except TooLong:  # by itself a command may take minutes
        huge = [word for word in words if re.fullmatch(r"-?1(0{9,}|e308)", word)]
        return f"{words[0]}: runs for ever" if huge else None
    except Exception as error:
        return f"{words[0]}: {type(error).__name__} at {_place(error)}: {error}"[:300]
    debug = "--debug" in words
    if exit_code not in (0, 1, 2, 130) or ("Traceback" in err and not debug):
        return f"{words[0]}: exit code {exit_code}: {err.strip()[-200:]}"
    if exit_code == 1 and not re.search(r"Errno|OSError", err):
        return f"{words[0]}: {err.strip()}"[:300]
    if exit_code == 0 and "--json" in words and "--help" not in words:
        try:
            json.loads(out, parse_constant=lambda name: 1 / 0)
        except (ValueError, ZeroDivisionError):
            return f"{words[0]}: --json prints no strict JSON"
    return None


def smallest_call(function, good, changed, names):
    """The changes without those that the fault does not need, and its kind."""
    for name in sorted(changed):
        fewer = {key: value for key, value in changed.items() if key != name}
        if fewer and failure_of_call(function, good | fewer, names):
            changed = fewer
    return changed


# files


def failure_of_damage(rng, names):
    """A file that toylab has written, with bits turned or the end missing, is refused or gives the same."""
    kind = rng.choice(("net.safetensors", "sweep.npz"))
    data = bytearray(Path(kind).read_bytes())
    if rng.random() < 0.5:
        data = data[: rng.randrange(len(data))]
    else:
        for _ in range(rng.choice((1, 1, 8))):
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    path = Path(f"broken{Path(kind).suffix}")
    path.write_bytes(data)
    try:
        with in_time(), quiet():
            if kind == "sweep.npz":
                again, sweep = toylab.Sweep.load(path), names["SW"]
                same = all(np.array_equal(again.states[key], value) for key, value in sweep.states.items())
            else:
                again, net = toylab.load(path), names["MLP"]
                same = all(torch.equal(again.state_dict()[key], value) for key, value in net.state_dict().items())
    except (ValueError, OSError):
        return None
    except TooLong:
        return f"{kind}: damaged, runs for ever"
    except Exception as error:
        return f"{kind}: damaged, {type(error).__name__} at {_place(error)}: {error}"[:300]
    return None if same else f"{kind}: damaged, and loaded as something else"


WRITERS = (
    "sample circle --eps exact --method DDIM --steps 2 -n 40 --points 9 --out DIR/run.npz",
    "off circle --eps exact --method DDIM --steps 2 -n 4 --points 9 --out DIR/off.png",
    "off circle --eps exact --method DDIM --steps 2 -n 4 --points 9 --out DIR/off.json",
    "train circle --steps 2 --batch 2 --out DIR/net.safetensors",
)


def failure_of_full_disk(rng):
    """A command that cannot write to the end says which file, keeps what was there, and leaves nothing behind."""
    folder = Path(tempfile.mkdtemp(dir="."))
    words = rng.choice(WRITERS).replace("DIR", str(folder)).split()
    target = Path(words[-1])
    target.write_bytes(b"old")
    limits, most = resource.getrlimit(resource.RLIMIT_FSIZE), rng.choice((0, 10, 200, 800))
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, limits[1]))
    try:
        exit_code, _, err = command(words)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    left = sorted(path.name for path in folder.iterdir())
    kept = target.read_bytes() == b"old"
    shutil.rmtree(folder)
    if exit_code == 0 and not kept:
        return None
    if exit_code not in (1, 2) or left != [target.name] or not kept or ".partial" in err or target.stem not in err:
        return f"{shlex.join(words)} on a disk of {most} bytes: exit code {exit_code}, {left}, {err.strip()[-150:]}"
    return None


def failure_of_kill(rng, stop):
    """A command that is stopped at any moment leaves whole files that belong together, or none."""
    folder = Path(tempfile.mkdtemp(dir="."))
    words = f"sample circle --eps exact --method DDIM --steps 3 -n 200 --points 9 --out {folder}/run.npz".split()
    listens, ready = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            _stops.listen()
            os.write(ready, b"!")
            for seed in range(1000):
                code_of_run = command([*words, "--seed", str(seed)])[0]
                if code_of_run:
                    os._exit(code_of_run)
        except KeyboardInterrupt:
            os._exit(130)
        finally:
            os._exit(3)
    os.read(listens, 1)
    os.close(listens)
    os.close(ready)
    time.sleep(rng.uniform(0.1, 1.2))
    os.kill(child, stop)
    status = os.waitpid(child, 0)[1]
    names = {path.name for path in folder.iterdir() if not path.name.endswith(".partial")}
    partial = [path for path in folder.iterdir() if path.name.endswith(".partial")]
    wrong = []
    if stop == signal.SIGTERM and (not os.WIFEXITED(status) or os.WEXITSTATUS(status) not in (130, 143) or partial):
        wrong.append(f"status {status}, {len(partial)} half files")
    if names - {"run.npz", "run.png"} or names == {"run.png"} or (stop == signal.SIGTERM and len(names) == 1):
        wrong.append(f"files {names}")
    for name in names & {"run.npz"}:
        with np.load(folder / name) as file:
            json.loads(str(file["metadata"]))
    shutil.rmtree(folder)
    return f"{stop.name} of sample: {'; '.join(wrong)}" if wrong else None


# the whole


def run_case(part, seed, number, names):
    """(kind of fault or None, code that repeats it) of case `number`."""
    rng = random.Random(f"{seed}:{part}:{number}")
    if part == "calls":
        function, good, changed = spoilt_call(rng)
        fault = failure_of_call(function, good | changed, names)
        if fault:
            changed = smallest_call(function, good, changed, names)
            fault = failure_of_call(function, good | changed, names) or fault
        return fault, code(function, good | changed)
    if part == "commands":
        words = spoilt_command(rng)
        return failure_of_command(words), f"toylab {shlex.join(words)}"
    if part == "damaged files":
        return failure_of_damage(rng, names), f"{part} {number}"
    if part == "full disks":
        return failure_of_full_disk(rng), f"{part} {number}"
    stop = (signal.SIGKILL, signal.SIGTERM)[number % 2]
    return failure_of_kill(rng, stop), f"{part} {number}"


def work(cases, seed, log=None):
    """The faults of a share of the cases: [(part, kind, code)], in a folder of its own. `log` gets the case at work."""
    home, before = tempfile.mkdtemp(), os.getcwd()
    os.environ["HOME"] = home
    os.environ["HF_HUB_OFFLINE"] = "1"
    torch.set_num_threads(1)
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    found = []
    os.chdir(home)
    try:
        names = world(Path(home))
        for part, number in cases:
            if log:
                Path(log).write_text(f"{part} {number}", encoding="utf-8")
                faulthandler.dump_traceback_later(6 * PATIENCE, exit=True)
            try:
                fault, repeat = run_case(part, seed, number, names)
            except Exception as error:
                fault, repeat = f"{part}: {type(error).__name__} at {_place(error)}: {error}", f"{part} {number}"
            if fault:
                found.append((part, fault, repeat))
                print(f"{part}: {fault}", file=sys.stderr, flush=True)
            plt.close("all")
    finally:
        faulthandler.cancel_dump_traceback_later()
        os.chdir(before)
        shutil.rmtree(home, ignore_errors=True)
    return found


def cases_of(count):
    """[(part, number)]: how many of each part there are."""
    return [(part, number) for part, (share, _) in PARTS.items() for number in range(max(1, round(count * share)))]


def fuzz(count, seed=0, processes=1):
    """Run so many cases; the faults, [(part, kind, code)], one a kind, the shortest code of each."""
    cases = cases_of(count)
    found = _shared(cases, seed, processes) if count > SHARE else work(cases, seed)  # a process takes seconds to begin
    kinds = {}
    for part, kind, repeat in sorted(found, key=lambda each: len(each[2])):
        alike = re.sub(r"\d+", "#", kind.split(": ")[0] + kind.split(" at ")[-1][:40])
        kinds.setdefault(alike, (part, kind, repeat))
    return list(kinds.values())


def _shared(cases, seed, processes):
    """`work` in processes of their own, whose death, or a case that never ends, is a fault too."""
    found, folder = [], Path(tempfile.mkdtemp())
    count = -(-len(cases) // SHARE)
    shares = [cases[start::count] for start in range(count)]
    with ThreadPoolExecutor(processes) as threads:
        for part in threads.map(
            lambda place: _one_process(shares[place], seed, folder / str(place)), range(len(shares))
        ):
            found += part
    shutil.rmtree(folder)
    return found


def _one_process(cases, seed, log):
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        try:
            return pool.submit(work, cases, seed, log).result()
        except BrokenProcessPool:
            at = log.read_text(encoding="utf-8")
    done = [f"{part} {number}" for part, number in cases].index(at)
    return [(cases[done][0], f"{at}: the process died or hung", at), *_one_process(cases[done + 1 :], seed, log)]


def public():
    """The names of all public callables that are neither in GOOD nor LEFT_OUT: a test wants none."""
    left_out = set(" ".join(LEFT_OUT.values()).split())
    called = {function.split(".")[-1] for function, _ in CALLS}
    offered = {name for module in ROOMS for name in getattr(module, "__all__", ()) if callable(getattr(module, name))}
    return sorted(offered - called - left_out)


def main():
    parser = argparse.ArgumentParser(description=inspect.getdoc(sys.modules[__name__]).splitlines()[0])
    parser.add_argument("cases", nargs="?", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--case", help="repeat one: code in Python, or a command that begins with toylab")
    parser.add_argument("--report", type=Path, help=f"where the result is written [{REPORT.name} for 10,000 cases]")
    asked = parser.parse_args()
    if asked.case:
        repeat(asked.case, asked.seed)
        return
    began = time.monotonic()
    found = fuzz(asked.cases, asked.seed, asked.processes)
    minutes = (time.monotonic() - began) / 60
    for part, kind, repeat_it in found:
        print(f"{part}: {kind}\n    python scripts/fuzz.py --case {shlex.quote(repeat_it)}")
    counts = Counter(part for part, _ in cases_of(asked.cases))
    print(f"{sum(counts.values()):,} cases of seed {asked.seed} in {minutes:.1f} min: {len(found)} kinds of fault")
    path = asked.report or (REPORT if asked.cases >= 10_000 else None)
    if path:
        write_report(path, counts, asked.seed, minutes, found)
    sys.exit(bool(found))


def repeat(text, seed):
    """Run the code of one case so that its error shows."""
    home = Path(tempfile.mkdtemp())
    names = world(home)
    os.chdir(home)
    if text.startswith("toylab "):
        print(*command([*shlex.split(text)[1:], "--debug"]), sep="\n")
    elif " " in text and text.rsplit(" ", 1)[0] in PARTS:
        part, number = text.rsplit(" ", 1)
        print(*run_case(part, seed, int(number), names), sep="\n")
    else:
        print(eval(text, names))


def write_report(path, counts, seed, minutes, found):
    """Write the page of this run."""
    from toylab._files import replacing

    rows = [
        f"| {part} | {count:,} | {sum(each[0] == part for each in found)} | {PARTS[part][1]} |"
        for part, count in counts.items()
    ]
    kinds = [f"- {part}: {kind}\n  `python scripts/fuzz.py --case {shlex.quote(code)}`" for part, kind, code in found]
    listed = ["Kinds of fault found, the smallest case of each:\n", *kinds] if kinds else ["No fault was found."]
    text = PAGE.format(
        about=f"{sum(counts.values()):,} cases of seed {seed} in {minutes:.1f} minutes.",
        rows="\n".join(rows),
        found="\n".join(listed),
    )
    with replacing(path) as file:
        file.write(text.encode())


if __name__ == "__main__":
    main()
