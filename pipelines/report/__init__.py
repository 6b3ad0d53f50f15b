"""The report of a store or a release: one page that holds everything it shows.

`sources` reads what there is, `pictures` packs small pictures and the values of their residuals, `numbers` counts,
`writing` puts the page together; `page/` holds the page itself.
"""
