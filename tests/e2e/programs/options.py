#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""options.py PLAIN RUN [TABLE]: compares what two runs of `options` printed, without and under `rivulet run`.

Every difference must be permitted by a row of the list below, which says why it is there and is what
the manual page's caveats are about; of a program that is relayed, by a row of the table in TABLE
(docs/differences.md). Fails with the differences that no row permits, and with rows of TABLE that
permit none, but for those that are about 32-bit programs."""
import re
import sys

EPERM, EFAULT, EINVAL, ENOPROTOOPT, EOPNOTSUPP = 1, 14, 22, 92, 95


class Said:
    """What a call said: an error (0: none), and the length and value that a get brought."""

    def __init__(self, words):
        self.error = int(words[0])
        self.length = int(words[1]) if len(words) > 1 else None
        self.value = words[2] if len(words) > 2 else ""

    def __eq__(self, other):
        return vars(self) == vars(other)


def fact(tcp, run):
    return (tcp.error, tcp.length) == (run.error, run.length)


def same_error(tcp, run):
    return tcp.error == run.error


def both_refuse(tcp, run):
    return tcp.error and run.error


def says(error):
    return lambda tcp, run: run.error == error


def taken(tcp, run):
    return run.error == 0


def shorter(tcp, run):
    return tcp.error == run.error == 0 and run.length == 1


def either(*kinds):
    return lambda tcp, run: any(kind(tcp, run) for kind in kinds)


SET, GET, ALL = "set .*", "get .*", ".*"
ODD = "get (-1|2|3)"

# level, numbers, state, call, what is permitted
PERMITTED = [
    # Facts of this socket and this moment: compared by error and length only.
    ("socket", "7 28 49 55 57 71", ALL, ALL, fact),  # SNDBUF, PEERNAME, CPU, MEMINFO, COOKIE, NETNS
    ("tcp", "10 11 24 26", ALL, ALL, fact),  # WINDOW_CLAMP, INFO, TIMESTAMP, CC_INFO
    ("ip", "52", ALL, ALL, either(fact, shorter)),  # PROTOCOL: the kernel shows the port there
    ("ip", "33", "accepted", ALL, fact),  # MULTICAST_TTL: taken from the first packet
    ("ipv6", "17 18", "accepted", ALL, fact),  # MULTICAST_IF, HOPS: likewise
    # Whoever asks whether this is MPTCP hears the truth.
    ("tcp", "43", ALL, ALL, either(fact, shorter)),
    # No such option, or netfilter's: refused, by another error.
    ("tcp", "47-83", ALL, ALL, both_refuse),
    ("ip", "64-83", ALL, ALL, both_refuse),
    ("ipv6", "64 65 68 69 79-83", ALL, ALL, both_refuse),
    # What cannot be imitated is refused: socket filters, PEEK_OFF, ZEROCOPY, device memory, receiving
    # by mapping, flow labels.
    ("socket", "26 42 50-52 60 78-80", ALL, ALL, says(EOPNOTSUPP)),
    ("tcp", "35", ALL, ALL, says(EOPNOTSUPP)),
    ("ipv6", "32", ALL, ALL, says(EOPNOTSUPP)),
    ("socket", "42 60", ALL, SET, fact),
    # MINTTL and MINHOPCOUNT protect; what does not protect is not promised.
    ("ip", "21", ALL, SET, either(says(ENOPROTOOPT), fact)),
    ("ipv6", "73", ALL, SET, either(says(ENOPROTOOPT), fact)),
    # What takes a privilege is refused even to those who have it, and so has no value afterwards:
    # IPsec policies, IPv6 extension headers, TCP_REPAIR, and on a connected socket transparency and
    # binding to a device.
    ("ip", "16 17 19", ALL, SET, either(says(EPERM), fact)),
    ("ipv6", "34 35 54 55 59 75", ALL, SET, either(says(EPERM), same_error)),
    ("socket", "25 61 62", ALL, SET, either(says(EPERM), same_error)),
    ("tcp", "19 42", ALL, ALL, either(says(EPERM), fact)),
    ("tcp", "21", "listening|connected|accepted", SET, both_refuse),
    # AF_UNIX's: MPTCP takes them and does nothing.
    ("socket", "16 34 76 83", ALL, SET, either(taken, both_refuse)),
    # The rest are calls that are wrong, of options that MPTCP serves and that are not asked about:
    # numbers got into less than their four bytes,
    ("tcp", "1 3 5 6 25 36", ALL, ODD, shorter),
    ("ipv6", "26 75 78", ALL, ODD, either(shorter, both_refuse, says(EINVAL))),
    # keep-alive times out of range, and a deferred accept that cannot be read,
    ("tcp", "4 5 6 9", ALL, SET, either(taken, fact)),
    # addresses that point nowhere in calls that are wrong otherwise too,
    ("socket", "13", ALL, "set (nowhere|null)", both_refuse),
    ("tcp", "23 30 34", "connected|accepted", "set (nowhere|null)", both_refuse),
    # a clamp of nothing on a socket in use,
    ("tcp", "10", "listening|connected|accepted", "set 0", taken),
    # stamps by number on a socket that has no bytes to count yet,
    ("socket", "37 65", ALL, SET, either(taken, both_refuse, fact)),
    # and IPV6_V6ONLY on an IPv4 socket.
    ("ipv6", "26", ALL, ALL, either(taken, both_refuse)),
]


# What the third column of the table says.
KINDS = {
    "ENOPROTOOPT": says(ENOPROTOOPT),
    "another error": both_refuse,
    "another value": fact,
    "EFAULT": either(says(EFAULT), fact),
}
LEVELS, NUMBERS = ("socket", "tcp", "ip", "ipv6"), "0-83"


def numbers(text):
    for word in text.split():
        first, _, last = word.partition("-")
        yield from range(int(first), int(last or first) + 1)


def table(path):
    """The rows `| LEVEL NUMBERS | CALLS | WHAT THE RELAY SAYS | WHY |` of a document."""
    for line in open(path, encoding="utf-8"):
        what = line.strip("| \n").partition(" ")[0]
        if not line.startswith("| ") or what not in (*LEVELS, "all"):
            continue
        options, calls, kind, why = (cell.strip() for cell in line.strip().strip("|").split("|"))
        assert why, line
        call = {"all": ALL, "set": SET, "get": GET}.get(calls) or "|".join(calls.split(", "))
        for level in LEVELS if what == "all" else (what,):
            yield level, options.partition(" ")[2] or NUMBERS, ALL, call, KINDS[kind], line.strip()


class Rule:
    def __init__(self, state, call, kind, row):
        self.state, self.call, self.kind, self.row = re.compile(state), re.compile(call), kind, row


RULES = {}
USED = {}  # rows of the table, and whether they permitted anything


def add_rules(rows):
    for level, names, state, call, kind, *row in rows:
        rule = Rule(state, call, kind, row[0] if row else None)
        if row:
            USED[row[0]] = False
        for name in numbers(names):
            RULES.setdefault((level, str(name)), []).append(rule)


def permitted(level, name, state, call, tcp, run):
    for rule in RULES.get((level, name), []):
        if rule.state.fullmatch(state) and rule.call.fullmatch(call) and rule.kind(tcp, run):
            if rule.row:
                USED[rule.row] = True
            return True
    return False


def split(words, call):
    """The set and the get after it, or the get alone."""
    if call.startswith("set"):
        return [Said(words[:1]), Said(words[1:])]
    return [Said(words)]


def main():
    bad = asked = different = 0
    add_rules(table(sys.argv[3]) if len(sys.argv) > 3 else PERMITTED)
    with open(sys.argv[1], encoding="ascii") as plain, open(sys.argv[2], encoding="ascii") as under:
        for tcp, run in zip(plain, under, strict=True):
            asked += 1
            if tcp == run:
                continue
            different += 1
            what, _, tcp_said = tcp.rstrip("\n").partition(":")
            same, _, run_said = run.rstrip("\n").partition(":")
            assert what == same
            _, state, level, name, call = what.split(" ", 4)
            pairs = zip(split(tcp_said.split(), call), split(run_said.split(), call))
            if not all(a == b or permitted(level, name, state, call, a, b) for a, b in pairs):
                bad += 1
                if bad <= 40:
                    print(f"{what}: TCP says{tcp_said}, under run{run_said}")
    for row in (row for row, used in USED.items() if not used and "32-bit" not in row):
        bad += 1
        print(f"the table lists what is no difference: {row}")
    print(f"{asked} calls, {different} with a known difference, {bad} with another")
    sys.exit(bad > 0 or asked == 0)


main()
