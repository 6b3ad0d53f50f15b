"""Runs that learn in a way of their own: baselines in one look, UEC by pairs of exposures, parts by figures."""

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from iea40k.baselines import Example
from iea40k.errors import AlreadyExistsError, BadInputError
from iea40k.files import write_atomic
from iea40k.model.data import Samples
from iea40k.model.networks import describe
from iea40k.model.networks.curve_net import CurveNet
from iea40k.model.networks.plain import PlainNetwork
from iea40k.model.networks.uec import UEC
from iea40k.model.training.config import TrainingConfig, dump_config
from iea40k.model.training.figures import learn_from_figures
from iea40k.model.training.record import Teller
from iea40k.model.training.run import CONFIG, WEIGHTS, Trained, TrainingData
from iea40k.model.training.setup import processes
from iea40k.model.training.starting import first_network
from iea40k.model.training.uec_training import choose_reference, learn_uec
from iea40k.model.training.validation import read_labelled, validate
from iea40k.model.weights import load_weights, save_weights
from iea40k.recipe import without_nan


def fit(
    data: TrainingData, out: Path, config: TrainingConfig, tell: Teller, *, resume: bool = False
) -> Trained:
    """Fit a network and write `best.safetensors` and `config.yaml` into `out`; there is no checkpoint to go on from.

    With `resume` weights that are there are taken as they are. Raises `AlreadyExistsError` for them without it,
    `BadInputError` for a network that cannot be fitted.
    """
    if (out / WEIGHTS).exists() and resume:
        facts = load_weights(out / WEIGHTS).facts
        return Trained(out / WEIGHTS, float(facts["metrics"]["valid_mae"]), 0, int(facts["steps"]), 0.0)
    if (out / WEIGHTS).exists():
        raise AlreadyExistsError("there is a run in this folder", where=out, remedy="name another folder")
    begun = time.monotonic()
    torch.manual_seed(config.seed)
    network = first_network(config)
    steps = 0
    with processes(config) as place:
        if isinstance(network, PlainNetwork):
            tell(f"{config.network}: looks once at {len(data.train.samples)} images")
            network.fit(examples(data.train))
        elif isinstance(network, UEC):
            network = network.to(place.device)
            steps = learn_uec(network, data.train, config, tell)
            choose_reference(network, data.train)
        elif isinstance(network, CurveNet) and config.figures is not None:
            steps = learn_from_figures(network, data.train, config, tell)
        else:
            raise BadInputError("nothing here knows how to fit this network", got=config.network)
        found = validate(network.eval(), data.valid, config, place)
    seconds = time.monotonic() - begun
    facts = {
        "licence": config.licence,
        "trained_on": data.described,
        "data": dict(data.identity),
        "metrics": without_nan({f"valid_{key}": value for key, value in found.metrics.items()}),
        "steps": steps,
        **({"started_from": load_weights(config.start).facts} if config.start else {}),
        "short_side": int(np.median([min(s.shape) for s in data.train.samples])),
        "training": config.model_dump(mode="json"),
    }
    if describe(config.network).has_scale:
        network.get_buffer("temperature").fill_(found.temperature)
    write_atomic(out / CONFIG, dump_config(config))
    save_weights(out / WEIGHTS, network, config.network, config.network_config, facts)
    tell(f"{config.network}: valid MAE {found.metrics['mae']:.4f}")
    return Trained(out / WEIGHTS, found.metrics["mae"], 0, steps, seconds)


def examples(samples: Samples) -> Iterator[Example]:
    """Yield every image with its label."""
    return (read_labelled(samples, number) for number in range(len(samples.samples)))
