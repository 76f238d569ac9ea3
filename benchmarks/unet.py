"""Time per network call of toylab and of diffusers' pipelines, with the same UNet and start noise, side by side.

    OMP_NUM_THREADS=1 python benchmarks/unet.py [--configuration cifar10-16] [--batch 16] [--steps 50] [--rounds 10]

The weights are not trained, which makes no difference to the time. Each round runs all of them in turn, in another
order each time; a ratio is diffusers' time per call over toylab's in the same round (above 1: toylab is faster), as
median, with the quartiles. On a CPU it is the CPU time that counts, since other programs change it less. "toylab" is
toylab.sample with the network as it is; "sampler" is what `toylab sample` uses, an `ImageSampler`: inference mode, and
the layout and the number of images a call that suit the device. Target: a ratio of at least 1 for "sampler".
"""

import argparse
import random
import statistics
import time

import diffusers
import torch

import toylab
from toylab._processes import device as own_device
from toylab.epsilon.configurations import unet_config
from toylab.epsilon.unet import UNet
from toylab.images.sampler import ImageSampler

ENTRIES = 1000
PIPELINES = {
    "DDIM": (diffusers.DDIMPipeline, diffusers.DDIMScheduler, {"clip_sample": False}),
    "F-PNDM": (diffusers.PNDMPipeline, diffusers.PNDMScheduler, {}),
}


def contenders(method, network, batch, steps):
    """({name: function that makes the same images [batch, h, w, c] as the others}, network calls of each)."""
    device = next(network.parameters()).device
    pipeline, scheduler, options = PIPELINES[method]
    made = scheduler(ENTRIES, 1e-4, 0.02, "linear", set_alpha_to_one=True, timestep_spacing="leading", **options)
    pipe = pipeline(network.model, made)
    pipe.set_progress_bar_config(disable=True)
    times = [*((i * (ENTRIES // steps) + 1) / ENTRIES for i in reversed(range(steps))), 0.0]
    sampler = ImageSampler(network, method, times=times)

    def theirs():
        start = torch.Generator(device).manual_seed(0)
        return pipe(batch, generator=start, num_inference_steps=steps, output_type="np").images

    def ours(run):
        x = torch.randn(batch, *network.shape, generator=torch.Generator(device).manual_seed(0), device=device)
        return (run(x).x / 2 + 0.5).clamp(0, 1).cpu().permute(0, 2, 3, 1).numpy()

    def plain(x):
        return toylab.sample(network, network.schedule, method, x_T=x, times=times, record=False, progress=False)

    def through_sampler(x):
        return toylab.sample(sampler.eps, network.schedule, method, x_T=x, times=times, record=False, progress=False)

    return {"diffusers": theirs, "toylab": lambda: ours(plain), "sampler": lambda: ours(through_sampler)}, sampler.nfe


def timed(work, device):
    """(seconds, seconds of CPU time) of `work()`."""
    begin, cpu = time.perf_counter(), time.process_time()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - begin, time.process_time() - cpu


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--configuration", default="cifar10-16")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=10, help="at least 2")
    options = parser.parse_args()
    if options.rounds < 2:
        parser.error(f"rounds must be at least 2, got {options.rounds}")
    device = own_device()
    torch.manual_seed(0)
    network = UNet("linear-1000", **unet_config(options.configuration)).eval().requires_grad_(False).to(device)
    print(f"{options.configuration}, {options.batch} images, {device}, {torch.get_num_threads()} thread(s)")
    print(f"{'':<18}{'calls':>6}{'ms a call':>11}{'CPU ms':>9}{'ratio':>8}{'quartiles':>15}{'largest difference':>20}")
    for method in PIPELINES:
        runs, nfe = contenders(method, network, options.batch, options.steps)
        images = {name: run() for name, run in runs.items()}
        seconds = {name: [] for name in runs}
        for _ in range(options.rounds):
            for name in random.sample(list(runs), len(runs)):
                seconds[name].append(timed(runs[name], device))
        for name in runs:
            wall, cpu = (statistics.median(part) / nfe * 1e3 for part in zip(*seconds[name], strict=True))
            which = 0 if device.type == "cuda" else 1
            pairs = zip(seconds["diffusers"], seconds[name], strict=True)
            low, ratio, high = statistics.quantiles([theirs[which] / mine[which] for theirs, mine in pairs], n=4)
            difference = abs(images[name] - images["diffusers"]).max()
            print(
                f"{method + ' ' + name:<18}{nfe:>6}{wall:>11.2f}{cpu:>9.2f}{ratio:>8.3f}"
                f"{f'{low:.3f} to {high:.3f}':>15}{difference:>20.1e}"
            )


if __name__ == "__main__":
    main()
