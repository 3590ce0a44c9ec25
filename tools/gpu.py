"""`make gpu`: parity and speed on an accelerator, with the Python at hand; records the book's table."""

from bench.gpu import main

if __name__ == "__main__":
    main()
