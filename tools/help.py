"""`make help`: the tasks and what each is for, from the first line of every task's docstring."""

import ast

from tools.environment import ROOT

if __name__ == "__main__":
    for path in sorted((ROOT / "tools").glob("*.py")):
        line = (ast.get_docstring(ast.parse(path.read_text())) or "").split("\n")[0]
        if line.startswith("`make "):
            task, text = line.removeprefix("`make ").split("`: ", 1)
            print(f"  make {task:22} {text}")
    print("\nWithout make: python3 -m tools.<task>, e.g. `python3 -m tools.book`.")
