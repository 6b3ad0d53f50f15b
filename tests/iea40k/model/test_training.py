"""Training: it learns, it goes on where it stood bit by bit, and its folder says everything."""

import json
import signal
from dataclasses import replace

import numpy as np
import pytest
import torch
import yaml

from iea40k.arrays import residual_from_codes
from iea40k.errors import AlreadyExistsError, BadInputError, ConfigError, CorruptDataError
from iea40k.model.data.dataset import captures_of
from iea40k.model.data.rendering import Rendering
from iea40k.model.inference import predict_with_scale
from iea40k.model.looking import SCALES_90
from iea40k.model.training.config import (
    FiguresConfig,
    OptimizerConfig,
    dump_config,
    load_config,
    shipped_configs,
)
from iea40k.model.training.figures import _ladder_loss, figures_of
from iea40k.model.training.loop import train
from iea40k.model.training.record import duration, read_history
from iea40k.model.training.run import TrainingData
from iea40k.model.training.schedule import rate_at
from iea40k.model.weights import load_weights
from tests.iea40k.model.photographs import Photographs

SMALL = {
    "network": "p_ieanet_s",
    "batch": 4,
    "epochs": 3,
    "threads": 1,
    "pictures": 1,
    "data": {"size": 48, "cache": "none"},
    "optimizer": {"rate": 0.003, "warmup_steps": 2},
}
VARIED = {**SMALL["data"], "vary": {"stops": 0.5, "contrast": 0.3, "colour": 0.2, "saturation": 0.3}}


def data(train_samples=None):
    samples = train_samples or Photographs(2)
    return TrainingData(samples, Photographs(1), {"release": "none", "split": "split_0"}, "test pictures")


def config(**changes):
    return load_config(None, {**SMALL, **changes})


def tensors(path):
    return load_weights(path).network.state_dict()


def assert_equal(first, second):
    assert all(torch.equal(tensor, second[name]) for name, tensor in first.items())


@pytest.mark.slow
def test_one_scene_can_be_learnt_by_heart(tmp_path):
    # At +2 EV most of this picture is clipped, and what is white everywhere cannot be learnt but by place.
    one = Photographs(1, shape=(48, 48), evs=(-2.0, 0.0, 1.0))
    known = TrainingData(one, one, {}, "one scene")
    settings = config(
        network_config={"widths": [32, 32]},
        epochs=400,
        batch=3,
        validate_every=400,
        ema=0.9,
        data={"size": 48, "flips": False},
        optimizer={"rate": 0.02, "warmup_steps": 10, "weight_decay": 0.0},
    )
    assert train(known, tmp_path / "run", settings).mae < 0.01


class Interrupting(Photographs):
    """Photographs whose reader is sent a signal at the n-th reading."""

    def __init__(self, at, number):
        super().__init__(2)
        self.left, self.number = at, number

    def read(self, *window):
        self.left -= 1
        if self.left == 0:
            signal.raise_signal(self.number)
        return super().read(*window)


@pytest.mark.parametrize(
    ("at", "number"), [(3, signal.SIGINT), (9, signal.SIGTERM), (18, signal.SIGINT), (27, signal.SIGTERM)]
)
def test_an_interrupted_run_ends_with_the_very_bits_of_one_that_was_not(tmp_path, at, number):
    settings = config(data=VARIED)
    whole = train(data(), tmp_path / "whole", settings)
    with pytest.raises(KeyboardInterrupt):
        train(data(Interrupting(at, number)), tmp_path / "cut", settings)
    lines = []
    resumed = train(data(), tmp_path / "cut", settings, resume=True, tell=lines.append)
    assert all(line.endswith(" to go") for line in lines[1:])
    assert resumed.steps == whole.steps == 9
    assert resumed.mae == whole.mae
    runs = [tmp_path / name for name in ("whole", "cut")]
    first, second = (torch.load(run / "checkpoint.pt", weights_only=True)["state"] for run in runs)
    for part in ("network", "average"):
        assert_equal(first[part], second[part])
    assert_equal(tensors(whole.weights), tensors(resumed.weights))
    told = [[{**entry, "seconds": 0} for entry in read_history(run)] for run in runs]
    assert told[0] == told[1]
    assert len(told[0]) == 3


