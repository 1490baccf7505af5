#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# A relay's files, when they cannot be written, and its terminal, when that goes.
. "$(dirname "$0")/lib.sh"
need bash python3
folder=$TMP/relay

# Lost: a relay that can neither be made, for there is half of one, nor be used, for the other half is missing.
mkdir -p "$folder/name"
expect_code 125 rivulet relay --folder "$folder" --init relay.test
expect_text 'cannot write .*/name' "$OUT"
rmdir "$folder/name"
expect "a second attempt" rivulet relay --folder "$folder" --init relay.test

# Lost: the next start of the relay, by a client whose line the disk had room for half of.
for line in 1 2 3 4 5; do printf '# %d%0180d\n' "$line" 0 >>"$folder/clients"; done
cp "$folder/clients" "$TMP/before"
# shellcheck disable=SC2016
expect_code 125 bash -c 'ulimit -f 1; "$@"' bash "$RIVULET" relay --folder "$folder" --add late
expect_text 'cannot write .*/clients' "$OUT"
cmp "$TMP/before" "$folder/clients" || fail "half a line is left"
expect "one more client" rivulet relay --folder "$folder" --add late

# Lost: what nohup(1) is for. The terminal's SIGHUP is there before its end is closed; that of somebody else is still heard, and tells
# that the relay goes on.
cat >"$TMP/terminal.py" <<'END'
import os, pty, signal, sys, time
how, clients, log, program = sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:]
open(log, "w").close()
pid, terminal = pty.fork()
if pid == 0:
    signal.signal(signal.SIGHUP, signal.SIG_IGN if how == "ignored" else signal.SIG_DFL)
    file = os.open(log, os.O_WRONLY | os.O_APPEND)
    os.dup2(file, 1)
    os.dup2(file, 2)
    os.execv(program[0], program)
def until(words, signals=()):
    while words not in open(log).read():
        for number in signals: # again: one that is still to be read takes in all that follow
            os.kill(pid, number)
        ended, status = os.waitpid(pid, os.WNOHANG)
        sys.exit(f"it ended, with {os.waitstatus_to_exitcode(status)}") if ended else time.sleep(0.01)
until("relay at")
os.close(terminal)
if how == "ignored":
    print("wrong", file=open(clients, "a"))
    until("nothing is changed", [signal.SIGHUP])
    os.kill(pid, signal.SIGTERM)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
END
goes() {
	cp "$TMP/before" "$folder/clients"
	timeout 30 python3 "$TMP/terminal.py" "$1" "$folder/clients" "$TMP/log" "$RIVULET" relay --folder "$folder" --listen 127.0.0.1:0
}
expect "a relay whose terminal goes" goes heard
expect "a relay that was started by nohup" goes ignored
