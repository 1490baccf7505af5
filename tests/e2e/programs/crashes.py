# SPDX-License-Identifier: GPL-2.0-or-later
"""Kills nodes while they work, and looks at what is left of what they had accepted.

    crashes.py soak FOLDER KILLS SEED     on ada in the lab "drop", whose nodes ada, bob, cyd and dan are of one crowd
    crashes.py give FOLDER, take FOLDER   its ends of bundles: eve hands them to ada, fay takes them from bob

Each of FOLDER/HOST is a node's. A kill is SIGKILL, at a random time. Then the store must have every bundle that the node
has acknowledged and every object that `rivulet put` has named; what its rows say must be in its files. At the end all of it
must be where it should: bundles with fay, objects with whom they were put for."""
import hashlib, os, random, shutil, sqlite3, ssl, subprocess, sys, threading, time
from member import Member, acknowledgement, message, transfer

RIVULET = os.environ["RIVULET"]
PIECE = 1 << 20
HOSTS = ["ada", "bob", "cyd", "dan"]


def lines(path):
    """Whole lines only: the last one may be on its way."""
    try:
        return open(path).read().split("\n")[:-1]
    except FileNotFoundError:
        return []


def on(host, *command):
    return list(command) if host == "ada" else [RIVULET, "lab", "on", host, "--", *command]


def again(work):
    """Whatever becomes of the node at the other end."""
    while True:
        try:
            work()
        except (ConnectionError, TimeoutError, ssl.SSLError, EOFError):
            time.sleep(0.05)


def each_message(t):
    data = b""
    while True:
        more = t.recv(65536)
        if not more:
            raise EOFError
        data += more
        while said := message(data):
            data = data[said[0]:]
            yield said


def give(folder):
    """Each bundle that ada has acknowledged is a line of FOLDER/given: its key, and the name that fay will know it by."""
    eve = Member(folder + "/eve/crowd", "eve", "10.3.5.1")
    chance = random.Random(3)
    said = open(folder + "/given", "a", buffering=1)
    count = 0

    def work():
        nonlocal count
        t = eve.session()
        t.settimeout(20)
        number, waiting, heard = 0, {}, each_message(t)
        while count < 3000:
            for _ in range(chance.randint(1, 6)):
                name, created = f"bundle-{count:06}.", eve.created()
                payload = name.encode() + chance.randbytes(int(chance.paretovariate(0.7) * 40) % 100000)
                t.sendall(transfer(number, eve.bundle("dtn://fay/x", count, payload, 3600000, created=created)))
                waiting[number] = f"{eve.key(created, count).hex()} {name}"
                number, count = number + 1, count + 1
            while waiting:
                _, kind, flags, which, _ = next(heard)
                if kind == 2 and flags & 1:
                    print(waiting.pop(which), file=said)
                elif kind == 3:
                    sys.exit("a bundle is refused")
            time.sleep(0.05)
        time.sleep(1000)

    again(work)


def take(folder):
    """What has come is a line of FOLDER/taken; it is acknowledged then."""
    fay = Member(folder + "/fay/crowd", "fay", "10.3.6.1")
    said = open(folder + "/taken", "a", buffering=1)

    def work():
        t = fay.session()
        t.settimeout(20)
        arriving = b""
        for _, kind, flags, number, data in each_message(t):
            if kind != 1:
                continue
            arriving = data if flags & 2 else arriving + data
            if flags & 1 and (at := arriving.find(b"bundle-")) >= 0:
                print(arriving[at:at + 14].decode(), file=said)
            t.sendall(acknowledgement(flags, number, len(arriving)))

    again(work)