def test_weights_change_and_loss_falls(tmp_path):
    train(data(), tmp_path / "run", config(epochs=12))
    history = read_history(tmp_path / "run")
    assert history[-1]["train/mean_loss"] < 0.7 * history[0]["train/mean_loss"]
    assert history[-1]["valid/mae"] < 0.7 * history[0]["valid/mae"]


def test_the_folder_of_a_run_holds_what_repeats_and_what_judges_it(tmp_path):
    run = tmp_path / "run"
    done = train(data(), run, config())
    assert load_config(run / "config.yaml") == config()
    facts = load_weights(run / "best.safetensors").facts
    assert facts["metrics"]["valid_mae"] == pytest.approx(done.mae)
    assert facts["trained_on"] == "test pictures"
    assert facts["data"] == {"release": "none", "split": "split_0"}
    assert json.loads((run / "run.json").read_text())["images"] == {"train": 10, "valid": 5}
    assert list((run / "events").glob("events.*"))
    assert [p.name for p in (run / "heatmaps").iterdir()] == ["astronaut_N2.png"]
    again = train(data(), tmp_path / "again", load_config(run / "config.yaml"))
    assert_equal(tensors(done.weights), tensors(again.weights))


def test_tensorboard_gets_curves_and_heat_maps(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    train(data(), tmp_path / "run", config())
    events = EventAccumulator(str(tmp_path / "run" / "events"))
    events.Reload()
    assert [e.step for e in events.Scalars("train/loss")] == list(range(1, 10))
    assert [e.step for e in events.Scalars("valid/mae")] == [3, 6, 9]
    picture = events.Images("astronaut_N2")[-1]
    assert (picture.step, picture.height, picture.width) == (9, 64, 3 * 80)  # image, label, prediction


def test_one_validation_image_has_no_correlation_and_the_run_ends_well(tmp_path):
    done = train(data(), tmp_path / "run", config(epochs=1, valid_images=1))
    assert load_weights(done.weights).facts["metrics"]["valid_lcc"] is None
    history = (tmp_path / "run" / "history.jsonl").read_text()
    assert "NaN" not in history
    assert json.loads(history)["valid/lcc"] is None


def test_a_best_epoch_is_not_chosen_on_one_scene(tmp_path, monkeypatch):
    """On one scene the best epoch is chance: the last one is kept, and the run and the weights say so."""
    from iea40k.model.training import loop

    measured = iter([0.1, 0.3, 0.2] * 2)
    real = loop.validate

    def rigged(*arguments):
        found = real(*arguments)
        found.metrics["mae"] = next(measured)
        return found

    monkeypatch.setattr(loop, "validate", rigged)
    told = []
    several = train(replace(data(), valid=Photographs(3)), tmp_path / "several", config())
    one = train(data(), tmp_path / "one", config(), tell=told.append)
    assert (several.mae, several.epoch) == (0.1, 1)
    assert (one.mae, one.epoch) == (0.2, 3)
    assert load_weights(one.weights).facts["chosen"] == "last epoch"
    assert load_weights(several.weights).facts["chosen"] == "best epoch in validation"
    assert any("the last epoch is kept" in line for line in told)


def test_images_are_varied_where_the_configuration_says_so(tmp_path):
    plain = train(data(), tmp_path / "plain", config())
    varied = train(data(), tmp_path / "varied", config(data=VARIED))
    assert varied.mae != plain.mae


def test_a_finished_run_resumed_does_nothing_more(tmp_path):
    first = train(data(), tmp_path / "run", config())
    before = (tmp_path / "run" / "best.safetensors").read_bytes()
    again = train(data(), tmp_path / "run", config(), resume=True)
    assert (again.steps, again.mae) == (first.steps, first.mae)
    assert (tmp_path / "run" / "best.safetensors").read_bytes() == before


def test_a_run_is_never_overwritten_nor_mixed_with_another(tmp_path):
    train(data(), tmp_path / "run", config(epochs=1))
    with pytest.raises(AlreadyExistsError, match="--resume"):
        train(data(), tmp_path / "run", config(epochs=1))
    with pytest.raises(BadInputError, match="another run"):
        train(data(), tmp_path / "run", config(epochs=2), resume=True)
    (tmp_path / "run" / "checkpoint.pt").write_bytes(b"PK half a file")
    with pytest.raises(CorruptDataError, match="cannot be read"):
        train(data(), tmp_path / "run", config(epochs=1), resume=True)


def test_patience_ends_a_run_that_learns_nothing(tmp_path):
    still = config(epochs=50, patience=2, ema=0.0, optimizer={"rate": 1e-30, "warmup_steps": 0})
    train(replace(data(), valid=Photographs(3)), tmp_path / "run", still)
    assert len(read_history(tmp_path / "run")) == 3


def test_max_steps_ends_in_the_middle_of_an_epoch(tmp_path):
    done = train(data(), tmp_path / "run", config(max_steps=4))
    assert done.steps == 4
    assert [entry["step"] for entry in read_history(tmp_path / "run")] == [3, 4]


def test_the_official_view_trains_squares_of_whole_images(tmp_path):
    done = train(data(), tmp_path / "run", config(epochs=1, data={"view": "official", "size": 64}))
    assert done.mae < 0.5


@pytest.mark.parametrize("kind", ["l2", "smooth_l1"])
def test_every_loss_trains(tmp_path, kind):
    train(data(), tmp_path / "run", config(epochs=2, loss={"kind": kind, "ssim": 0.1, "gradient": 0.1}))
    history = read_history(tmp_path / "run")
    assert history[1]["train/mean_loss"] < history[0]["train/mean_loss"]


def test_wavelet_net_asks_for_its_size(tmp_path):
    with pytest.raises(BadInputError, match="one size"):
        train(data(), tmp_path / "run", config(network="wavelet_net"))


def test_the_schedule_of_the_paper_and_the_cosine():
    paper = OptimizerConfig(rate=3e-5, schedule="paper", decay_epochs=10)
    assert [rate_at(s, 5, 150, paper) for s in (0, 49, 50, 100)] == pytest.approx([3e-5, 3e-5, 3e-6, 3e-7])
    cosine = OptimizerConfig(rate=1.0, warmup_steps=10)
    rates = [rate_at(s, 5, 111, cosine) for s in range(111)]
    assert rates[0] == pytest.approx(0.1)
    assert rates[9] == rates[10] == pytest.approx(1)
    assert rates[60] == pytest.approx(0.505)
    assert rates[110] == pytest.approx(0.01)
    assert rates[10:] == sorted(rates[10:], reverse=True)


@pytest.mark.parametrize("name", shipped_configs())
def test_shipped_configurations_are_read_and_written_back(name, tmp_path):
    first = load_config(name)
    (tmp_path / "c.yaml").write_text(dump_config(first))
    assert load_config(tmp_path / "c.yaml") == first


def test_the_defaults_are_what_the_default_file_says():
    assert load_config("default") == load_config(None)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"epoch": 3}, "epoch"),
        ({"data": {"crop": 3}}, "data.crop"),
        ({"optimizer": {"rate": 0}}, "optimizer.rate"),
        ({"loss": {"kind": "l3"}}, "loss.kind"),
        ({"max_steps": 3}, "warmup_steps"),
    ],
)
def test_faults_of_a_configuration_are_named(tmp_path, change, words):
    (tmp_path / "c.yaml").write_text(yaml.safe_dump(change))
    with pytest.raises(ConfigError, match=words):
        load_config(tmp_path / "c.yaml")


