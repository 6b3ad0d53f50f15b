"""The training loop, from the first step to the weights: reads top to bottom."""

import os
import time
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from iea40k.errors import AlreadyExistsError, BadInputError
from iea40k.files import AnyPath, make_folders, write_atomic
from iea40k.model.data import Batch, to_batch
from iea40k.model.losses import LossConfig, residual_loss, scale_loss
from iea40k.model.messias_loss import messias_loss
from iea40k.model.networks import describe
from iea40k.model.networks.curve_net import CurveNet
from iea40k.model.networks.messias import Messias
from iea40k.model.training.average import Average
from iea40k.model.training.checkpoint import Progress, load_checkpoint, save_checkpoint
from iea40k.model.training.config import TrainingConfig, dump_config
from iea40k.model.training.fitting import fit
from iea40k.model.training.record import Clock, Record, Teller, duration
from iea40k.model.training.run import CONFIG, WEIGHTS, Trained, TrainingData
from iea40k.model.training.schedule import rate_at
from iea40k.model.training.setup import Place, make_optimizer, processes, training_batches
from iea40k.model.training.starting import first_network
from iea40k.model.training.stopping import Stop, stoppable
from iea40k.model.training.validation import Validation, validate
from iea40k.model.training.variation import Variation, vary
from iea40k.model.weights import load_weights, save_weights
from iea40k.recipe import digest, without_nan

CHECKPOINT = "checkpoint.pt"
_TELL_EVERY = 20

LEAST_SCENES = 3
"""Validation scenes from which a best epoch is chosen; on fewer it would be chance, and the last one is kept."""


def train(
    data: TrainingData,
    out: AnyPath,
    config: TrainingConfig,
    *,
    resume: bool = False,
    tell: Teller | None = None,
) -> Trained:
    """Train a network and write the run's folder `out`; `resume` goes on where its checkpoint stands.

    On the CPU, with the same number of threads, an interrupted and resumed run gives the very bits of one that was
    never interrupted. Under `torchrun` every process calls this, and the first one writes.
    Raises `AlreadyExistsError` for a folder with a run where `resume` is false.
    """
    out = Path(out)
    if (out / CHECKPOINT).exists() and not resume:
        raise AlreadyExistsError(
            "there is a run in this folder", where=out, remedy="add --resume to go on, or name another folder"
        )
    _check_network(config)
    if describe(config.network).fitted or config.figures is not None:
        return fit(data, out, config, tell or _silent, resume=resume)
    with processes(config) as place:
        return _Run(data, out, config, place, tell or _silent).go()


