"""A kernel that runs a whole notebook: nbclient's, with one thing put right.

A cell with `interact` holds an Output widget. nbclient plays its front end and sends each output back to
the kernel, on the socket where the kernel's answer is awaited. Sending there can use up the notice that the
answer has come, and then nbclient waits for it until its timeout (jupyter/nbclient, issue 312). Here the
outputs are not sent back: they go into the notebook, and no cell of ours asks a widget for them.
"""

from nbclient import NotebookClient
from nbclient.output_widget import OutputWidget


class SilentOutput(OutputWidget):
    def send(self, data=None, metadata=None, buffers=None):
        pass


def client(notebook, **options):
    """nbclient's client for a notebook, with its options; `.execute()` runs all cells, in place."""
    result = NotebookClient(notebook, kernel_name="python3", **options)
    result.widget_registry["@jupyter-widgets/output"]["OutputModel"] = SilentOutput
    return result
