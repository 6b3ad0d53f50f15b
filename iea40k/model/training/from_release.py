"""A release as training data: its samples, and what they are in words and digests."""

from iea40k.errors import BadInputError
from iea40k.files import AnyPath
from iea40k.model.data.release_samples import ReleaseSamples
from iea40k.model.training.config import DataConfig
from iea40k.model.training.run import TrainingData
from iea40k.store.release import Release


def training_data(path: AnyPath, config: DataConfig, *, pictures: bool = False) -> TrainingData:
    """Return the training and validation samples of the release at `path`; `pictures`: with references to learn from.

    Raises `BadInputError` where a split is empty or a scene would be in both.
    """
    release = Release.open(path)
    train = ReleaseSamples(
        release,
        config.split,
        config.train_part,
        config.levels,
        references=config.render is not None,
        pictures=pictures,
    )
    valid = ReleaseSamples(release, config.split, config.valid_part, config.levels)
    shared = scene_ids(train) & scene_ids(valid)
    if shared:
        raise BadInputError(
            "scenes are in the training and in the validation split",
            where=release.where,
            got=", ".join(sorted(shared)[:5]),
            remedy="validation on scenes that were learnt says nothing; name two different splits",
        )
    identity = {
        "release": release.digest,
        "version": release.version,
        "split": config.split,
        "train_part": config.train_part,
        "valid_part": config.valid_part,
        "levels": list(config.levels),
    }
    rows = release.images_of(config.split, config.train_part)
    licences = ", ".join(sorted(set(rows["licence"])))
    described = (
        f"{release.head.get('name', 'a release')} {release.version}: {len(train.samples)} images of "
        f"{len(scene_ids(train))} scenes ({config.split}, {config.train_part}); licences of the images: {licences}"
    )
    return TrainingData(train, valid, identity, described)


def scene_ids(samples: ReleaseSamples) -> set[str]:
    """Return the scenes of samples."""
    return {sample.scene_id for sample in samples.samples}
