"""Networks by name: `build("p_ieanet_s")`, with any part of the configuration replaced for an ablation.

A package of somebody else adds networks by the entry point `iea40k.networks`, whose name is the network's and whose
object is a `Network`. Such a network takes (B, 3, H, W) RGB in [0, 1] and returns the residual (B, 1, H, W).
"""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from typing import Any

from torch import nn

from iea40k.baselines import BASELINES
from iea40k.errors import ConfigError
from iea40k.model.networks.curve_net import CurveNet, CurveNetConfig
from iea40k.model.networks.messias import Messias, MessiasConfig
from iea40k.model.networks.p_ieanet import SMALLEST, PIEANet, PIEANetConfig
from iea40k.model.networks.plain import PlainNetwork
from iea40k.model.networks.uec import UEC
from iea40k.model.networks.unet import UNet
from iea40k.model.networks.wavelet_net import SIDE, WaveletNet

GROUP = "iea40k.networks"
"""The entry point by which other packages add networks."""


@dataclass(frozen=True)
class Network:
    """A registered network: how to make it, its configuration, the sizes it sees.

    `fixed_side` is the one height and width that it takes (None: any from `smallest` on). `sees_whole`: it shrinks
    pictures itself, so they are shown to it whole and at their own size. `has_scale`: called with `scale=True` it also
    returns the scale of a Laplace distribution, (B, 2, H, W) in all. `fitted`: it learns in a way of its own
    (`iea40k.model.training.fitting`), not by steps on batches of single images. `learns_pictures`: its loss needs the
    reference picture, not its residual alone.
    """

    name: str
    make: Callable[[Mapping[str, Any]], nn.Module]
    config: Mapping[str, Any]
    fixed_side: int | None = None
    smallest: int = SMALLEST
    sees_whole: bool = False
    has_scale: bool = False
    fitted: bool = False
    learns_pictures: bool = False


def build(name: str, overrides: Mapping[str, Any] | None = None) -> nn.Module:
    """Return a new network of the registered name; `overrides` replaces parts of its configuration.

    Raises `ConfigError` for an unknown name, key or value.
    """
    network = describe(name)
    return network.make({**network.config, **(overrides or {})})


def describe(name: str) -> Network:
    """Return the registered network of a name. Raises `ConfigError` for another name."""
    if name in _NETWORKS:
        return _NETWORKS[name]
    if name not in names():
        raise ConfigError("there is no such network", expected=", ".join(names()), got=name)
    return _from_outside(name)


def names() -> tuple[str, ...]:
    """Return every registered name."""
    return (*_NETWORKS, *sorted(set(entry_points(group=GROUP).names) - set(_NETWORKS)))