def test_durations_for_people():
    assert [duration(s) for s in (3.4, 200, 3720, float("nan"))] == ["3 s", "3 min 20 s", "1 h 02 min", "?"]


def test_settings_go_over_the_file():
    found = load_config(
        "paper", None, ("data.size=128", "optimizer.rate=0.01", "data.render={plain: 1, dull: 0}")
    )
    assert (found.data.size, found.optimizer.rate, found.batch) == (128, 0.01, 36)
    assert found.data.view == "official"
    assert found.data.render.plain == 1
    for wrong, words in (("data.size", "KEY=VALUE"), ("data.sise=3", "data.sise"), ("batch=[", "YAML")):
        with pytest.raises(ConfigError, match=words):
            load_config(None, None, (wrong,))


def test_gradients_accumulate_to_those_of_the_whole_batch(tmp_path):
    still = {**SMALL, "ema": 0.0, "epochs": 1, "loss": {"kind": "l2"}}
    for parts in (1, 2, 4):
        train(data(), tmp_path / str(parts), load_config(None, {**still, "accumulate": parts}))
    whole = tensors(tmp_path / "1" / "best.safetensors")
    for parts in ("2", "4"):
        found = tensors(tmp_path / parts / "best.safetensors")
        assert max(float((found[name] - whole[name]).abs().max()) for name in whole) < 1e-4
    with pytest.raises(ConfigError, match="accumulate"):
        load_config(None, {"batch": 6, "accumulate": 4})


