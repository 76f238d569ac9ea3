"""The methods beyond the paper against diffusers' schedulers, in float64 on the 1000-entry linear table.

diffusers works on float32 copies of alpha_bar and sigma. Every test lets `set_timesteps` choose the timesteps
in the configuration that is written out and then puts float64 sigmas of the same table in their place, the
last one being sigma of entry 0 ("sigma_min") or 0 ("zero"). Timestep k of diffusers has alpha_bar of the
first k + 1 betas: t = (k + 1) / 1000 here.

What is not compared, and why:
- DEISMultistepScheduler knows only the "logrho" form, compared here through weights="logsnr". It has
  neither tAB nor rhoAB; `test_solvers.py` holds their weights against quadrature in 40 digits.
- DPMSolverMultistepScheduler.step casts the sample to float32, so that its update formulas are called
directly.
- DPMSolverSinglestepScheduler places inner nodes at timesteps of its grid; the papers' halves and thirds of a
  step in log-SNR are put into its sigmas instead. Its order 3 pairs a plain second stage with the papers'
  last stage ("midpoint") or the papers' second stage with a quadratic last one ("heun"): the type is switched
  between the two.
- UniPCMultistepScheduler with solver_type "bh1" and final_sigmas_type "zero" returns NaN (B(h) is infinite
there).
- HeunDiscreteScheduler has no churn (gamma is fixed at 0); `test_solvers.py` holds churn against the paper's
algorithm.
- IPNDMScheduler has a schedule of its own and expects a network that predicts v; both are fed to it.
"""

import warnings

import diffusers
import pytest
import torch
from problems import flower, normal

import toylab
from toylab._threads import single_thread

K = 1000
BETAS = torch.linspace(1e-4, 0.02, K, dtype=torch.float64)
TABLE = toylab.schedules.from_betas(BETAS)
EPS = toylab.exact_eps(flower(5, 48), TABLE, spread=0.05)
X_T = normal(32, 2, seed=3)

pytestmark = pytest.mark.filterwarnings("ignore:__array:DeprecationWarning")  # diffusers: numpy on tensors


@pytest.fixture(autouse=True)
def one_thread():
    with single_thread():
        yield


def prepared(name, steps, last, **config):
    """(scheduler with float64 sigmas, our times [steps + 1]); last is the time at which it ends."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # algorithm_type "dpmsolver" is announced for removal
        betas = {"beta_schedule": "linear", "beta_start": 1e-4, "beta_end": 0.02}
        scheduler = getattr(diffusers, name)(num_train_timesteps=K, **betas, **config)
    scheduler.set_timesteps(steps)
    starts = (scheduler.timesteps.double().unique().flip(0) + 1) / K
    times = torch.cat([starts, torch.tensor([last], dtype=torch.float64)])
    scheduler.sigmas = TABLE.sigma(times)
    return scheduler, times


def run_scheduler(scheduler, times):
    """diffusers' own loop, the model called at our times."""
    x = X_T
    for t, timestep in zip(times, scheduler.timesteps, strict=False):
        x = scheduler.step(EPS(x, t), timestep, x).prev_sample
    assert x.dtype == torch.float64
    return x


def deviation(method, theirs, times, **options):
    ours = toylab.sample(EPS, TABLE, method, times=times, x_T=X_T, record=False, **options).x
    return ((ours - theirs).abs().max() / theirs.abs().max()).item()


@pytest.mark.parametrize("steps", [5, 10, 20, 50])
@pytest.mark.parametrize("order", [2, 3])
def test_log_rho_deis_is_that_of_diffusers(order, steps):
    config = {"solver_order": order, "timestep_spacing": "linspace", "lower_order_final": False}
    scheduler, times = prepared("DEISMultistepScheduler", steps, 1 / K, **config)
    method = toylab.method({2: "rising-ab2", 3: "rising-ab3", 4: "plms"}[order], weights="logsnr")
    assert deviation(method, run_scheduler(scheduler, times), times) < 1e-11


@pytest.mark.parametrize("last", [0.0, 1 / K])
@pytest.mark.parametrize("solver_type", ["midpoint", "heun"])
@pytest.mark.parametrize("steps", [1, 2, 5, 10])
def test_dpm_solver_plus_plus_is_that_of_diffusers(steps, solver_type, last):
    config = {"algorithm_type": "dpmsolver++", "solver_order": 2, "solver_type": solver_type}
    config |= {"timestep_spacing": "linspace", "final_sigmas_type": "sigma_min" if last else "zero"}
    config |= {"lower_order_final": True}
    scheduler, times = prepared("DPMSolverMultistepScheduler", steps, last, **config)
    x, past = X_T, []
    for step in range(steps):
        scheduler._step_index = step
        past.append(scheduler.convert_model_output(EPS(x, times[step]), sample=x))
        if step in (0, steps - 1):
            x = scheduler.dpm_solver_first_order_update(past[-1], sample=x)
        else:
            x = scheduler.multistep_dpm_solver_second_order_update(past, sample=x)
    assert deviation("DPM-Solver++2M", x, times, solver_type=solver_type, final="lower") < 1e-11


