"""Small work runs on one thread by itself; the number of threads that the user chose is his again afterwards."""

import threading
import time
from contextlib import closing

import pytest
import torch
from threadpoolctl import threadpool_info, threadpool_limits

import toylab
from toylab import analysis, images
from toylab._threads import SMALL, single_blas_thread, single_thread
from toylab.epsilon import MLP, UNet
from toylab.lessons.memory import nearest
from toylab.problems import exact_flow, reference_solution
from toylab.schedules import Linear

CURVE = toylab.datasets.get("circle").curve(40)
METHODS = ("DDIM", "F-PNDM")


@pytest.fixture(autouse=True)
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


class Seen:
    """An epsilon that notes on how many threads it is called."""

    dtype, device = torch.float64, torch.device("cpu")

    def __init__(self, shape=(2,)):
        self.shape, self.threads = shape, set()

    def __call__(self, x, t):
        self.threads.add(torch.get_num_threads())
        return torch.zeros_like(x) + 0.1 * x


def start(n=8):
    return torch.randn(n, 2, dtype=torch.float64)


QUIET = {"progress": False}
CALLS = {
    "sample": lambda eps: toylab.sample(eps, "linear", steps=4, n=8),
    "sample, adaptive": lambda eps: toylab.sample(eps, "linear", "PF", n=8, rtol=1e-2, atol=1e-2),
    "iterate": lambda eps: list(toylab.iterate(eps, "linear", steps=4, n=8)),
    "sweep": lambda eps: toylab.sweep(eps, "linear", METHODS, (4,), n=8, **QUIET),
    "measure_order": lambda eps: toylab.measure_order(eps, "linear", "DDIM", (20, 40, 80), n=8, **QUIET),
    "order_table": lambda eps: analysis.order_table(eps, "linear", METHODS, (40, 80), n=8, **QUIET),
    "local_error": lambda eps: analysis.local_error(eps, "linear", "DDIM", (20, 40), n=8, **QUIET),
    "work_precision": lambda eps: analysis.work_precision(
        eps, "linear", METHODS, (16,), "circle", (0,), 8, tolerances=(), **QUIET
    ),
    "compare": lambda eps: analysis.compare(eps, "linear", METHODS, 16, "circle", 8, **QUIET),
    "decompose_error": lambda eps: analysis.decompose_error(
        eps, Seen(), "linear", METHODS, (16,), 8, manifold="circle", rtol=1e-6, **QUIET
    ),
    "optimize_grid": lambda eps: analysis.optimize_grid(eps, "linear", "DDIM", 3, n=8, iterations=2, **QUIET),
    "image_sweep": lambda eps: images.image_sweep(eps, "linear", METHODS, (4,), (16,), n=2, **QUIET),
    "reference_solution": lambda eps: reference_solution(eps, Linear(), start(), 1.0, 0.2, 1e-6, **QUIET),
    "exact_flow": lambda eps: exact_flow(eps, Linear(), start(), (1.0, 0.2), 1e-6, **QUIET),
}


@pytest.mark.parametrize("name", CALLS)
def test_small_calls_evaluate_on_one_thread_and_give_the_others_back(name):
    eps = Seen((1, 8, 8) if name == "image_sweep" else (2,))
    CALLS[name](eps)
    assert (eps.threads, torch.get_num_threads()) == ({1}, 2)


def test_large_batches_keep_the_threads():
    eps = Seen()
    toylab.sample(eps, "linear", "DDIM", 2, n=SMALL, record=False)
    assert eps.threads == {2}


EPSILONS = {
    "exact": lambda schedule: toylab.exact_eps(CURVE, schedule),
    "log_prob": lambda schedule: toylab.exact_eps(CURVE, schedule).log_prob,
    "MLP": lambda schedule: MLP(schedule, hidden=8, layers=1, fourier=2, time_features=1).eval(),
}


class Watched(Linear):
    """A linear schedule that notes on how many threads it is asked."""

    def __init__(self):
        self.threads = set()

    def log_alpha_bar(self, t):
        self.threads.add(torch.get_num_threads())
        return super().log_alpha_bar(t)


@pytest.mark.parametrize("kind", EPSILONS)
def test_plain_calls_of_small_epsilons_run_on_one_thread(kind):
    schedule = Watched()
    eps = EPSILONS[kind](schedule)
    schedule.threads.clear()
    eps(torch.randn(8, 2), torch.tensor(0.5))
    assert (schedule.threads, torch.get_num_threads()) == ({1}, 2)


def test_scores_of_particles_are_computed_on_one_thread():
    schedule, sweep = Watched(), toylab.sweep(Seen(), "linear", METHODS, (4,), n=8, **QUIET)
    analysis.off_manifold((torch.tensor([1.0, 0.5]), torch.stack([start(), start()])), "circle", schedule)
    analysis.unlikely_of_sweep(sweep, "circle", schedule, **QUIET)
    assert (schedule.threads, torch.get_num_threads()) == ({1}, 2)


