"""The tour runs, cell by cell as its notebook has it: made-up data, a folder of photos, and their recalls."""
import json
import os
import subprocess
import sys

import numpy as np
import pytest

from conftest import ROOT

EXAMPLES = os.path.join(ROOT, "python", "examples")


def test_the_tour(demo, tmp_path):
    image = pytest.importorskip("PIL.Image", reason="python3-pil makes the photos")
    subprocess.run([sys.executable, os.path.join(EXAMPLES, "notebook.py"), os.path.join(EXAMPLES, "tour.py"),
                    str(tmp_path / "tour.ipynb")], check=True)
    notebook = json.loads((tmp_path / "tour.ipynb").read_text())
    code = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert len(notebook["cells"]) == 16 and code[0].startswith("import sys")
    for i in range(2):
        image.fromarray(np.full((48, 64, 3), 255 * i, np.uint8)).save(tmp_path / ("%d.png" % i))
    (tmp_path / "captions.txt").write_text("a black photo\n" * 5 + "a white photo\n" * 5)
    done = subprocess.run([sys.executable, "-c", "\n".join(code), str(demo.folder), str(tmp_path), str(tmp_path / "captions.txt")],
                          stdout=subprocess.PIPE, check=True, env=dict(os.environ, XDG_CACHE_HOME=str(tmp_path / "cache")))
    lines = done.stdout.decode().splitlines()
    assert "45 words; (45, 64) prototypes" in lines[0] and lines[2].startswith("puppy ood ['dog'") and "Rs 488" in lines[6]
    assert [line.split()[0][:2] for line in lines[7:10]] == ["1."] * 3 and {os.path.basename(line) for line in lines[10:12]} == {"0.png", "1.png"}
    assert lines[12].startswith("2 photos: Recalls(")
