"""Networks on the CPU: images of 256x256 assessed a second, in turn with the released network in one run."""

import torch

from benchmarks.harness import Figure, interleaved_seconds
from iea40k.model.networks import build

TITLE = "Networks: images of 256x256 assessed a second on the CPU"
THREADS = 2
BATCH = 4


def run() -> list[Figure]:
    torch.set_num_threads(THREADS)
    torch.manual_seed(0)
    images = torch.rand(BATCH, 3, 256, 256)
    variants = ("p_ieanet_s", "p_ieanet", "p_ieanet_m")
    networks = {name: build(name).eval().to(memory_format=torch.channels_last) for name in variants}
    last = images.contiguous(memory_format=torch.channels_last)
    baseline = build("wavelet_net").eval()
    with torch.inference_mode():
        calls = [lambda: baseline(images[:2])]
        calls += [lambda n=network: n(last) for network in networks.values()]
        seconds = interleaved_seconds(*calls, repeats=7)
    slow = 2 / seconds[0]
    figures = [Figure("wavelet_net", slow, "images/s", "itself", note=f"batch 2, {THREADS} threads, float32")]
    for name, time in zip(variants, seconds[1:], strict=True):
        ratio = BATCH / time / slow
        aim = ">= 20x" if name == "p_ieanet" else ""
        note = f"{BATCH / time:.1f} images/s, batch {BATCH}; {parameters(networks[name]):,} parameters"
        figures.append(Figure(name, ratio, "x", "wavelet_net", aim, ratio >= 20 if aim else None, note))
    return figures


def parameters(network: torch.nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())
