# SPDX-License-Identifier: GPL-2.0-or-later
"""What bench/node measures, on ada in the scenario "drop": node.py PART FOLDER PART'S-ARGUMENT... prints lines "FIGURE VALUE".

FOLDER has a folder for each host, whose node is of the crowd. RIVULET names the program."""
import json, os, shutil, socket, struct, subprocess, sys, time

here = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path.insert(0, here + "/../tests/e2e/programs")
from member import Member, message, transfer

RIVULET = os.environ["RIVULET"]
FOLDER = sys.argv[2]
QUIET = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


def on(host, *command):
    return list(command) if host == "ada" else [RIVULET, "lab", "on", host, "--", *command]


def do(host, *command):
    subprocess.run(on(host, *command), check=True, **QUIET)


def ask(host, what):
    """Of the node's own interface; None: there is none (yet)."""
    s = socket.socket(socket.AF_UNIX)
    try:
        s.connect(f"{FOLDER}/{host}/control")
        s.sendall(f"GET /v1/{what} HTTP/1.1\r\nHost: n\r\nConnection: close\r\n\r\n".encode())
        data = b""
        while more := s.recv(65536):
            data += more
        return json.loads(data.split(b"\r\n\r\n", 1)[1])
    except (OSError, IndexError):
        return None
    finally:
        s.close()


def until(condition, limit=60, pause=0.003):
    end = time.monotonic() + limit
    while not condition():
        if time.monotonic() > end:
            sys.exit("waited too long")
        time.sleep(pause)


def peer(host, name, what):
    return any(p["node"] == name and p[what] for p in (ask(host, "peers") or {"peers": []})["peers"])


def start(host, *options):
    node = subprocess.Popen(on(host, RIVULET, "node", "--state", f"{FOLDER}/{host}", "--quota", "3GB", *options),
                            stderr=open(f"{FOLDER}/{host}.log", "a"))
    until(lambda: ask(host, "node"))
    return node


def stop(node):
    node.terminate()
    node.wait()


def meet(*options):
    nodes = [start("ada", *options), start("bob", *options)]
    until(lambda: peer("ada", "bob", "contact") and peer("bob", "ada", "contact"))
    return nodes


def goodput(size):
    """Seconds that bob's node needs for an object of ada's."""
    ada, bob = meet()
    until(lambda: sum(l["subflow"] for p in ask("ada", "peers")["peers"] for l in p["links"]) == 2)
    with open(FOLDER + "/file") as f:
        began = time.monotonic()
        name = subprocess.run([RIVULET, "put", "--quiet", "--state", FOLDER + "/ada", "-"], stdin=f, check=True,
                              capture_output=True, text=True).stdout.strip()
        print("put", int(size) * 8e-6 / (time.monotonic() - began))
    began = time.monotonic()
    do("bob", RIVULET, "get", name, "--quiet", "--state", FOLDER + "/bob")
    print("get", int(size) * 8e-6 / (time.monotonic() - began))
    stop(bob)
    stop(ada)


def handover():
    """The longest silences, in ms, of an object that comes while a link falls silent: of bytes, and of pieces of 1 MB that are
    whole, which one link alone needs 210 ms for."""
    ada, bob = meet()
    until(lambda: sum(l["subflow"] for p in ask("ada", "peers")["peers"] for l in p["links"]) == 2)
    file = os.urandom(100000000)
    name = subprocess.run([RIVULET, "put", "--quiet", "--state", FOLDER + "/ada", "-"], input=file, check=True,
                          capture_output=True).stdout.decode().strip()
    get = subprocess.Popen(on("bob", RIVULET, "get", name, "--quiet", "--state", FOLDER + "/bob"),
                           stdout=subprocess.PIPE)
    os.set_blocking(get.stdout.fileno(), False)
    gaps, lasts, received, got = [0, 0], [None, None], 0, 0
    while got < len(file):
        now = time.monotonic()
        more = sum(p["received"] for p in ask("bob", "peers")["peers"])
        data = get.stdout.read() or b""
        for i, moved in enumerate((more > received, data)):
            if moved:
                gaps[i], lasts[i] = max(gaps[i], now - (lasts[i] or now)), now
        received, got = more, got + len(data)
        time.sleep(0.005)
    print("bytes", gaps[0] * 1000)
    print("pieces", gaps[1] * 1000)
    get.wait()
    stop(bob)
    stop(ada)


