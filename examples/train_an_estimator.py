"""A training loop of your own on a release: any network from a picture to a residual.

python examples/train_an_estimator.py demo/release 100
"""

import itertools
import sys

import torch
from torch import nn

import iea40k


def network() -> nn.Module:
    """Return a small network: 3 channels in, 1 out, in [-1, 1]."""
    layers: list[nn.Module] = []
    for i, channels in enumerate((3, 16, 16, 16)):
        layers += [nn.Conv2d(channels, 16, 3, padding=2**i, dilation=2**i), nn.ReLU()]
    return nn.Sequential(*layers, nn.Conv2d(16, 1, 1), nn.Tanh())


def main(folder: str, steps: int) -> None:
    torch.manual_seed(0)
    dataset = iea40k.torch_dataset(folder, split="train", size=64)
    print(dataset)
    model = network()
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)

    # `dataset.loader(8)` repeats itself by its seed; a DataLoader(dataset, 8, shuffle=True) works as well.
    loader = dataset.loader(8)
    epochs = itertools.chain.from_iterable(itertools.repeat(loader))  # each time round is another epoch
    for step, batch in enumerate(itertools.islice(epochs, steps), start=1):
        # Pixels without data have the label 0 but say nothing: `valid` leaves them out.
        error = (model(batch.image) - batch.label).abs()[batch.valid].mean()
        optimizer.zero_grad()
        error.backward()
        optimizer.step()
        if step % max(1, steps // 5) == 0:
            print(f"step {step:4}  mean absolute error {error.item():.3f}")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
