#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""conform.py TABLE STACK PLAIN RELAYED WRONG: compares what `conform` saw over TCP and over STACK, relayed. Every difference must be a
row of the tables in docs/differences.md, and every row a difference ("a or b" may be none; "a; STACK: b" is "b" there). The names of those
that are wrong are in WRONG afterwards; if it is there already, only those that are in it count: others were right before."""
import os
import re
import sys


def observations(path):
    seen = {}
    for line in open(path):
        name, _, value = line.rstrip("\n").partition(": ")
        if name in seen:
            sys.exit(f"{path}: '{name}' was seen twice")
        seen[name] = value.strip()
    return seen


def on_stack(cell, stack):
    """What a cell says of @stack."""
    of_all, *of_some = cell.split("; ")
    of_one = dict(part.split(": ", 1) for part in of_some)
    return of_one.get(stack, of_all).split(" or ")


def rows(path, stack):
    listed = {}
    for line in open(path):
        if not line.startswith("| `"):
            continue
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if len(cells) != 4 or not all(cells):
            sys.exit(f"{path}: a row has not four cells: {line}")
        for name in re.findall("`([^`]*)`", cells[0]):
            listed[name] = (cells[1], on_stack(cells[2], stack))
            if "; " in cells[2] and listed[name][1] == [cells[1]]:
                del listed[name]  # it is a difference of another stack's
    return listed


listed, plain, relayed = rows(sys.argv[1], sys.argv[2]), observations(sys.argv[3]), observations(sys.argv[4])
wrong = {}
for name in sorted(plain.keys() | relayed.keys() | listed.keys()):
    tcp, relay = plain.get(name), relayed.get(name)
    if name not in listed:
        if tcp != relay:
            wrong[name] = f"{name}: TCP says '{tcp}', the relay '{relay}': not in the table"
    elif tcp != listed[name][0]:
        wrong[name] = f"{name}: TCP says '{tcp}', the table '{listed[name][0]}'"
    elif relay not in listed[name][1]:
        wrong[name] = f"{name}: the relay says '{relay}', the table '{' or '.join(listed[name][1])}'"
    elif listed[name][1] == [tcp]:
        wrong[name] = f"{name}: the table lists no difference"
if len(plain) < 400:
    wrong["all"] = f"only {len(plain)} observations"
if os.path.exists(sys.argv[5]):
    before = open(sys.argv[5]).read().splitlines()
    wrong = {name: text for name, text in wrong.items() if name in before}
with open(sys.argv[5], "w") as file:
    file.writelines(f"{name}\n" for name in wrong)
print(f"{len(plain)} observations, {len(listed)} known differences")
sys.exit("\n".join(wrong.values()) if wrong else 0)
