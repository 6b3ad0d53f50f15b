"""IEA40K core: datasets of pixel-level image exposure.

The word list of this package (see `docs/words.md`): a *scene* is one composition; its *exposures* differ by
`ev` stops; the *reference* is its ideally exposed image; the *residual* is
`luma(reference) - luma(exposure)`, in [-1, 1], positive where the exposure is underexposed.
"""

__version__ = "0.1.0"
