# SPDX-License-Identifier: GPL-2.0-or-later
"""Kills nodes while they do tasks: task_crashes.py FOLDER KILLS TASKS SEED, on ada in the lab "drop".

The tasks are ada's; bob, and cyd, who is reached over bob alone, do them. What a task writes is different each time that it is run,
so whatever is seen of its output for the first time has to be there at the end, too."""
import json, os, random, subprocess, sys, time

RIVULET = os.environ["RIVULET"]
folder, kills, tasks, seed = sys.argv[1], *map(int, sys.argv[2:])
chance = random.Random(seed)
HOSTS = {"ada": ["--slots", "1"], "bob": ["--slots", "2", "--take-tasks", "--load-most", "1000"],
         "cyd": ["--slots", "2", "--take-tasks", "--load-most", "1000"]}
nodes, seen, submitted = {}, {}, []


def on(host, *command):
    return list(command) if host == "ada" else [RIVULET, "lab", "on", host, "--", *command]


def start(host):
    nodes[host] = subprocess.Popen(on(host, RIVULET, "node", "--state", f"{folder}/{host}", "--as-it-is", *HOSTS[host]),
                                   stderr=open(f"{folder}/{host}.log", "a"))


def ask(*command):
    """What ada's node says; None: it is not there just now."""
    done = subprocess.run([RIVULET, *command[:1], "--state", folder + "/ada", *command[1:]], capture_output=True, timeout=60)
    return done.stdout.decode() if done.returncode == 0 else None


def submit(number):
    """One task. Whether it was accepted is known when its name was printed; else it is asked again, under another name."""
    while True:
        output = f"{folder}/out/{len(submitted)}-{chance.getrandbits(40)}"
        if ask("submit", "-i", folder + "/input", "-o", output, "--", "sh", "-c",
               f"sleep {chance.uniform(0, 0.3):.2f}; cat /proc/sys/kernel/random/uuid input >{os.path.basename(output)}"):
            submitted.append(output)
            return


def look():
    for name in os.listdir(folder + "/out"):
        if name.startswith("."):
            continue
        text = open(f"{folder}/out/{name}").read()
        assert text.endswith("input\n") and len(text) == 43, f"{name} is not whole: {text!r}"
        assert seen.setdefault(name, text) == text, f"{name} was done twice"


os.mkdir(folder + "/out")
open(folder + "/input", "w").write("input\n")
for host in HOSTS:
    start(host)
killed = 0
while len(submitted) < tasks or killed < kills:
    if len(submitted) < tasks and (killed >= kills or len(submitted) * kills <= killed * tasks):
        submit(len(submitted))
        continue
    time.sleep(chance.choice([chance.uniform(0, 0.1), chance.uniform(0.1, 0.8)]))
    host = chance.choice(list(HOSTS))
    assert nodes[host].poll() is None, f"the node of {host} has ended by itself ({nodes[host].returncode})"
    nodes[host].kill()
    nodes[host].wait()
    killed += 1
    start(host)
    look()
limit = time.time() + 150
while any(not os.path.exists(path) for path in submitted):
    look()
    assert time.time() < limit, "not done: " + str([os.path.basename(p) for p in submitted if not os.path.exists(p)][:3]) + str(ask("tasks", "--json"))
    time.sleep(0.3)
while True:
    rows = json.loads(ask("tasks", "--json") or '{"tasks": [{"state": "?"}]}')["tasks"]
    if all(row["state"] == "done" for row in rows):
        break
    assert time.time() < limit, f"not done: {[row for row in rows if row['state'] != 'done'][:2]}"
    time.sleep(0.3)
time.sleep(1)
look()
assert len({row["id"] for row in rows}) == len(rows) >= tasks
by = {}
for row in rows:
    by[row["by"]] = by.get(row["by"], 0) + 1
print(f"{killed} kills; {len(rows)} tasks, each done once: {by}")
for node in nodes.values():
    node.kill()
    node.wait()
