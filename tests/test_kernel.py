"""Notebooks are run by a client that cannot miss the kernel's answer."""

import nbformat

from dlcourse.course import kernel

INTERACT = "from ipywidgets import interact\n\n@interact(x=3)\ndef double(x):\n    print(2 * x)"
ASKED = "print(double.widget.out.outputs)"


def test_a_widgets_output_goes_into_the_notebook_and_not_back_to_the_kernel():
    cells = [nbformat.v4.new_code_cell(source) for source in (INTERACT, ASKED)]
    notebook = nbformat.v4.new_notebook(cells=cells)
    kernel.client(notebook, timeout=60, store_widget_state=True).execute()
    state = notebook.metadata.widgets["application/vnd.jupyter.widget-state+json"]["state"].values()
    shown = [widget["state"]["outputs"] for widget in state if widget["model_name"] == "OutputModel"]
    assert [[output["text"] for output in outputs] for outputs in shown] == [["6\n"]]
    assert notebook.cells[1].outputs[0].text == "()\n"
