"""What a run begins with: a new network, or one with weights that are there."""

from torch import nn

from iea40k.errors import BadInputError
from iea40k.model.networks import build, describe, full_config
from iea40k.model.training.config import TrainingConfig
from iea40k.model.weights import load_weights


def first_network(config: TrainingConfig) -> nn.Module:
    """Return the network as it is before the first step: new, or with the weights that the configuration names.

    Parts that those weights do not know stay new; a part that they have and the network has not is an error.
    """
    network = build(config.network, config.network_config)
    if config.learn:
        names = [name for name, _ in network.named_parameters()]
        unknown = [part for part in config.learn if not any(name.startswith(part) for name in names)]
        if unknown:
            raise BadInputError("the network has no such part", where="learn", got=", ".join(unknown))
        for name, parameter in network.named_parameters():
            parameter.requires_grad_(name.startswith(config.learn))
    if config.start is None:
        return network
    begun = load_weights(config.start)
    known, wanted = begun.network.state_dict(), network.state_dict()
    if begun.name != config.network or any(
        name not in wanted or wanted[name].shape != tensor.shape for name, tensor in known.items()
    ):
        raise BadInputError(
            "the weights to start from are of another network",
            where=config.start,
            expected=f"{config.network} {full_config(config.network, config.network_config)}",
            got=f"{begun.name} {dict(begun.config)}",
        )
    network.load_state_dict({**wanted, **known})
    if describe(config.network).has_scale:
        network.get_buffer("temperature").fill_(1)
    return network
