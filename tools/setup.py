"""`make setup`: create or complete the environment (importing `tools` has done it) and say so."""

from tools import environment

if __name__ == "__main__":
    print(f"The environment is ready: {environment.FOLDER.name}")
