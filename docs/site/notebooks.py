"""Notebooks as pages of the site: their cells, and the outputs that they were kept with."""

import base64
import json
from pathlib import Path
from typing import Any


def page_of(file: Path) -> tuple[str, dict[str, bytes]]:
    """Return a notebook as Markdown, and its pictures by their names beside it."""
    parts: list[str] = []
    pictures: dict[str, bytes] = {}
    for cell in json.loads(file.read_text(encoding="utf-8"))["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            parts.append(source)
            continue
        # Magics say how pictures are kept, nothing about the subject.
        shown = "\n".join(line for line in source.splitlines() if not line.startswith("%")).strip("\n")
        parts.append(f"```python\n{shown}\n```")
        parts += [_output(output, file.stem, pictures) for output in cell["outputs"]]
    link = f"*The notebook itself: [{file.name}]({file.name}).*"
    head, _, rest = parts[0].partition("\n")
    return "\n\n".join([head, link, rest.strip(), *parts[1:]]) + "\n", pictures


def _output(output: dict[str, Any], stem: str, pictures: dict[str, bytes]) -> str:
    data = output.get("data", {"text/plain": output.get("text", "")})
    if "image/png" in data:
        name = f"{stem}-{len(pictures)}.png"
        pictures[name] = base64.b64decode("".join(data["image/png"]))
        return f"![What the cell above draws]({name})"
    if "text/html" in data:
        return "".join(data["text/html"])
    return f"```text\n{''.join(data['text/plain']).rstrip()}\n```"
