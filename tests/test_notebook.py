"""The plain-Python notebook in examples/, executed as a notebook."""

import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "examples" / "notebook.py"


@pytest.fixture(scope="module")
def notebook_of():
    return runpy.run_path(str(ROOT / "tools" / "notebook.py"))["notebook_of"]


@pytest.fixture(scope="module")
def executed(notebook_of):
    """The notebook after a real kernel has run it, inside the kernel's event loop."""
    from nbclient import NotebookClient

    notebook = notebook_of(SOURCE.read_text(encoding="utf-8"))
    client = NotebookClient(
        notebook,
        timeout=600,
        kernel_name="python3",
        resources={"metadata": {"path": str(SOURCE.parent)}},
    )
    client.execute()
    return notebook


def outputs(notebook, beginning):
    (cell,) = [cell for cell in notebook.cells if f"\n{beginning}" in f"\n{cell.source}"]
    return cell.outputs


def test_cells_begin_at_their_marks_and_text_loses_its_comments(notebook_of):
    cells = notebook_of("# above\n\n# %% [markdown]\n# # A\n#\n# b\n\n# %%\nx = 1\n# c\n").cells
    assert [(cell.cell_type, cell.source) for cell in cells] == [
        ("markdown", "# A\n\nb"),
        ("code", "x = 1\n# c"),
    ]


@pytest.mark.timeout(600)
def test_no_cell_fails_and_none_warns(executed):
    said = [out for cell in executed.cells for out in cell.get("outputs", ())]
    assert [out for out in said if out.output_type == "error"] == []
    assert [out.text for out in said if out.get("name") == "stderr"] == []


@pytest.mark.timeout(600)
def test_the_trial_shows_its_report_in_place_of_its_progress(executed):
    progress, shown = outputs(executed, "trial = seatrial.trial(")
    assert (progress.output_type, progress.data) == ("display_data", {"text/plain": ""})
    assert shown.output_type == "execute_result"
    assert shown.data["text/html"].startswith("<iframe")
    assert "production-evaluation" in shown.data["text/html"]
    assert "Can I ship?" in shown.data["text/plain"]
    assert '.save("tickets"), then in a terminal: seatrial' in shown.data["text/plain"]


@pytest.mark.timeout(600)
def test_the_gap_is_shown_as_a_picture_and_as_figures(executed):
    (picture,) = outputs(executed, "trial.waterfall")
    assert picture.data["text/html"].startswith("<svg")
    (printed,) = outputs(executed, "gap = trial.gap")
    assert printed.text.startswith("eval 89.8%, production ")
    assert "language (association)" in printed.text


@pytest.mark.timeout(600)
def test_the_saved_folder_is_served_and_answers(executed):
    (listed,) = outputs(executed, "saved = trial.save(")
    assert "'seatrial.toml'" in listed.data["text/plain"]
    (answer,) = outputs(executed, "server = subprocess.Popen(")
    assert "'output': 'delivery'" in answer.data["text/plain"]
    assert outputs(executed, "server.terminate()") == []


INTERRUPTED = """
import seatrial


def predict(texts):
    import time

    time.sleep(0.05)
    return ["yes"] * len(texts)


seatrial.trial(predict, ["a", "b"] * 30, ["yes", "no"] * 30, only="end-to-end-latency")
"""


@pytest.mark.slow
def test_stopping_the_cell_ends_all_that_was_started(tmp_path):
    import psutil
    from jupyter_client.manager import start_new_kernel

    manager, client = start_new_kernel(cwd=str(tmp_path))
    try:
        kernel = psutil.Process(manager.provisioner.pid)
        before = set(kernel.children(recursive=True))
        client.execute(INTERRUPTED)
        error, started = "", set()
        while not error:
            message = client.get_iopub_msg(timeout=120)
            shown = message["content"].get("data", {}).get("text/plain", "")
            if "measuring latency" in shown:
                while len(started) < 3:
                    started = set(kernel.children(recursive=True)) - before
                manager.interrupt_kernel()
            error = message["content"].get("ename", "")
        assert error == "KeyboardInterrupt"
        _, alive = psutil.wait_procs(started, timeout=60)
        assert alive == []
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
