"""`make record`: run the experiments over many seeds that changed (FORCE=1: all, CH=07: one chapter).

The results go to dlcourse/data/recorded/<chapter>.json, each file in one step, after each experiment.
"""

import argparse
import os
import sys
import time

from dlcourse.course import recorded, sources


def bring_up_to_date(chapter, *, force=False):
    """Run what is stale in one chapter, saving after each experiment; return the names of what was run."""
    known, ran = recorded.experiments(chapter), []
    records = {name: stored for name, stored in recorded.load(chapter).items() if name in known}
    for name, experiment in known.items():
        if not force and not recorded.stale(experiment, records.get(name)):
            continue
        start = time.perf_counter()
        records[name] = recorded.record(experiment)
        recorded.save(chapter, records)
        ran.append(name)
        runs = len(records[name]["rows"])
        print(f"{chapter}, {name}: {runs} runs in {time.perf_counter() - start:.0f} s", flush=True)
    return ran


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m tools.record")
    chapter = {"nargs": "?", "default": os.environ.get("CH", ""), "help": "number; default: CH, or all"}
    parser.add_argument("chapter", **chapter)
    parser.add_argument("--force", action="store_true", default=os.environ.get("FORCE", "") not in ("", "0"))
    options = parser.parse_args(arguments)
    known = sources.chapters()
    chosen = [slug for slug in known if options.chapter.zfill(2) in ("00", slug, slug[:2])]
    if not chosen:
        sys.exit(f"expected one of the chapters {', '.join(known)}, got {options.chapter!r}")
    ran = [name for slug in chosen for name in bring_up_to_date(slug, force=options.force)]
    print(f"Recorded: {', '.join(ran)}" if ran else "Every record belongs to the present code.")


if __name__ == "__main__":
    main()
