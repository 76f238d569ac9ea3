"""Agreement with diffusers' schedulers in float64, over the table schedule.

diffusers counts table entries from 0, so its time k is our (k + 1) / K, and the step after its last time
goes to alpha_bar = 1 (`set_alpha_to_one`, our t = 0) or nowhere. Comparable: "leading" spacing, no offset, no
clipping, and an even step, since diffusers cuts half a step to a whole entry. Not comparable:
`skip_prk_steps=True`, whose first step is a Heun step that repeats the second time, followed by AB2, AB3,
AB4: neither F-PNDM nor PLMS.
"""

import numpy as np
import pytest
import torch
from diffusers import DDIMScheduler, DDPMScheduler, PNDMScheduler
from diffusers.schedulers import scheduling_ddpm
from problems import ancestral_noise, flower, normal

import toylab

K = 1000
BETAS = torch.linspace(1e-4, 0.02, K, dtype=torch.float64)
TABLE = toylab.schedules.from_betas(BETAS)
EPS = toylab.exact_eps(flower(5), TABLE)
COUNTS = (10, 20, 50, 100)


def scheduler(cls, steps, to_one, **options):
    """A diffusers scheduler whose table is float64."""
    if cls is not DDPMScheduler:
        options |= {"set_alpha_to_one": to_one}
    made = cls(
        num_train_timesteps=K, beta_start=1e-4, beta_end=0.02, beta_schedule="linear",
        timestep_spacing="leading", steps_offset=0, **options,
    )  # fmt: skip
    made.alphas_cumprod = torch.cumprod(1 - BETAS, 0)
    made.final_alpha_cumprod = torch.ones((), dtype=torch.float64) if to_one else made.alphas_cumprod[0]
    made.set_timesteps(steps)
    return made


def theirs(made, x, step):
    for t in made.timesteps:
        x = step(EPS(x, (t.item() + 1) / K), t.item(), x)
    return x


def our_times(steps, to_one):
    """Entries (N - 1) r, ..., 0, and then time 0; without it where diffusers ends with a no-op."""
    entries = np.arange(steps - 1, -1, -1) * (K // steps)
    return [*(entries + 1) / K, 0.0] if to_one else [*(entries + 1) / K]


@pytest.mark.parametrize("to_one", [True, False])
@pytest.mark.parametrize("steps", COUNTS)
def test_f_pndm_is_the_pndm_scheduler(steps, to_one):
    made, x = scheduler(PNDMScheduler, steps, to_one), normal(16, 2)
    expected = theirs(made, x, lambda e, t, x: made.step(e, t, x).prev_sample)
    run = toylab.sample(EPS, TABLE, "F-PNDM", x_T=x, times=our_times(steps, to_one))
    torch.testing.assert_close(run.x, expected, rtol=0, atol=1e-12)
    assert run.nfe == len(made.timesteps) - (not to_one)


@pytest.mark.parametrize("to_one", [True, False])
@pytest.mark.parametrize("steps", COUNTS)
def test_ddim_is_the_ddim_scheduler(steps, to_one):
    made, x = scheduler(DDIMScheduler, steps, to_one, clip_sample=False), normal(16, 2)
    expected = theirs(made, x, lambda e, t, x: made.step(e, t, x).prev_sample)
    run = toylab.sample(EPS, TABLE, "DDIM", x_T=x, times=our_times(steps, to_one))
    torch.testing.assert_close(run.x, expected, rtol=0, atol=1e-12)
    assert run.nfe == len(made.timesteps) - (not to_one)


@pytest.mark.parametrize("eta", [0.3, 1.0])
@pytest.mark.parametrize("steps", COUNTS)
def test_ddim_with_eta_is_the_ddim_scheduler_with_the_same_noise(steps, eta):
    made, x = scheduler(DDIMScheduler, steps, True, clip_sample=False), normal(16, 2)
    times = our_times(steps, True)
    noise = iter(ancestral_noise(toylab.sample, x, steps, seed=4))
    expected = theirs(
        made, x, lambda e, t, x: made.step(e, t, x, eta=eta, variance_noise=next(noise)).prev_sample
    )  # fmt: skip
    run = toylab.sample(EPS, TABLE, "DDIM", eta=eta, x_T=x, times=times, seed=4)
    torch.testing.assert_close(run.x, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("variance", ["small", "large"])
@pytest.mark.parametrize("steps", COUNTS)
def test_ddpm_is_the_ddpm_scheduler_with_the_same_noise(monkeypatch, steps, variance):
    made, x = (
        scheduler(DDPMScheduler, steps, True, clip_sample=False, variance_type=f"fixed_{variance}"),
        normal(16, 2),
    )
    times = our_times(steps, True)
    noise = iter(ancestral_noise(toylab.sample, x, steps, seed=4))
    monkeypatch.setattr(scheduling_ddpm, "randn_tensor", lambda *args, **kwargs: next(noise))
    expected = theirs(made, x, lambda e, t, x: made.step(e, t, x).prev_sample)
    run = toylab.sample(EPS, TABLE, "DDPM", variance=variance, x_T=x, times=times, seed=4)
    torch.testing.assert_close(run.x, expected, rtol=0, atol=1e-12)


def test_pndm_without_runge_kutta_is_another_method_than_plms_and_f_pndm():
    made, x = scheduler(PNDMScheduler, 20, True, skip_prk_steps=True), normal(16, 2)
    expected = theirs(made, x, lambda e, t, x: made.step(e, t, x).prev_sample)
    for method in ("PLMS", "F-PNDM"):
        run = toylab.sample(EPS, TABLE, method, x_T=x, times=our_times(20, True))
        assert (run.x - expected).abs().max() > 1e-6


def test_an_odd_step_is_where_the_pndm_scheduler_leaves_the_method():
    made, x = scheduler(PNDMScheduler, 8, True), normal(16, 2)
    expected = theirs(made, x, lambda e, t, x: made.step(e, t, x).prev_sample)
    run = toylab.sample(EPS, TABLE, "F-PNDM", x_T=x, times=our_times(8, True))
    assert 1e-6 < (run.x - expected).abs().max() < 1e-1
