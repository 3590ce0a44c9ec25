"""`make bench`: time the NumPy layers against PyTorch; warns above 1.5 times a goal."""

from bench.layers import main

if __name__ == "__main__":
    main()