class _Run:
    """One process's share of a run."""

    def __init__(
        self, data: TrainingData, out: Path, config: TrainingConfig, place: Place, tell: Teller
    ) -> None:
        self.data, self.out, self.config, self.place = data, out, config, place
        self.tell = tell if place.first else _silent
        torch.manual_seed(config.seed)
        network = first_network(config).to(place.device)
        self.network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = Average(self.network, config.ema)
        self.optimizer = make_optimizer(self.network, config)
        self.identity = {
            "config": digest(_said(config)),
            "data": digest(dict(data.identity)),
        }
        self.progress = Progress()
        if (out / CHECKPOINT).exists():
            self._restore()
        self.batches, self.sampler = training_batches(data.train, config, place)
        self.untold: list[Tensor] = []
        self.chooses = len({sample.scene_id for sample in data.valid.samples}) >= LEAST_SCENES
        self.steps_an_epoch = len(self._at(0, 0))
        self.total = self.steps_an_epoch * config.epochs
        if config.max_steps is not None:
            self.total = min(self.total, config.max_steps)
        self.forward = self._wrapped()
        self.losses = LossConfig(**config.loss.model_dump(exclude={"every", "rungs"}))
        self.variation = Variation(**config.data.vary.model_dump())
        self.record = self._open_record() if place.first else None

    def go(self) -> Trained:
        """Train to the end, to early stopping, or to an interruption, after which a checkpoint stands."""
        progress = self.progress
        clock = Clock(progress.step, self.total)
        with stoppable() as stop:
            self._run(clock, stop)
        weights = self.out / WEIGHTS
        return Trained(weights, progress.best, progress.best_epoch, progress.step, progress.seconds)

    def _run(self, clock: Clock, stop: Stop) -> None:
        progress, config = self.progress, self.config
        began, saved = time.monotonic() - progress.seconds, time.monotonic()
        try:
            while (progress.step < self.total or progress.batch) and not self._patience_is_over():
                self._at(progress.epoch, progress.batch)
                for items in self.batches:
                    if progress.step >= self.total:
                        break
                    self._step(items)
                    stop.check()
                    progress.seconds = time.monotonic() - began
                    if time.monotonic() - saved > 60 * config.checkpoint_minutes:
                        self._save()
                        saved = time.monotonic()
                self._finish_epoch(clock)
        except KeyboardInterrupt:
            self._save()
            raise
        finally:
            if self.record is not None:
                self.record.close()

    # ------------------------------------------------------------ a step

    def _step(self, items: dict[str, Tensor]) -> None:
        rate = rate_at(self.progress.step, self.steps_an_epoch, self.total, self.config.optimizer)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.zero_grad(set_to_none=True)
        total = torch.zeros((), device=self.place.device)
        for part in _parts(items, self.config.accumulate):
            loss = self._loss(self._batch(part)) / self.config.accumulate
            loss.backward()  # type: ignore[no-untyped-call]
            total += loss.detach()
        if self.config.optimizer.clip:
            nn.utils.clip_grad_norm_(self.network.parameters(), self.config.optimizer.clip)
        self.optimizer.step()
        self.average.update(self.network)
        self.progress.step += 1
        self.progress.batch += 1
        self.untold.append(total)
        if len(self.untold) >= _TELL_EVERY:
            self._tell_losses()

    def _loss(self, batch: Batch) -> Tensor:
        target = (batch.label, batch.valid, batch.weight)
        if isinstance(self.network, Messias):
            with self.place.autocast():
                parts = self.forward(batch.image, parts=True)
            return messias_loss(parts.float(), batch, self.losses)
        if not self.losses.scale:
            with self.place.autocast():
                prediction = self.forward(batch.image)
            return residual_loss(prediction.float(), *target, self.losses)
        every = self.config.loss.every
        with self.place.autocast():
            both = self.forward(batch.image, scale=True, every=every)
        label, valid, weight = (part[..., ::every, ::every] for part in target)
        prediction, scale = both.float().chunk(2, 1)
        loss = residual_loss(prediction, label, valid, weight, self.losses)
        loss = loss + self.losses.scale * scale_loss(prediction, scale, label, valid, weight)
        if self.config.loss.rungs and isinstance(self.network, CurveNet):
            told = self.network.ladder_loss(batch.image, batch.label, batch.valid)
            loss = loss + self.config.loss.rungs * told
        return loss

    def _tell_losses(self) -> None:
        """Read losses from the device, some at a time: each reading waits for the device."""
        rate = self.optimizer.param_groups[0]["lr"]
        for k, loss in enumerate(self.untold):
            value = float(loss)
            self.progress.loss_sum += value
            if self.record is not None:
                step = self.progress.step - len(self.untold) + 1 + k
                self.record.scalars(step, {"train/loss": value, "train/rate": rate})
        self.untold = []

    def _batch(self, items: dict[str, Tensor]) -> Batch:
        data = self.config.data
        side = data.size if data.view == "official" else None
        batch = to_batch(items, device=self.place.device, side=side, spread_scale=data.spread_scale)
        return vary(batch, self.variation, self.config.seed, self.progress.epoch)

    def _finish_epoch(self, clock: Clock) -> None:
        progress, config = self.progress, self.config
        self._tell_losses()
        loss = progress.loss_sum / max(1, progress.batch)
        progress.epoch, progress.batch, progress.loss_sum = progress.epoch + 1, 0, 0.0
        done = progress.step >= self.total
        entry: dict[str, Any] = {"step": progress.step, "epoch": progress.epoch, "train/mean_loss": loss}
        line = f"epoch {progress.epoch}/{config.epochs}  loss {loss:.4f}"
        if progress.epoch % config.validate_every == 0 or done:
            found = validate(self.average.network, self.data.valid, config, self.place)
            entry |= {f"valid/{name}": value for name, value in found.metrics.items()}
            line += f"  valid MAE {found.metrics['mae']:.4f}"
            if not self.chooses or found.metrics["mae"] < progress.best:
                progress.best, progress.best_epoch = found.metrics["mae"], progress.epoch
                self._write_weights(WEIGHTS, found)
                line += " (best)" if self.chooses else ""
            self._pictures(found)
        if self.record is not None:
            self.record.epoch({**entry, "seconds": progress.seconds})
        self._save()
        self.tell(f"{line}  {duration(progress.seconds)}, {duration(clock.to_go(progress.step))} to go")

    def _patience_is_over(self) -> bool:
        patience, progress = self.config.patience, self.progress
        return patience is not None and progress.epoch - max(0, progress.best_epoch) >= patience

    # ------------------------------------------------------------ what is kept

    def _save(self) -> None:
        self._tell_losses()
        if self.place.first:
            state = {
                "network": self.network.state_dict(),
                "average": self.average.network.state_dict(),
                "updates": self.average.updates,
                "optimizer": self.optimizer.state_dict(),
            }
            save_checkpoint(self.out / CHECKPOINT, self.identity, self.progress, state)

    def _restore(self) -> None:
        self.progress, state = load_checkpoint(self.out / CHECKPOINT, self.identity)
        self.network.load_state_dict(state["network"])
        self.average.network.load_state_dict(state["average"])
        self.average.updates = state["updates"]
        self.optimizer.load_state_dict(state["optimizer"])

    def _write_weights(self, name: str, found: Validation) -> None:
        if not self.place.first:
            return
        facts = {
            "licence": self.config.licence,
            "trained_on": self.data.described,
            "data": dict(self.data.identity),
            "chosen": "best epoch in validation" if self.chooses else "last epoch",
            "metrics": without_nan({f"valid_{key}": value for key, value in found.metrics.items()}),
            "steps": self.progress.step,
            **({"started_from": load_weights(self.config.start).facts} if self.config.start else {}),
            "short_side": int(np.median([min(s.shape) for s in self.data.train.samples])),
            "training": self.config.model_dump(mode="json"),
        }
        if describe(self.config.network).has_scale:
            self.average.network.get_buffer("temperature").fill_(found.temperature)
        save_weights(
            self.out / name, self.average.network, self.config.network, self.config.network_config, facts
        )

    def _open_record(self) -> Record:
        make_folders(self.out)
        write_atomic(self.out / CONFIG, dump_config(self.config))
        count = sum(p.numel() for p in self.network.parameters())
        facts = {
            "data": dict(self.data.identity),
            "network": self.config.network,
            "parameters": count,
            "images": {"train": len(self.data.train.samples), "valid": len(self.data.valid.samples)},
            "device": str(self.place.device),
            "threads": torch.get_num_threads(),
            "processes": self.place.rank.world,
            "bfloat16": self.place.bfloat16,
        }
        kept = (
            "" if self.chooses else f"; fewer than {LEAST_SCENES} validation scenes: the last epoch is kept"
        )
        self.tell(
            f"{self.config.network}: {count:,} parameters, {self.total} steps of {self.config.batch} images{kept}"
        )
        return Record(self.out, facts, self.progress.step)

    def _pictures(self, found: Validation) -> None:
        if self.record is not None:
            for picture in found.pictures:
                self.record.picture(
                    self.progress.step, picture.name, picture.image, picture.label, picture.prediction
                )

    # ------------------------------------------------------------ how it runs

    def _at(self, epoch: int, batch: int) -> Any:
        self.sampler.seek(epoch, batch)
        return self.sampler

    def _wrapped(self) -> nn.Module:
        network: nn.Module = self.network
        if self.place.rank.world > 1:
            network = DistributedDataParallel(network)
        if self.config.compile:
            network = cast("nn.Module", torch.compile(network))
        return network.train()


