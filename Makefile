# Every task has one name. Without make: `python3 -m tools.<task>`, with the same words behind it.
PYTHON ?= python3
.DEFAULT_GOAL := help
export FORCE CH TIMINGS SOLUTIONS

help:        ; @$(PYTHON) -m tools.help
setup:       ; @$(PYTHON) -m tools.setup
lab:         ; @$(PYTHON) -m tools.lab
students:    ; @$(PYTHON) -m tools.students
notebooks:   ; @$(PYTHON) -m tools.notebooks build
book:        ; @$(PYTHON) -m tools.book
slides:      ; @$(PYTHON) -m tools.slides
pdf:         ; @$(PYTHON) -m tools.pdf
release-zip: ; @$(PYTHON) -m tools.release_zip
check:       ; @$(PYTHON) -m tools.check
test:        ; @$(PYTHON) -m tools.test
record:      ; @$(PYTHON) -m tools.record
test-slow:   ; @$(PYTHON) -m tools.test --slow
test-latest: ; @$(PYTHON) -m tools.latest
mutate:      ; @$(PYTHON) -m tools.mutate
sweep:       ; @$(PYTHON) -m tools.sweep
bench:       ; @$(PYTHON) -m tools.bench
gpu:         ; @$(PYTHON) -m tools.gpu
lock:        ; @$(PYTHON) -m tools.lock
clean:       ; @$(PYTHON) -m tools.clean

.PHONY: help setup lab students notebooks book slides pdf release-zip check test record test-slow test-latest mutate sweep bench gpu lock clean
