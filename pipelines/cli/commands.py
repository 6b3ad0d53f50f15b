"""Every command of `iea40k`, by the way of work. A new command is a row here and a function in a module of its own.

A row: how it is called; one line for the list of commands; where its function is, "" for a command that an entry point
brings (see `pipelines.cli.lazy`). A group's row comes before its commands' rows; where the group has arguments of its
own, its function is the `typer.Typer` that holds them.
"""

# fmt: off
COMMANDS: dict[str, tuple[tuple[str, str, str], ...]] = {
    "Start": (
        ("doctor", "what works here, what is missing, the line that mends it", "pipelines.cli.doctor:doctor"),
        ("demo", "the whole way, small, on photographs that come along", "pipelines.cli.demo:demo"),
    ),
    "Make a manifest": (
        ("fetch", "download photographs or a release, resumable and verified", ""),
        ("fetch fivek", "MIT-Adobe FiveK, from the official site or its archive", "pipelines.cli.fetch:fivek"),
        ("fetch list", "public photographs by a list", "pipelines.cli.fetch:photographs_of_list"),
        ("fetch release", "a whole release from a server, every file checked", "pipelines.cli.fetch:release"),
        ("manifest", "make and check manifests: tables of one row a scene", ""),
        ("manifest brackets", "captures grouped into scenes", "pipelines.cli.manifest_brackets:brackets"),
        ("manifest fivek", "a FiveK tree", "pipelines.cli.manifest_fivek:fivek"),
        ("manifest official", "published scenes, to be made anew", "pipelines.cli.manifest_official:official"),
        ("manifest photographs", "what the dependencies ship", "pipelines.cli.manifest_photographs:photographs"),
        ("manifest labels", "label scenes by hand, in a spreadsheet", "pipelines.cli.manifest_fivek:labels"),
        ("manifest check", "every bad cell at once, with line and column", "pipelines.cli.manifest:check"),
    ),
    "Build a store": (
        ("build", "develop, align, subtract, check every scene; goes on after a stop", "pipelines.cli.build:build"),
        ("import", "bring a published dataset into a store", ""),
        ("import official", "the published IEA40K files, residuals exactly", "pipelines.cli.official:official"),
    ),
    "Look": (
        ("status", "what a store holds, what failed and why, what to look at", "pipelines.cli.build:status"),
        ("report", "a page of pictures and distributions, in one file", "pipelines.cli.report:report"),
    ),
    "Annotate": (
        ("queue", "what waits for people: add, assign, review", "pipelines.cli.queue_group:queue_app"),
        ("queue add", "put images into the queue", "pipelines.cli.queue:add"),
        ("queue list", "what stands in the queue, the highest priority first", "pipelines.cli.queue:list_tasks"),
        ("queue assign", "spread free work evenly over people", "pipelines.cli.queue:assign_tasks"),
        ("queue people", "what each person handed in", "pipelines.cli.queue:people"),
        ("queue accept", "accept submitted work: it counts from now on", "pipelines.cli.queue_admin:accept"),
        ("queue return", "return work to its author with a comment", "pipelines.cli.queue_admin:return_work"),
        ("queue annotator", "enter a person, or end their work", "pipelines.cli.queue_admin:annotator_command"),
        ("queue grant", "PostgreSQL: roles of annotators and curators", "pipelines.cli.queue_admin:grant"),
        ("queue stale", "strokes drawn on a base that was rebuilt since", "pipelines.cli.queue_admin:stale"),
        ("queue verify", "check the ledger's chains and its database", "pipelines.cli.queue_admin:verify"),
        ("queue seal", "note what the ledger is now", "pipelines.cli.queue_admin:seal_ledger"),
        ("queue copy", "copy the ledger to a server, or into a file", "pipelines.cli.queue_admin:copy"),
        ("queue upgrade", "bring an older ledger up to this version", "pipelines.cli.queue_admin:upgrade_ledger"),
        ("annotate", "open the window: correct residuals, set zones of references", ""),
        ("agreement", "how far the experts agree", "pipelines.cli.agreement:agreement"),
    ),
    "Release": (
        ("release", "cut a release: immutable, versioned, checksummed", "pipelines.cli.release:release"),
        ("verify", "check every byte, table and pixel of a release or a store", "pipelines.cli.release:verify"),
        ("diff", "compare two releases", "pipelines.cli.release:diff"),
        ("export", "write a release, or weights, in another form", "pipelines.cli.export:export"),
    ),
    "Train": (
        ("train", "train a network on a release", "pipelines.cli.model:train"),
        ("evaluate", "measure a network on a part of a release", "pipelines.cli.model:evaluate"),
        ("benchmark", "every model on the same splits, one table", "pipelines.cli.benchmark:benchmark"),
        ("validate", "the labels of a release that deserve a second look", "pipelines.cli.validate:validate"),
    ),
    "Use": (
        ("predict", "residual, heat map and score of photographs", "pipelines.cli.assess:predict"),
        ("score", "score a photograph or a residual by criteria", "pipelines.cli.assess:score"),
        ("judge", "rank enhancers by the residual of their outputs", "pipelines.cli.assess:judge"),
    ),
}
# fmt: on