def full_config(name: str, overrides: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the whole configuration of a network as plain JSON values; building it again gives the same network."""
    merged = {**describe(name).config, **(overrides or {})}
    return {key: list(value) if isinstance(value, tuple) else value for key, value in merged.items()}


@cache
def _from_outside(name: str) -> Network:
    entry = next(iter(entry_points(group=GROUP, name=name)))
    found = entry.load()
    if not isinstance(found, Network) or found.name != name:
        raise ConfigError(
            "the entry point is no network",
            where=f"{GROUP}: {name} = {entry.value}",
            expected=f"an iea40k.model.networks.Network of the name {name}",
            got=repr(found)[:80],
        )
    return found


def _p_ieanet(config: Mapping[str, Any]) -> nn.Module:
    known = {field.name for field in dataclasses.fields(PIEANetConfig)}
    _check_keys("p_ieanet", set(config) - known, known)
    widths = tuple(int(w) for w in config["widths"])
    heads = int(config["heads"])
    if not widths or any(w < 8 or w % 8 or w % heads for w in widths):
        raise ConfigError(
            "impossible widths",
            expected="multiples of 8 and of the heads",
            got=f"{list(widths)}, {heads} heads",
        )
    if config["wavelet"] not in ("haar", "daubechies", "symlet", "none"):
        raise ConfigError(
            "no such wavelet", expected="haar, daubechies, symlet, none", got=str(config["wavelet"])
        )
    if config["output"] not in ("reference", "direct"):
        raise ConfigError("no such output", expected="reference, direct", got=str(config["output"]))
    return PIEANet(PIEANetConfig(**{**config, "widths": widths}))


def _curve_net(config: Mapping[str, Any]) -> nn.Module:
    known = {field.name for field in dataclasses.fields(CurveNetConfig)}
    _check_keys("curve_net", set(config) - known, known)
    widths = tuple(int(w) for w in config["widths"])
    if len(widths) != 4 or any(w < 8 or w % 8 for w in widths):
        raise ConfigError("impossible widths", expected="four multiples of 8", got=str(list(widths)))
    if config["side"] < 32 or config["side"] % 16 or config["knots"] < 2 or config["bins"] < 2:
        raise ConfigError(
            "impossible numbers",
            expected="side: a multiple of 16 from 32 on; knots and bins: 2 at least",
            got=f"side {config['side']}, knots {config['knots']}, bins {config['bins']}",
        )
    look = config["look"]
    if look is not None and (look < 32 or look % 16 or config["side"] % look):
        raise ConfigError(
            "impossible numbers",
            expected="look: a multiple of 16 from 32 on that divides side",
            got=str(look),
        )
    rungs = tuple(float(ev) for ev in config["rungs"])
    if any(abs(ev) > 8 for ev in rungs) or len(set(rungs)) != len(rungs):
        raise ConfigError("impossible rungs", expected="distinct stops from -8 to 8", got=str(list(rungs)))
    return CurveNet(CurveNetConfig(**{**config, "widths": widths, "rungs": rungs}))


def _wavelet_net(config: Mapping[str, Any]) -> nn.Module:
    _check_keys("wavelet_net", set(config) - {"independent"}, {"independent"})
    return WaveletNet(**config)


def _unet(config: Mapping[str, Any]) -> nn.Module:
    _check_keys("unet_s", set(config) - {"widths"}, {"widths"})
    widths = tuple(int(w) for w in config["widths"])
    if not 2 <= len(widths) <= 6 or any(w < 4 or w % 4 for w in widths):
        raise ConfigError("impossible widths", expected="two to six multiples of 4", got=str(list(widths)))
    return UNet(widths)


def _messias(config: Mapping[str, Any]) -> nn.Module:
    known = {field.name for field in dataclasses.fields(MessiasConfig)}
    _check_keys("messias", set(config) - known, known)
    if config["width"] < 4 or config["width"] % 4 or config["attention"] < 1:
        raise ConfigError(
            "impossible widths",
            expected="width: a multiple of 4; attention: 1 at least",
            got=f"width {config['width']}, attention {config['attention']}",
        )
    return Messias(MessiasConfig(**config))


def _uec(config: Mapping[str, Any]) -> nn.Module:
    _check_keys("uec", set(config) - {"tv"}, {"tv"})
    if not 0 <= float(config["tv"]) < 1e3:
        raise ConfigError("impossible factor", expected="tv: 0 or more", got=str(config["tv"]))
    return UEC(float(config["tv"]))


def _plain(name: str) -> Network:
    def make(config: Mapping[str, Any]) -> nn.Module:
        _check_keys(name, set(config), set())
        return PlainNetwork(name)

    return Network(name, make, {}, smallest=1, sees_whole=True, fitted=True)


def _check_keys(name: str, unknown: set[str], known: set[str]) -> None:
    if unknown:
        raise ConfigError(
            f"{name} has no such setting", expected=", ".join(sorted(known)), got=", ".join(sorted(unknown))
        )


def _variant(name: str, **changes: Any) -> Network:
    return Network(name, _p_ieanet, dataclasses.asdict(PIEANetConfig(**changes)))


_NETWORKS = {
    network.name: network
    for network in (
        _variant("p_ieanet"),
        _variant("p_ieanet_s", widths=(8, 16, 32), depth=1),
        _variant("p_ieanet_m", widths=(32, 64, 128), depth=3),
        Network(
            "curve_net", _curve_net, dataclasses.asdict(CurveNetConfig()), sees_whole=True, has_scale=True
        ),
        Network("wavelet_net", _wavelet_net, {"independent": True}, fixed_side=SIDE, smallest=SIDE),
        Network("unet_s", _unet, {"widths": (12, 24, 48, 64)}),
        Network("messias", _messias, dataclasses.asdict(MessiasConfig()), learns_pictures=True),
        Network("uec", _uec, {"tv": 0.0}, sees_whole=True, fitted=True),
        *(_plain(name) for name in BASELINES),
    )
}
