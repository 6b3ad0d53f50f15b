"""`uec`: unsupervised exposure correction (ECCV 2024), as its published weights compute it; 19,388 parameters.

It carries a picture to the exposure of a reference picture, of any scene: two codes of 96 statistics give one number
v, and each pixel becomes `v y + (1 - v) h(y)`, three times. Parameter names equal those of the published files.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from iea40k.errors import BadInputError
from iea40k.model.structure_loss import luma_of

PASSES = 3
ENCODED_HEIGHT = 256
REFERENCE_SIZE = (192, 288)
"""Height and width, in pixels, of the reference picture that weights carry."""


class UEC(nn.Module):
    """(B, 3, H, W) RGB in [0, 1] -> (B, 1, H, W) residual = luma(corrected) - luma(image); any size.

    `reference` (3, *REFERENCE_SIZE) uint8 is the one well-exposed picture to whose exposure all are carried; weights
    without it cannot judge. `tv` is the factor of the total variation in training, 0 as in the published code.
    """

    corrects = True
    sees_whole = True

    def __init__(self, tv: float = 0.0) -> None:
        super().__init__()
        self.tv = tv
        self.image_encoder = _Encoder()
        self.mExCorrector = _Corrector()
        self.mDiffPredictor = _Predictor()
        self.register_buffer("reference", torch.zeros((3, *REFERENCE_SIZE), dtype=torch.uint8))

    def forward(self, image: Tensor) -> Tensor:
        """Return the residual maps. Raises `BadInputError` where no reference picture is known."""
        return luma_of(self.corrected(image)) - luma_of(image)

    def corrected(self, image: Tensor) -> Tensor:
        """Return the pictures (B, 3, H, W) in [0, 1] at the exposure of the weights' own reference picture."""
        own = self.get_buffer("reference")
        if not bool(own.any()):
            raise BadInputError(
                "uec carries pictures to the exposure of a reference picture, and these weights have none",
                remedy="measure them by `iea40k benchmark`, which takes one of the training split, or train them",
            )
        pictures, _ = self.passes(image, (own.float() / 255)[None].to(image))
        return pictures[-1]

    def passes(self, image: Tensor, reference: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """Return the pictures after each pass, and the number v (B, 1) of each; `reference` (1 or B, 3, h, w)."""
        pictures: list[Tensor] = []
        values: list[Tensor] = []
        wanted = self.code(reference, like=image)
        for _ in range(PASSES):
            value = self.mDiffPredictor(self.code(image, like=image), wanted)
            image = self.once(image, value)
            pictures.append(image)
            values.append(value)
        return pictures, values

    def code(self, picture: Tensor, *, like: Tensor) -> Tensor:
        """Return the 96 statistics (B, 96) of pictures, scaled to a height of 256 and the shape of `like`."""
        height, width = like.shape[-2:]
        size = (ENCODED_HEIGHT, max(1, ENCODED_HEIGHT * width // height))
        scaled = F.interpolate(picture, size, mode="bilinear", align_corners=False)
        out: Tensor = self.image_encoder(scaled)
        return out

    def value(self, code: Tensor, wanted: Tensor) -> Tensor:
        """Return v (B, 1) of two codes."""
        out: Tensor = self.mDiffPredictor(code, wanted)
        return out

    def once(self, image: Tensor, value: Tensor) -> Tensor:
        """Return pictures after one pass with v (B, 1)."""
        out: Tensor = self.mExCorrector(image, value.reshape(-1, 1, 1, 1))
        return out


class _Encoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 32, 7, stride=2, padding=1)
        self.conv2 = nn.Conv2d(32, 32, 3, stride=2, padding=1)

    def forward(self, picture: Tensor) -> Tensor:
        x = F.relu(self.conv2(F.relu(self.conv1(picture)))).flatten(2)
        return torch.cat([x.std(2), x.mean(2), x.amax(2)], 1)


class _Predictor(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc3 = nn.Linear(96, 8)
        self.fc4 = nn.Linear(16, 1)

    def forward(self, image: Tensor, reference: Tensor) -> Tensor:
        both = [torch.tanh(self.fc3(code)) for code in (image, reference.expand(len(image), -1))]
        out: Tensor = self.fc4(torch.cat(both, 1))
        return out


class _Corrector(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.ex_block = _PixelNet()

    def forward(self, image: Tensor, value: Tensor) -> Tensor:
        out: Tensor = (value * self.ex_block(image) + (1 - value) * image).clamp(0, 1)
        return out


class _PixelNet(nn.Module):
    """The same function of RGB for every pixel."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Conv2d(3, 64, 1)
        self.mid_conv = nn.Conv2d(64, 64, 1)
        self.decoder = nn.Conv2d(64, 3, 1)

    def forward(self, image: Tensor) -> Tensor:
        x = F.leaky_relu(self.encoder(image), 0.01)
        out: Tensor = self.decoder(F.leaky_relu(self.mid_conv(x), 0.01))
        return out