def discovery(rounds):
    # As hosts are, and the lab's are not: an address is looked for on the link before it is used (RFC 4862).
    for host in "ada", "bob":
        do(host, "sh", "-c", "for f in /proc/sys/net/ipv6/conf/*/accept_dad; do echo 1 >$f; done")
    ada, bob = meet()
    for _ in range(int(rounds)):
        for link in "wlan0", "bnep0":
            do("bob", "ip", "link", "set", link, "down")
        until(lambda: not peer("ada", "bob", "near") and not peer("bob", "ada", "near"))
        do("bob", "ip", "link", "set", "wlan0", "up")
        began = time.monotonic()
        until(lambda: peer("ada", "bob", "near") and peer("bob", "ada", "near"))
        print("near", time.monotonic() - began)
        until(lambda: peer("ada", "bob", "contact"))
        print("contact", time.monotonic() - began)
        do("bob", "ip", "link", "set", "bnep0", "up")
    stop(bob)
    stop(ada)


def processes(top):
    """The run that the node is, all of it."""
    parents = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            parents[int(pid)] = int(open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[1])
        except OSError:
            pass
    all_ = [top]
    for pid in all_:
        all_ += [child for child, parent in parents.items() if parent == pid]
    return all_


def memory(pids):
    total = 0
    for pid in pids:
        for line in open(f"/proc/{pid}/smaps_rollup"):
            if line.startswith("Pss:"):
                total += int(line.split()[1])
    return total / 1000


def spent(pids):
    return sum(int(open(f"/proc/{pid}/schedstat").read().split()[0]) for pid in pids) / 1e9


def idle(seconds):
    ada, bob = meet()
    time.sleep(10)
    pids = processes(ada.pid)
    node = [pid for pid in pids if any("store.db" in os.readlink(f"/proc/{pid}/fd/{fd}")
                                       for fd in os.listdir(f"/proc/{pid}/fd"))]
    before, own, began = spent(pids), spent(node), time.monotonic()
    time.sleep(int(seconds))
    took = time.monotonic() - began
    print("cpu", 100 * (spent(pids) - before) / took)
    print("cpu-node", 100 * (spent(node) - own) / took)
    stop(bob)  # whose pages would be counted half
    until(lambda: not peer("ada", "bob", "contact"))
    time.sleep(1)
    print("pss", memory(pids))
    print("pss-node", memory(node))
    stop(ada)


def bundles(count):
    """Bundles of 100 bytes that are for somebody else: accepted from eve, and then handed on to bob."""
    count = int(count)
    ada = start("ada", "--as-it-is")
    script = ["python3", __file__, "hand", FOLDER, str(count)]
    print("accepted", count / float(subprocess.run(on("eve", *script), check=True, capture_output=True).stdout))
    bob = start("bob", "--as-it-is")
    until(lambda: ask("bob", "node")["carried"] > 0)
    before, began = ask("bob", "node")["carried"], time.monotonic()
    until(lambda: ask("bob", "node")["carried"] == count, pause=0.1)
    print("handed", (count - before) / (time.monotonic() - began))
    stop(bob)
    stop(ada)


def hand(count):
    """In eve: how long until all are accepted."""
    eve = Member(FOLDER + "/eve/crowd", "eve", "10.3.5.1")
    t = eve.session()
    all_ = [transfer(i, eve.bundle("dtn://far/x", i, b"x" * 100)) for i in range(int(count))]
    data, accepted, sent = b"", 0, 0
    began = time.monotonic()
    while accepted < len(all_):
        more = b"".join(all_[sent:min(accepted + 200, len(all_))])
        sent = min(accepted + 200, len(all_))
        if more:
            t.sendall(more)
        data += t.recv(65536)
        while said := message(data):
            data = data[said[0]:]
            accepted += said[1] == 2 and said[2] & 1
            assert said[1] not in (3, 5)
    print(time.monotonic() - began)


{"goodput": goodput, "handover": handover, "discovery": discovery, "idle": idle, "bundles": bundles, "hand": hand}[sys.argv[1]](*sys.argv[3:])
