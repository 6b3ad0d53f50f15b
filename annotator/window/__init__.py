"""The one room that imports Qt (through qtpy): the dock, the dialogs, the bindings."""
