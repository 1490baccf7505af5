#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# What the crowd does not do in time goes to the cloud early enough, and not before.
. "$(dirname "$0")/node_lib.sh"
need bwrap

cat >"$TMP/inside.sh" <<'EOF3'
cd "$TMP"
submit() { timeout 100 "$RIVULET" submit --state "$TMP/ada" "$@"; }
by() { "$RIVULET" tasks --state "$TMP/ada" --json | python3 -c '
import json, sys
t = json.load(sys.stdin)["tasks"][-1]
print(t.get("by"), t["state"], t.get("exit"), int(t.get("finished", 0) <= t.get("deadline", 0)))'; }
cat >cloud <<'END'
#!/bin/sh
echo "$(date +%s) $*" >>"$(dirname "$0")/cloud.log"
cd "$1" && shift && exec "$@"
END
chmod +x cloud
: >cloud.log

# Bob takes tasks, and is not to be relied on.
found --slots 0 --cloud "command:$TMP/cloud" --cloud-delay 2s
join bob
start bob --take-tasks --slots 2 --load-most 1000
soon 10 meets ada bob || fail "no contact"

# Lost: money, for what the crowd does in time.
echo near >input
submit --wait --deadline 60s -i input -o output -- sh -c 'cat input >output' || fail "a task with a deadline fails"
[ "$(by)" = "bob done 0 1" ] || fail "$(by)"
[ ! -s cloud.log ] || fail "the cloud was asked for what was done near"

# Lost: a deadline, to a device that takes a task and goes away. The cloud gets it when its 2 s, the task's own time and a second are
# left, and not when it is submitted.
began=$(date +%s)
nap=2.$((200000 + $$))
(soon 10 pgrep -xf "sleep $nap" && crash bob) &
code=0
submit --wait --deadline 12s -i input -o output2 -- sh -c "echo done elsewhere; cat input input >output2; sleep $nap; exit 4" >out || code=$?
[ "$code" = 4 ] || fail "a task in the cloud ends with $code"
[ "$(cat out)" = "done elsewhere" ] && [ "$(cat output2)" = "$(printf 'near\nnear')" ] || fail "output from the cloud: $(cat out output2)"
[ "$(by)" = "the cloud done 4 1" ] || fail "$(by)"
[ "$(wc -l <cloud.log)" = 1 ] || fail "the cloud was asked twice"
[ $(($(cut -d ' ' -f 1 cloud.log) - began)) -ge 5 ] || fail "the cloud was asked too early: $(cat cloud.log), $began"
[ -z "$(ls -A "$TMP/ada/tasks" "$TMP/ada/cloud" | grep -v :)" ] || fail "folders are left: $(ls "$TMP/ada/tasks" "$TMP/ada/cloud")"

# Lost: the node, to a cloud that is not there, or a task that never ends there.
nap=$((200000 + $$))
id=$(submit --deadline 1s -- sleep $nap)
soon 10 grep -q "sleep $nap" cloud.log || fail "not in the cloud"
"$RIVULET" tasks --state "$TMP/ada" --cancel "$id"
soon 10 sh -c '! pgrep -xf "sleep $1"' sh "$nap" || fail "what was cancelled goes on in the cloud"
rm cloud
id=$(submit --deadline 1s -- true)
logged ada "cannot be started"
stop ada

# Lost: a cluster.
if ! command -v slurmctld >/dev/null || ! command -v slurmd >/dev/null || ! command -v munged >/dev/null; then
	echo "no Slurm here: that part is left out" >&2
	exit 0
fi
. "$TMP/slurm.sh"
slurm_start || fail "Slurm does not start: $(tail -n 3 "$TMP"/slurm/*.log)"
start ada --slots 0 --cloud slurm --cloud-delay 5s
code=0
submit --wait --deadline 5s -i input -o output3 -- sh -c 'hostname; cat input >output3; exit 5' >out || code=$?
[ "$code" = 5 ] || fail "a task of Slurm ends with $code: $(by)"
same input output3
[ "$(by | cut -d ' ' -f 1-4)" = "the cloud done 5" ] || fail "$(by)"
code=0
submit --wait --deadline 5s -- sh -c 'kill -KILL $$' || code=$?
[ "$code" = 137 ] || fail "a task that is killed in Slurm ends with $code"
id=$(submit --deadline 1s -- sleep 200)
running() { squeue --noheader --states=RUNNING | grep -q rivulet; }
soon 20 running || fail "not in Slurm"
"$RIVULET" tasks --state "$TMP/ada" --cancel "$id"
soon 20 sh -c '! squeue --noheader | grep -q rivulet' || fail "what was cancelled goes on in Slurm"

# Lost: a task of the cluster, or its time twice, with the node that handed it over. It goes on there, and is home once.
start_cloud() { start ada --slots 0 --cloud slurm --cloud-delay 5s; }
last() { "$RIVULET" tasks --state "$TMP/ada" --json | python3 -c '
import json, sys
print(json.load(sys.stdin)["tasks"][-1][sys.argv[1]])' "$1"; }
is_done() { [ "$(last state)" = done ]; }
jobs_of_last() { squeue --noheader --states=all --format=%j | grep -cx "rivulet-$(last id)"; }
submit --deadline 1s -i input -o output4 -- sh -c 'cat input >output4; sleep 4' >/dev/null
soon 20 running || fail "not in Slurm"
crash ada
start_cloud
logged ada "was in the cloud \(slurm\), and is waited for"
soon 30 is_done || fail "it does not come home after a crash: $(squeue --states=all)"
same input output4
[ "$(jobs_of_last)" = 1 ] || fail "it was handed over again: $(squeue --states=all --format='%j %T')"

# The same when it is killed just as it hands over: sbatch goes on without it, slowly.
mkdir slow
cat >slow/sbatch <<'END'
#!/bin/sh
: >"$TMP/slow/began"
PATH=${PATH#*:}
sbatch "$@"
until [ -e "$TMP/slow/crashed" ]; do sleep 0.05; done
: >"$TMP/slow/ended"
END
chmod +x slow/sbatch
stop ada
PATH=$TMP/slow:$PATH
start_cloud
PATH=${PATH#*:}
submit --deadline 1s -i input -o output5 -- sh -c 'cat input >output5; sleep 3' >/dev/null
soon 20 test -e slow/began || fail "nothing is handed over"
crash ada
: >slow/crashed
soon 20 test -e slow/ended || fail "sbatch does not end"
start_cloud
soon 30 is_done || fail "it is not found after a crash: $(squeue --states=all)"
same input output5
[ "$(jobs_of_last)" = 1 ] || fail "it was handed over again: $(squeue --states=all --format='%j %T')"

# And what was cancelled while nobody could tell Slurm is cancelled there later.
id=$(submit --deadline 1s -- sleep 200)
soon 20 running || fail "not in Slurm"
stop ada
mkdir none
printf '#!/bin/sh\nexit 1\n' >none/scancel
chmod +x none/scancel
PATH=$TMP/none:$PATH
start_cloud
PATH=${PATH#*:}
logged ada "was in the cloud"
"$RIVULET" tasks --state "$TMP/ada" --cancel "$id"
running || fail "it is cancelled by nobody"
crash ada
start_cloud
logged ada "was in the cloud \(slurm\), and is not wanted any more"
soon 20 sh -c '! squeue --noheader | grep -q rivulet' || fail "what was cancelled goes on in Slurm after a crash"
stop ada
[ -z "$(ls -A "$TMP/ada/cloud")" ] || fail "folders are left: $(ls "$TMP/ada/cloud")"
EOF3
cat >"$TMP/slurm.sh" <<'EOF3'
# One Slurm of this test alone: a controller and a node, on loopback.
slurm_start() {
	mkdir -p "$TMP/slurm/state" "$TMP/slurm/spool"
	head -c 1024 /dev/urandom >"$TMP/slurm/key"
	chmod 600 "$TMP/slurm/key"
	chmod 755 "$TMP" "$TMP/slurm"
	munged --force --key-file="$TMP/slurm/key" --socket="$TMP/slurm/munge" --pid-file="$TMP/slurm/munge.pid" \
		--log-file="$TMP/slurm/munge.log" --seed-file="$TMP/slurm/seed" 2>"$TMP/slurm/munged.log" || return 1
	host=$(hostname -s)
	cat >"$TMP/slurm/slurm.conf" <<END
ClusterName=test
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$TMP/slurm/munge
CredType=cred/munge
StateSaveLocation=$TMP/slurm/state
SlurmdSpoolDir=$TMP/slurm/spool
SlurmctldPidFile=$TMP/slurm/slurmctld.pid
SlurmdPidFile=$TMP/slurm/slurmd.pid
SlurmctldLogFile=$TMP/slurm/slurmctld.log
SlurmdLogFile=$TMP/slurm/slurmd.log
SlurmctldPort=16817
SlurmdPort=16818
ProctrackType=proctrack/pgid
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
ReturnToService=2
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
NodeName=$host NodeAddr=127.0.0.1 CPUs=1 RealMemory=4000 State=UNKNOWN
PartitionName=all Nodes=$host Default=YES State=UP
END
	export SLURM_CONF="$TMP/slurm/slurm.conf"
	ip link set lo up
	slurmctld -D >/dev/null 2>&1 &
	slurmctld_pid=$!
	slurmd -D >/dev/null 2>&1 &
	slurmd_pid=$!
	NODES="$NODES $slurmctld_pid $slurmd_pid"
	trap 'end_all; kill -KILL $slurmctld_pid $slurmd_pid "$(cat "$TMP/slurm/munge.pid")" 2>/dev/null || :' EXIT
	soon 30 sh -c 'sinfo --noheader --format=%t | grep -q idle'
}
EOF3
in_lab
