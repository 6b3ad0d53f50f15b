"""The kinds of outliers that are proposed, one row each."""

from enum import StrEnum


class Kind(StrEnum):
    """A kind of outlier: `words` name it for people, `colour` outlines it, `repair` says what is done about it."""

    words: str
    colour: str
    repair: str

    def __new__(cls, value: str, words: str, colour: str, repair: str) -> "Kind":
        """Make one row's member."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.words, member.colour, member.repair = words, colour, repair
        return member

    LIGHT = "light", "light source or logo", "#ffe14d", "set to what a light is, less in its halo"
    SPECKLE = "speckle", "speckle", "#ff4fd8", "filled from its surroundings"
    DISPLACED = "displaced", "displaced edge", "#49e36b", "subtracted again, after re-alignment"
    MOVED = "moved", "something that moved", "#33d1c9", "taken from the neighbouring levels"
    SIGN = "sign", "wrong sign", "#ff6b4a", "turned round"
    LEVEL = "level", "label of another level", "#c58bff", "subtracted again"
    GAIN = "gain", "label off by a gain", "#9fb4ff", "subtracted again"
    BRIGHTNESS = (
        "brightness",
        "brighter or darker than its levels allow",
        "#ffb37a",
        "taken from the neighbouring levels",
    )
    DISPUTED = "disputed", "disputed by the model", "#ff9d00", "subtracted again, or set to what a light is"
    CLIPPED = (
        "clipped",
        "clipped without information",
        "#c0c0c0",
        "nothing: a person must say what belongs there",
    )