CURVE = {
    **SMALL,
    "network": "curve_net",
    "network_config": {"widths": [8, 8, 16, 16], "hidden": 32, "side": 32},
    "data": {"view": "zoom", "size": 32, "render": {}, "cache": "memory"},
    "loss": {"scale": 0.02},
    "epochs": 4,
}


def test_rendered_views_train_a_network_that_says_how_sure_it_is(tmp_path):
    done = train(data(Photographs(4, evs=(0.0,))), tmp_path / "run", load_config(None, CURVE))
    loaded = load_weights(done.weights)
    assert float(loaded.network.temperature) != 1
    held_out = Photographs(1)
    within = []
    for number, sample in enumerate(held_out.samples):  # one of five is its own reference
        for capture in captures_of(held_out.read(number), sample, Rendering(plain=0.5, dull=0.2), 2):
            residual, scale = predict_with_scale(loaded.network, capture.image)
            error = np.abs(residual - residual_from_codes(capture.codes))
            within.append(error <= SCALES_90 * scale)
    assert len(within) == 2
    assert np.mean(within) == pytest.approx(0.9, abs=0.02)


def test_a_run_starts_from_weights_of_the_same_network(tmp_path):
    first = train(data(Photographs(4, evs=(0.0,))), tmp_path / "first", load_config(None, CURVE))
    still = {
        **CURVE,
        "start": str(first.weights),
        "epochs": 1,
        "optimizer": {"rate": 1e-12, "warmup_steps": 0},
    }
    again = train(data(Photographs(4, evs=(0.0,))), tmp_path / "again", load_config(None, still))
    image = torch.rand(1, 3, 64, 48)
    begun, gone_on = load_weights(first.weights), load_weights(again.weights)
    torch.testing.assert_close(begun.network(image), gone_on.network(image), atol=1e-5, rtol=0)
    assert gone_on.facts["started_from"]["steps"] == begun.facts["steps"]
    with pytest.raises(BadInputError, match="another network"):
        train(data(), tmp_path / "other", config(start=str(first.weights)))