@pytest.mark.parametrize("order", [2, 3])
@pytest.mark.parametrize("steps", [1, 4, 10])
def test_single_step_dpm_solver_is_that_of_diffusers(order, steps):
    config = {"algorithm_type": "dpmsolver", "solver_order": order, "final_sigmas_type": "sigma_min"}
    config |= {"lower_order_final": False}
    scheduler, _ = prepared("DPMSolverSinglestepScheduler", order * steps, 1 / K, **config)
    nodes = torch.linspace(1, 1 / K, steps + 1, dtype=torch.float64)
    log_sigma = TABLE.sigma(nodes).log()
    parts = torch.arange(order, dtype=torch.float64) / order
    inner = (log_sigma[:-1, None] + parts * log_sigma.diff()[:, None]).flatten()
    scheduler.sigmas = torch.cat([inner, log_sigma[-1:]]).exp()
    x = X_T
    for i, timestep in enumerate(scheduler.timesteps):
        scheduler.register_to_config(solver_type="heun" if order == 3 and i % order == 1 else "midpoint")
        x = scheduler.step(EPS(x, TABLE.t_of_sigma(scheduler.sigmas[i])), timestep, x).prev_sample
    assert deviation(f"DPM-Solver-{order}", x, nodes) < 1e-11


@pytest.mark.parametrize(("variant", "last"), [("bh1", 1 / K), ("bh2", 1 / K), ("bh2", 0.0)])
@pytest.mark.parametrize("order", [2, 3])
@pytest.mark.parametrize("steps", [1, 2, 3, 10, 30])
def test_unipc_is_that_of_diffusers(order, steps, variant, last):
    config = {"solver_order": order, "solver_type": variant, "predict_x0": True, "lower_order_final": True}
    config |= {"timestep_spacing": "linspace", "final_sigmas_type": "sigma_min" if last else "zero"}
    scheduler, times = prepared("UniPCMultistepScheduler", steps, last, **config)
    theirs = run_scheduler(scheduler, times)
    assert deviation(f"UniPC-{order}", theirs, times, variant=variant, final="lower") < 1e-11


@pytest.mark.parametrize("order", [2, 3])
def test_unipc_without_lower_order_final_is_that_of_diffusers(order):
    config = {"solver_order": order, "lower_order_final": False, "final_sigmas_type": "sigma_min"}
    scheduler, times = prepared("UniPCMultistepScheduler", 20, 1 / K, timestep_spacing="linspace", **config)
    assert deviation(f"UniPC-{order}", run_scheduler(scheduler, times), times) < 1e-11


@pytest.mark.parametrize("steps", [1, 2, 10, 50])
def test_edm_heun_is_heun_of_diffusers(steps):
    config = {"timestep_spacing": "leading", "clip_sample": False}
    scheduler, times = prepared("HeunDiscreteScheduler", steps, 0.0, **config)
    sigma = scheduler.sigmas
    scheduler.sigmas = torch.cat([sigma[:1], sigma[1:-1].repeat_interleave(2), sigma[-1:]])
    times_of_calls = torch.cat([times[:1], times[1:-1].repeat_interleave(2)])
    y = X_T / TABLE.alpha_bar(times[0]).sqrt()
    for i, timestep in enumerate(scheduler.timesteps):
        scheduler._step_index = i
        t = times_of_calls[i]
        y = scheduler.step(EPS(y * TABLE.alpha_bar(t).sqrt(), t), timestep, y).prev_sample
    assert deviation("EDM-Heun", y, times) < 1e-11


@pytest.mark.parametrize("method", ["iPNDM", "PLMS"])
@pytest.mark.parametrize("steps", [1, 2, 3, 4, 10, 50])
def test_ipndm_is_that_of_diffusers(steps, method):
    times = torch.linspace(1, 1 / K, steps + 1, dtype=torch.float64)
    scheduler = diffusers.IPNDMScheduler(num_train_timesteps=K)
    scheduler.set_timesteps(steps)
    scheduler.betas, scheduler.alphas = TABLE.noise_std(times), TABLE.alpha_bar(times).sqrt()
    x = X_T
    for i, timestep in enumerate(scheduler.timesteps):
        v = (EPS(x, times[i]) - scheduler.betas[i] * x) / scheduler.alphas[i]
        x = scheduler.step(v, timestep, x).prev_sample
    assert deviation(method, x, times) < 1e-11