class Store:
    """A node's store as a kill has left it."""

    def __init__(self, folder):
        self.folder, self.right = folder, {}

    def look(self, bundles, objects):
        """@bundles: keys, @objects: names that must be there. The objects that are not whole."""
        copy = self.folder + ".copy"
        os.makedirs(copy, exist_ok=True)
        for name in os.listdir(copy):
            os.unlink(f"{copy}/{name}")
        for name in os.listdir(self.folder) if os.path.isdir(self.folder) else ():
            if name.startswith("store.db"):
                shutil.copy(f"{self.folder}/{name}", copy)
        db = sqlite3.connect(copy + "/store.db")
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",), "the database is broken"
        tables = {name for name, in db.execute("SELECT name FROM sqlite_master")}
        if not {"bundles", "objects"} <= tables:
            assert not bundles and not objects, "the store is empty"  # killed before it had one
            return set()
        rows = {bytes(key) for key, in db.execute("SELECT key FROM bundles")}
        for key in bundles:
            assert bytes.fromhex(key) in rows, f"bundle {key} is lost"
        for key, size in db.execute("SELECT key, size FROM bundles WHERE state < 2 AND data IS NULL AND size > 16384"):
            path = f"{self.folder}/bundles/{bytes(key).hex()}"
            assert os.path.exists(path), f"the file of bundle {key.hex()} is lost"
            assert os.path.getsize(path) == size, f"the file of bundle {key.hex()} is cut off"
        whole = set()
        for name, size, hashes, there in db.execute("SELECT id, size, hashes, there FROM objects"):
            if self.check(name.hex(), size, hashes, there):
                whole.add(name.hex())
        db.close()
        lost = [name for name in objects if name not in whole]
        assert not lost, f"object {lost[0]} is lost"
        return whole

    def check(self, name, size, hashes, there):
        """All that it says it has is there. Is it all there is?"""
        count = (size + PIECE - 1) // PIECE
        right, whole = self.right.setdefault(name, set()), True
        with open(f"{self.folder}/objects/{name}", "rb") as f:
            for i in range(count):
                if not there[i // 8] >> i % 8 & 1:
                    whole = False
                    right.discard(i)
                elif i not in right:
                    f.seek(i * PIECE)
                    found = hashlib.sha256(f.read(PIECE)).digest()
                    assert found == hashes[32 * i:32 * i + 32], f"piece {i} of object {name} is not what its row says"
                    right.add(i)
        return whole


class Soak:
    def __init__(self, folder, kills, seed):
        self.folder, self.kills = folder, kills
        self.chance = random.Random(seed)
        self.nodes, self.stores = {}, {h: Store(f"{folder}/{h}/store") for h in HOSTS}
        self.put = {h: set() for h in HOSTS}   # names that `put` has printed
        self.to = {h: set() for h in HOSTS}    # and for whom
        self.content = {}
        self.counts = dict(put=0, got=0, failed=0)
        self.over = False

    def start(self, host):
        log = open(f"{self.folder}/{host}.log", "a")
        self.nodes[host] = subprocess.Popen(
            on(host, RIVULET, "node", "--state", f"{self.folder}/{host}", "--as-it-is", "--quota", "4GB"), stderr=log)

    def run(self, host, *command, limit=60):
        return subprocess.run(on(host, RIVULET, *command, "--state", f"{self.folder}/{host}"), capture_output=True,
                              timeout=limit)

    def putter(self, chance):
        path = f"{self.folder}/put-{chance.randint(0, 1 << 40)}"
        while not self.over:
            data = chance.randbytes(int(chance.paretovariate(0.5) * 2000) % 2500000)
            open(path, "wb").write(data)
            host, to = chance.choice(HOSTS), chance.choice(HOSTS + [None] * 4)
            done = self.run(host, "put", path, *(["--to", to] if to and to != host else []))
            if done.returncode:
                self.counts["failed"] += 1
            else:
                name = done.stdout.decode().strip()
                self.content[name] = hashlib.sha256(data).digest()
                self.put[host].add(name)
                if to:
                    self.to[to].add(name)
                self.counts["put"] += 1
            time.sleep(chance.uniform(0, 0.4))

    def getter(self, chance):
        while not self.over:
            if not self.content:
                time.sleep(0.1)
                continue
            name, host = chance.choice(list(self.content)), chance.choice(HOSTS)
            done = self.run(host, "get", name, "--wait", "5s", "--quiet")
            if done.returncode:
                self.counts["failed"] += 1
            else:
                assert hashlib.sha256(done.stdout).digest() == self.content[name], f"{name} is something else at {host}"
                self.counts["got"] += 1
            time.sleep(chance.uniform(0, 0.2))

    def thread(self, work, seed):
        def guarded():
            try:
                work(random.Random(seed))
            except Exception as e:
                self.error = e
        t = threading.Thread(target=guarded, daemon=True)
        t.start()
        return t

    def kill(self):
        host = self.chance.choice(HOSTS)
        node = self.nodes[host]
        assert node.poll() is None, f"the node of {host} has ended by itself ({node.returncode})"
        # What is told from here on it may have accepted a moment before.
        given, put = [], set(self.put[host])
        if host == "ada":
            given = [line.split()[0] for line in lines(f"{self.folder}/given")]
        node.kill()
        node.wait()
        self.stores[host].look(given, put)
        self.start(host)

    def soak(self):
        self.error = None
        for host in HOSTS:
            self.start(host)
        ends = [subprocess.Popen(on(h, sys.executable, __file__, what, self.folder))
                for h, what in (("eve", "give"), ("fay", "take"))]
        threads = [self.thread(work, seed) for seed, work in enumerate([self.putter, self.putter, self.getter, self.getter])]
        for i in range(self.kills):
            # Sometimes before it has come up again.
            time.sleep(self.chance.choice([self.chance.uniform(0, 0.1), self.chance.uniform(0.1, 1.2)]))
            self.kill()
            if self.error:
                raise self.error
            assert all(end.poll() is None for end in ends), "an end of the bundles has ended"
        # Where they begin slowly all were killed before they could accept anything.
        limit = time.time() + 60
        while not (lines(f"{self.folder}/given") and self.content) and time.time() < limit:
            time.sleep(0.1)
        self.over = True
        for t in threads:
            t.join()
        ends[0].kill()
        if self.error:
            raise self.error
        self.arrive()
        for host in HOSTS:
            self.nodes[host].kill()
            self.nodes[host].wait()
            self.stores[host].right.clear()
            self.stores[host].look([], self.put[host] | self.to[host])
        ends[1].kill()

    def arrive(self):
        """All are well again: whatever was accepted comes to where it should."""
        given = {line.split()[1] for line in lines(f"{self.folder}/given")}
        assert given and self.content, "nothing was accepted"
        limit = time.time() + 120
        while True:
            missing = given - set(lines(f"{self.folder}/taken"))
            away = {h: [n for n in self.to[h] if n not in self.whole(h)] for h in HOSTS}
            if not missing and not any(away.values()):
                break
            assert time.time() < limit, f"{len(missing)} bundles have not arrived, {sorted(missing)[:3]}; objects {away}"
            time.sleep(0.5)
        print(f"{self.kills} kills; {len(given)} bundles accepted, all arrived; {self.counts['put']} objects put, "
              f"{sum(map(len, self.to.values()))} of them for somebody else, all there; {self.counts['got']} got, "
              f"{self.counts['failed']} calls found no node")

    def whole(self, host):
        db = sqlite3.connect(f"file:{self.folder}/{host}/store/store.db?mode=ro", uri=True, timeout=10)
        rows = db.execute("SELECT id, size, bytes, length(hashes) FROM objects").fetchall()
        db.close()
        return {name.hex() for name, size, there, hashes in rows if there == size + hashes}


if sys.argv[1] == "soak":
    Soak(sys.argv[2], int(sys.argv[3]), int(sys.argv[4])).soak()
else:
    {"give": give, "take": take}[sys.argv[1]](sys.argv[2])