def test_a_run_may_add_a_part_to_the_network_it_starts_from(tmp_path):
    first = train(data(Photographs(4, evs=(0.0,))), tmp_path / "first", load_config(None, CURVE))
    more = {**CURVE, "start": str(first.weights), "epochs": 2, "learn": ["ladder"]}
    more["network_config"] = {**CURVE["network_config"], "rungs": [-2, 0, 2]}
    more["loss"] = {"scale": 0.02, "every": 2, "rungs": 1.0}
    done = train(data(Photographs(4, evs=(0.0,))), tmp_path / "again", load_config(None, more))
    again = load_weights(done.weights)
    known = {name: tensor for name, tensor in tensors(first.weights).items() if name != "temperature"}
    assert_equal(known, again.network.state_dict())  # nothing but the new part has learnt
    assert float(again.network.ladder.out.bias.detach().abs().min()) > 0
    assert "ladder.out.weight" in again.network.state_dict()
    fewer = {**CURVE, "start": str(tmp_path / "again" / "best.safetensors")}
    with pytest.raises(BadInputError, match="another network"):
        train(data(), tmp_path / "other", load_config(None, fewer))


FIGURES = {
    **CURVE,
    "network_config": {**CURVE["network_config"], "rungs": [-2, 0, 2], "second": 24},
    "data": {**CURVE["data"], "render": {"plain": 0.8, "whole": 1.0}},
    "learn": ["second", "ladder"],
    "figures": {"renderings": 12, "captures": 2, "pixels": 32},
    "batch": 16,
    "max_steps": 60,
}


def test_parts_that_read_figures_alone_learn_from_figures_made_once(tmp_path):
    samples = Photographs(4, evs=(0.0,))
    first = train(data(samples), tmp_path / "first", load_config(None, {**CURVE, "epochs": 1}))
    wanted = {**FIGURES, "start": str(first.weights)}
    done = train(data(samples), tmp_path / "run", load_config(None, wanted))
    again = train(data(samples), tmp_path / "again", load_config(None, wanted))
    assert_equal(tensors(done.weights), tensors(again.weights))
    untaught = train(data(samples), tmp_path / "one", load_config(None, {**wanted, "max_steps": 3}))
    assert done.mae < untaught.mae
    loaded = load_weights(done.weights)
    known = {name: tensor for name, tensor in tensors(first.weights).items() if name != "temperature"}
    assert_equal(known, loaded.network.state_dict())  # nothing but the new parts has learnt
    assert loaded.facts["started_from"]["steps"] == first.steps
    assert float(loaded.network.temperature) != 1
    kept = figures_of(loaded.network, samples, load_config(None, wanted), FiguresConfig(renderings=12))
    taught, little = (
        _ladder_loss(load_weights(run.weights).network.ladder, kept) for run in (done, untaught)
    )
    assert taught < 0.8 * little
    resumed = train(data(samples), tmp_path / "run", load_config(None, wanted), resume=True)
    assert (resumed.weights, resumed.mae) == (done.weights, pytest.approx(done.mae))
    with pytest.raises(AlreadyExistsError):
        train(data(samples), tmp_path / "run", load_config(None, wanted))


@pytest.mark.parametrize(
    "change",
    [{"learn": ["whole"]}, {"learn": []}, {"data": CURVE["data"] | {"render": None}}, {"max_steps": None}],
)
def test_what_cannot_learn_from_figures_is_refused(tmp_path, change):
    with pytest.raises(BadInputError, match="figures"):
        train(data(), tmp_path / "run", load_config(None, {**FIGURES, **change}))
    with pytest.raises(BadInputError, match="figures"):
        train(data(), tmp_path / "run", config(figures={}))


@pytest.mark.parametrize("cache", ["memory", "none"])
def test_rendered_views_are_the_same_when_resumed(tmp_path, cache):
    wanted = {**CURVE, "data": {**CURVE["data"], "cache": cache}}
    whole = train(data(Photographs(4, evs=(0.0,))), tmp_path / "whole", load_config(None, wanted))
    again = train(data(Photographs(4, evs=(0.0,))), tmp_path / "again", load_config(None, wanted))
    assert_equal(tensors(whole.weights), tensors(again.weights))


def test_only_networks_with_a_scale_learn_one(tmp_path):
    with pytest.raises(BadInputError, match=r"loss\.scale"):
        train(data(), tmp_path / "run", config(loss={"scale": 0.1}))