@pytest.mark.parametrize("measure", [analysis.energy_distance, nearest])
def test_distances_of_all_pairs_are_computed_on_one_thread(measure, monkeypatch):
    seen, cdist = [], torch.cdist

    def noting(*arguments, **options):
        seen.append(torch.get_num_threads())
        return cdist(*arguments, **options)

    monkeypatch.setattr(torch, "cdist", noting)
    measure(start(), start())
    assert (set(seen), torch.get_num_threads()) == ({1}, 2)


def blas():
    return {each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"}


def test_a_search_for_nodes_leaves_blas_on_one_thread_until_its_end():
    seen, eps = [], Seen()
    noting = lambda x, t: seen.append(blas()) or eps(x, t)  # noqa: E731
    with threadpool_limits(2, "blas"):
        analysis.optimize_grid(noting, "linear", "DDIM", 3, shape=(2,), n=8, iterations=2, **QUIET)
        assert ({1} in seen, blas()) == (True, {2})
        with single_blas_thread():  # two that overlap, as from two threads: the first to begin ends first
            other = single_blas_thread()
            other.__enter__()
        assert blas() == {1}
        other.__exit__(None, None, None)
        assert blas() == {2}


@pytest.mark.parametrize("training", [False, True])
def test_images_run_on_one_thread_but_for_training(training):
    network, seen = UNet.__new__(UNet), []
    torch.nn.Module.__init__(network)
    network.train(training)
    network.shape, network.arguments, network.classes = (1, 8, 8), {"prediction": "eps"}, ()
    network.model = Counting(seen)
    network._timestep = lambda t: t
    network(torch.randn(2, 1, 8, 8), torch.tensor(0.5))
    assert seen == [2 if training else 1]


class Counting(torch.nn.Module):
    """A model of images that notes on how many threads it is called."""

    def __init__(self, seen):
        super().__init__()
        self.seen, self.weight = seen, torch.nn.Parameter(torch.zeros(1))

    def forward(self, x, t, labels, return_dict):
        self.seen.append(torch.get_num_threads())
        return (x,)


def test_matrix_products_have_one_thread_too():
    def of_mkl():
        return [line.split()[-1] for line in torch.__config__.parallel_info().splitlines() if "mkl_get_max" in line]

    before = of_mkl()
    with single_thread():
        assert of_mkl() == ["1"] * len(before)
    assert of_mkl() == before


def test_nested_blocks_give_back_at_the_outermost():
    with single_thread():
        with single_thread():
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 2


def test_threads_are_given_back_after_an_error():
    def broken(x, t):
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        toylab.sample(broken, "linear", n=8)
    assert torch.get_num_threads() == 2


def test_between_the_states_of_iterate_the_threads_are_the_users():
    with closing(toylab.iterate(Seen(), "linear", steps=4, n=8)) as states:
        for count in (2, 3, 4, 2):
            torch.set_num_threads(count)
            next(states)
            assert torch.get_num_threads() == count


def in_a_thread(work):
    """What `work()` returns in a new thread."""
    found = []
    thread = threading.Thread(target=lambda: found.append(work()))
    thread.start()
    thread.join()
    return found[0]


def test_a_thread_that_starts_during_a_block_has_the_users_number():
    with single_thread():
        assert in_a_thread(torch.get_num_threads) == 2


def test_a_number_chosen_elsewhere_during_a_block_stays_for_new_threads():
    with single_thread():
        in_a_thread(lambda: torch.set_num_threads(3))
    assert (torch.get_num_threads(), in_a_thread(torch.get_num_threads)) == (2, 3)


def test_blocks_that_overlap_in_two_threads_each_give_back_their_own():
    entered, leave, counts = threading.Event(), threading.Event(), []

    def other():
        torch.set_num_threads(3)
        with single_thread():
            entered.set()
            leave.wait(60)
            counts.append(torch.get_num_threads())
        counts.append(torch.get_num_threads())

    thread = threading.Thread(target=other)
    with single_thread():
        thread.start()
        assert entered.wait(60)
    assert torch.get_num_threads() == 2
    leave.set()
    thread.join()
    assert (counts, torch.get_num_threads()) == ([1, 3], 2)


def seconds_of_others():
    """Processor time that all other threads of this process have had."""
    return time.process_time() - time.thread_time()


def test_distances_wake_no_threads_of_numpy_and_scipy():
    """Those of BLAS wait for one another as torch's do: a sweep took twice as long by them."""
    manifold = toylab.datasets.get("spiral")
    x = torch.randn(5000, 2, dtype=torch.float64)
    manifold.distance(x)
    before, mine = seconds_of_others(), time.thread_time()
    for _ in range(20):
        manifold.distance(x)
    assert seconds_of_others() - before <= 0.1 * (time.thread_time() - mine)
