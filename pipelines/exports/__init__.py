"""A release in the forms of other ecosystems: one interface (`forms.Form`), one module a form, one way of writing them.

    OUT/data/SPLIT-NNNNN-of-NNNNN.*   pieces: runs of images of one split
    OUT/README.md ...                 what the form adds
    OUT/LICENCES.csv                  a licence an image
    OUT/SHA256SUMS                    of every file above
    OUT/export.json                   which release, which options; written last

Pieces are written beside OUT, in `.OUT.partial`, each with its checksum in a journal; the same call goes on
after a stop.
"""