def _parts(items: dict[str, Tensor], count: int) -> list[dict[str, Tensor]]:
    """Return a batch in `count` parts of equal length, whose gradients add up to the batch's."""
    if count == 1:
        return [items]
    if len(items["number"]) % count:
        raise BadInputError(
            "the batch of a process cannot be divided",
            expected=f"a multiple of accumulate ({count})",
            got=str(len(items["number"])),
        )
    split = {name: tensor.chunk(count) for name, tensor in items.items()}
    return [{name: parts[k] for name, parts in split.items()} for k in range(count)]


def _silent(line: str) -> None:
    del line


def _said(config: TrainingConfig) -> dict[str, Any]:
    """Return the configuration as checkpoints name it: a run by steps has no figures, also before there were any."""
    return config.model_dump(mode="json", exclude={"figures"})


def _check_network(config: TrainingConfig) -> None:
    if describe(config.network).learns_pictures and (config.data.render or config.loss.rungs):
        raise BadInputError(
            f"{config.network} learns from the references of a release as they are",
            expected="no data.render",
            got="rendered captures",
        )
    side = describe(config.network).fixed_side
    if side is not None and config.data.size != side:
        raise BadInputError(
            f"{config.network} sees one size only", expected=f"data.size: {side}", got=str(config.data.size)
        )
    if config.loss.every > 1 and not config.loss.scale:
        raise BadInputError(
            "losses of some pixels only are those of networks that say how far they may be off",
            expected="loss.every: 1, or a factor loss.scale",
            got=str(config.loss.every),
        )
    if config.figures is not None and config.network != "curve_net":
        raise BadInputError(
            f"{config.network} reads no figures of a picture",
            expected="figures: null",
            got=str(config.figures),
        )
    if config.loss.rungs and config.network != "curve_net":
        raise BadInputError(
            f"{config.network} knows no ladder", expected="loss.rungs: 0", got=str(config.loss.rungs)
        )
    if config.loss.rungs and int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise BadInputError(
            "a ladder is learnt by one process", expected="loss.rungs: 0, or no torchrun", got="several"
        )
    if config.loss.scale and not describe(config.network).has_scale:
        raise BadInputError(
            f"{config.network} does not say how far it may be off",
            expected="loss.scale: 0",
            got=str(config.loss.scale),
        )
