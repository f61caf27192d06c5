"""The tour runs, as a script and as a notebook's cells."""
import json
import os
import subprocess
import sys

from conftest import ROOT

EXAMPLES = os.path.join(ROOT, "python", "examples")


def test_the_tour(demo, tmp_path):
    done = subprocess.run([sys.executable, os.path.join(EXAMPLES, "tour.py"), str(demo.folder)], stdout=subprocess.PIPE, check=True)
    text = done.stdout.decode()
    assert "45 words; (45, 64) prototypes" in text and "puppy ood ['dog'" in text and "Rs 488" in text
    assert len(text.splitlines()) >= 10 and text.splitlines()[-1].split()[0].startswith("1.")


def test_the_notebook(demo, tmp_path, monkeypatch):
    subprocess.run([sys.executable, os.path.join(EXAMPLES, "notebook.py"), os.path.join(EXAMPLES, "tour.py"),
                    str(tmp_path / "tour.ipynb")], check=True)
    notebook = json.loads((tmp_path / "tour.ipynb").read_text())
    code = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert len(notebook["cells"]) == 16 and code[0].startswith("import sys")
    monkeypatch.setattr(sys, "argv", ["tour", str(demo.folder)])
    exec("\n".join(code[:3]), {})
