"""Networks on the CPU: images of 256x256 assessed a second, in turn with the released network in one run.

And how near they come to the convolution peak: operations a second of processor time on one thread, against a 3x3
convolution of 128 channels in the same run.
"""

import time

import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.harness import Figure, interleaved_seconds
from iea40k.model.networks import build
from iea40k.model.weights import load_weights

TITLE = "Networks: images of 256x256 assessed a second on the CPU"
THREADS = 2
BATCH = 4
LEAST_RATIOS = {"curve_net": 60, "p_ieanet": 20}


def run() -> list[Figure]:
    torch.set_num_threads(THREADS)
    torch.manual_seed(0)
    images = torch.rand(BATCH, 3, 256, 256)
    variants = ("curve_net", "p_ieanet_s", "p_ieanet", "p_ieanet_m")
    networks: dict[str, torch.nn.Module] = {"curve_net": load_weights("curve_net").network}
    networks |= {name: build(name).eval() for name in variants[1:]}
    networks = {name: network.to(memory_format=torch.channels_last) for name, network in networks.items()}
    last = images.contiguous(memory_format=torch.channels_last)
    baseline = build("wavelet_net").eval()
    with torch.inference_mode():
        calls = [lambda: baseline(images[:2])]
        calls += [lambda n=network: n(last) for network in networks.values()]
        seconds = interleaved_seconds(*calls, repeats=7)
    slow = 2 / seconds[0]
    figures = [Figure("wavelet_net", slow, "images/s", "itself", note=f"batch 2, {THREADS} threads, float32")]
    for name, taken in zip(variants, seconds[1:], strict=True):
        ratio = BATCH / taken / slow
        least = LEAST_RATIOS.get(name)
        note = f"{BATCH / taken:.1f} images/s, batch {BATCH}; {parameters(networks[name]):,} parameters"
        aim, reached = (f">= {least}x", ratio >= least) if least else ("", None)
        figures.append(Figure(name, ratio, "x", "wavelet_net", aim, reached, note))
    return figures + _shares(networks, last)


def _shares(networks: dict[str, torch.nn.Module], images: torch.Tensor) -> list[Figure]:
    torch.set_num_threads(1)
    try:
        convolution = torch.nn.Conv2d(128, 128, 3, padding=1).to(memory_format=torch.channels_last)
        wide = torch.rand(BATCH, 128, 64, 64).contiguous(memory_format=torch.channels_last)
        peak = _speed(convolution, wide)
        reached = {name: _speed(network, images) for name, network in networks.items()}
    finally:
        torch.set_num_threads(THREADS)
    return [
        Figure(
            f"{name}: share of the convolution peak",
            speed / peak * 100,
            "%",
            f"{peak / 1e9:.0f} GFLOP/s",
            "30",
            speed / peak >= 0.3,
            f"{speed / 1e9:.1f} GFLOP/s",
        )
        for name, speed in reached.items()
    ]


def _speed(network: torch.nn.Module, images: torch.Tensor) -> float:
    """Return operations a second of processor time."""
    with torch.inference_mode():
        with FlopCounterMode(display=False) as counter:
            network(images)
        times = []
        for _ in range(7):
            start = time.process_time()
            network(images)
            times.append(time.process_time() - start)
    return float(counter.get_total_flops()) / min(times)


def parameters(network: torch.nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())
