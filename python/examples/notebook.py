"""notebook.py SCRIPT.py NOTEBOOK.ipynb: a script with `# %%` cells as a notebook."""
import json
import re
import sys

with open(sys.argv[1], encoding="utf8") as file:
    parts = re.split(r"^# %%(.*)\n", file.read(), flags=re.MULTILINE)[1:]
cells = []
for kind, body in zip(parts[::2], parts[1::2]):
    prose = "[markdown]" in kind
    body = body.strip("\n")
    lines = (re.sub(r"^# ?", "", body, flags=re.MULTILINE) if prose else body).splitlines(True)
    cell = {"cell_type": "markdown" if prose else "code", "metadata": {}, "source": lines}
    cells.append(cell if prose else {**cell, "execution_count": None, "outputs": []})
with open(sys.argv[2], "w", encoding="utf8") as file:
    json.dump({"cells": cells, "metadata": {"language_info": {"name": "python"}}, "nbformat": 4, "nbformat_minor": 4}, file, indent=1)
