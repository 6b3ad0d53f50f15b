"""The group `iea40k queue STORE …`: which store and which ledger its commands work on."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.cli.lazy import LazyGroup

if TYPE_CHECKING:
    from iea40k.store.ledger import Ledger

LedgerOption = Annotated[
    str | None,
    typer.Option(
        help="postgresql://HOST/DATABASE; the store's own file where left out.", envvar="IEA40K_LEDGER"
    ),
]


class _StoreFirst(LazyGroup):
    """Lets options of the group follow the store, as people write them: `queue STORE --ledger URL list`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Move the options behind the first argument before it."""
        rest = args[1:]
        options: list[str] = []
        while rest and rest[0].startswith("--ledger"):
            taken = 1 if "=" in rest[0] else 2
            options, rest = [*options, *rest[:taken]], rest[taken:]
        return super().parse_args(ctx, [*options, *args[:1], *rest])


queue_app = typer.Typer(
    cls=_StoreFirst,
    rich_markup_mode=None,
    help="The queue of a store: add images, assign them, review, see who did how much.",
)


@dataclass(frozen=True)
class Where:
    """The store, and its ledger's place."""

    store: Path
    ledger: str = field(repr=False)

    def open(self, *, create: bool = False) -> "Ledger":
        """Open the ledger."""
        from iea40k.store.kinds import refuse_mistaken
        from iea40k.store.ledger import Ledger

        refuse_mistaken(self.store, "store")
        return Ledger.open(self.ledger, create=create)


@queue_app.callback()
def _queue(
    context: typer.Context,
    store: Annotated[Path, typer.Argument(help="The store.")],
    ledger: LedgerOption = None,
) -> None:
    context.obj = Where(store, ledger_place(context, store, ledger))


def typed(context: typer.Context, option: str = "ledger") -> bool:
    """Whether an option was typed, and does not come from the environment."""
    source = context.get_parameter_source(option)
    return source is not None and source.name == "COMMANDLINE"


def ledger_place(context: typer.Context, store: Path, ledger: str | None) -> str:
    """Return where a store's ledger is. Raises `BadInputError` for a password in an option: others can see it."""
    if ledger is None:
        return str(store)
    if typed(context):
        from iea40k.store.ledger.place import refuse_typed_secret

        refuse_typed_secret(ledger)
    return ledger


def ledger_of(context: typer.Context, store: Path, ledger: str | None) -> str | None:
    """Return where the ledger of a command's store is, None where `--ledger` names none and the store has none."""
    from iea40k.store.kinds import LEDGER_FILE

    if ledger is None and not (store / LEDGER_FILE).is_file():
        return None
    return ledger_place(context, store, ledger)
