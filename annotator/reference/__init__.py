"""Zone edits of references: blocks, the edited reference, and what a press does to it. No Qt."""
