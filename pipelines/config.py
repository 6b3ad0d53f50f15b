"""How a build is made: every choice in one place, read from YAML, an unknown key is an error."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from iea40k.colour import SPACES
from iea40k.errors import ConfigError
from iea40k.files import sha256_file
from iea40k.scene import LADDER, level_name
from iea40k.texts import parse_yaml


class BuildConfig(BaseModel):
    """Parameters of `iea40k build`; all have defaults, so that an empty file is a good one.

    - `short_side`: frames are scaled down in linear light to this many pixels on the shorter side, never up
    - `evs`: the exposures simulated from one file, in stops
    - `reference`: where a row gives several experts: one of them ("A" ... "E"), their per-pixel "median", or
      "median-spread", which also stores their spread as uncertainty; a row without experts uses a fusion
    - `tone`: "match" gives simulated exposures the contrast of their retouch, "none" leaves them as they are
      rendered. Without it RAW is matched and a finished picture (JPEG, PNG, TIFF), which has a tone already, is not
    - `seed`: of everything random (simulated exposures)
    - `assume_profile`: the colour space of pictures that name none ("srgb", "prophoto", ...). Without it JPEG and PNG
      are sRGB, as their standards have it, and a TIFF that names none is refused
    - `accept_headerless`: develop RAW files that name no camera, by LibRaw's guess from their length
    - `cmyk`: what tells the colours of pictures made for print: "profile", the one they carry, or the path of an ICC
      profile (relative to this file) for those that carry none. Without it they are refused
    - `max_pixels`: larger pictures are refused before their memory is taken
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    short_side: Annotated[int, Field(ge=32, le=4096)] = 512
    evs: Annotated[tuple[float, ...], Field(min_length=1, max_length=64)] = LADDER
    reference: Literal["median-spread", "median", "A", "B", "C", "D", "E"] = "median-spread"
    tone: Literal["none", "match"] | None = None
    seed: Annotated[int, Field(ge=0)] = 0
    assume_profile: str | None = None
    accept_headerless: bool = False
    cmyk: str | None = None
    max_pixels: Annotated[int, Field(ge=4)] = 200_000_000

    def recorded(self) -> dict[str, Any]:
        """Return the parameters as plans and recipes record them: what came later (`tone`, `cmyk`) only where it is
        set, and a profile by its content."""
        later = {name for name in ("tone", "cmyk") if getattr(self, name) is None}
        recorded = self.model_dump(exclude=later)
        if self.cmyk not in (None, "profile"):
            recorded["cmyk"] = sha256_file(Path(str(self.cmyk)))
        return recorded

    @field_validator("assume_profile")
    @classmethod
    def _known_space(cls, name: str | None) -> str | None:
        if name is not None and name not in SPACES:
            raise ValueError(f"one of {', '.join(SPACES)}")
        return name

    @field_validator("evs")
    @classmethod
    def _distinct(cls, evs: tuple[float, ...]) -> tuple[float, ...]:
        if len({level_name(ev) for ev in evs}) != len(evs) or not all(abs(ev) <= 12 for ev in evs):
            raise ValueError("distinct stops between -12 and +12 (to a hundredth)")
        return evs


def read_config(file: Path | None) -> BuildConfig:
    """Return the configuration of a YAML file, the defaults without one. Raises `ConfigError` naming every key."""
    if file is None:
        return BuildConfig()
    try:
        content = parse_yaml(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigError("there is no such configuration", where=file) from error
    except (OSError, ValueError) as error:
        raise ConfigError("the configuration is not YAML", where=file, got=str(error)) from error
    if content is None:
        content = {}
    if not isinstance(content, dict):
        raise ConfigError(
            "the configuration is no table of keys",
            where=file,
            expected="key: value lines",
            got=repr(content)[:200],
        )
    try:
        if isinstance(content.get("cmyk"), str) and content["cmyk"] != "profile":
            content["cmyk"] = str(_profile_beside(file, content["cmyk"]))
        return BuildConfig(**content)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise ConfigError(
            "the configuration cannot be used",
            where=file,
            expected=f"the keys {', '.join(BuildConfig.model_fields)}",
            got=faults,
        ) from error


def _profile_beside(file: Path, name: str) -> Path:
    profile = file.absolute().parent / name
    if not profile.is_file():
        raise ConfigError(
            "the CMYK profile is not there",
            where=file,
            expected='"profile", or the path of an ICC profile relative to this file',
            got=name,
        )
    return profile
