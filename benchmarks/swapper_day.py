"""A day of a cluster with three replicas of the webhook that die, as a test has it with fewer Pods.

    python -m benchmarks.swapper_day [--admissions 50000] [--seconds 400] [--images 40] [--seed 7] [--json FILE]

Real `swapper serve` on the embedded AWS, with its times divided by 100 (leases by 6): five minutes are three seconds. Meanwhile
replicas are killed, images deleted, certificates renewed, the source is away or throttles, DynamoDB throttles. It fails
where a Pod got an image that was not there, an image was copied twice in one of its lives, or one is missing in the end.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections import Counter
from dataclasses import asdict, replace
from pathlib import Path

from benchmarks.measure import machine
from tests.functional.swapper.simulated_day import day


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--admissions", type=int, default=50_000)
    parser.add_argument("--seconds", type=float, default=400.0, help="that the Pods are spread over at least")
    parser.add_argument("--images", type=int, default=40)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder, day(Path(folder), images=options.images, seed=options.seed) as one:
        one.run(options.admissions, options.seconds)
        missing = sorted(one.missing())
        copied = one.end()
        twice = {tag: count for tag, count in copied.items() if count > one.lives[tag]}
        report = {
            "machine": machine(),
            "load": os.getloadavg()[0],
            "seconds": round(time.perf_counter() - began),
            "admissions": options.admissions,
            # asdict makes a Counter anew of its pairs, and counts those.
            **asdict(replace(one.seen, events=Counter())),
            "events": dict(one.seen.events),
            "lives": one.lives.total(),
            "copies": copied.total(),
            "copied_twice": twice,
            "missing": missing,
        }
    if options.json:
        options.json.write_text(json.dumps(report, indent=2) + "\n")
    for key, value in report.items():
        print(f"{key:14} {value}")
    if twice or missing or one.seen.broken:
        raise SystemExit("The day did not go well.")


if __name__ == "__main__":
    main()
