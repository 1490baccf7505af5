#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""still.py FILE: writes there for how many seconds a processor was not to be had, a line each time: the whole machine stood still, as
virtual ones do, or too much else was done."""
import os
import sys
import threading
import time

ASLEEP, STILL = 0.01, 0.04


def watch(processor, file):
    os.sched_setaffinity(0, {processor})
    last = time.monotonic()
    while True:
        time.sleep(ASLEEP)
        now = time.monotonic()
        if now - last > STILL:
            print(f"{now - last:.2f}", file=file, flush=True)
        last = now


lines = open(sys.argv[1], "a")
for each in os.sched_getaffinity(0):
    threading.Thread(target=watch, args=(each, lines)).start()
