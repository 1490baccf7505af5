# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Bash completion for rivulet. Behind "--" the words are another program's, completed as that is.

# Names of the scenarios that came with Rivulet, and the user's own.
_rivulet_scenario_names()
{
	local program folder file

	program=$(type -P rivulet) || return
	program=$(readlink -f "$program")
	for folder in "${RIVULET_SCENARIOS:-}" "${program%/*}/../share/rivulet/scenarios" \
		"${program%/*}/../scenarios"; do
		[[ -n $folder ]] || continue
		for file in "$folder"/*.yaml; do
			[[ -e $file ]] || continue
			file=${file##*/}
			echo "${file%.yaml}"
		done
	done
}

# Host names of the scenario that the command line has, if it names one already.
_rivulet_hosts()
{
	local i scenario=

	for ((i = 3; i < cword; i++)); do
		[[ ${words[i]} == -* || ${words[i - 1]} == --@(on|also|pcap|samples|seed|wire) ]] || scenario=${words[i]}
	done
	[[ -n $scenario ]] || return
	"${words[0]}" lab show --json "$scenario" 2>/dev/null |
		sed 's/.*"hosts": \[\([^]]*\)\].*/\1/' | grep -o '"name": "[^"]*"' | cut -d '"' -f 4
}

_rivulet_lab()
{
	if ((cword == 2)); then
		mapfile -t COMPREPLY < <(compgen -W 'run shell on show check --help' -- "$cur")
		return
	fi
	case $prev in
	--on)
		mapfile -t COMPREPLY < <(compgen -W "$(_rivulet_hosts)" -- "$cur")
		return
		;;
	--pcap)
		_filedir -d
		return
		;;
	--samples)
		_filedir
		return
		;;
	--wire)
		mapfile -t COMPREPLY < <(compgen -W 'tap veth' -- "$cur")
		return
		;;
	--also | --seed)
		return
		;;
	esac
	if [[ $cur == -* ]]; then
		local options='--help'

		case ${words[2]} in
		run) options='--on --also --pcap --stats --samples --json --seed --wire --from-traffic --verbose
			--help --' ;;
		shell) options='--on --also --pcap --stats --samples --json --seed --wire --from-traffic
			--verbose --help' ;;
		show) options='--json --help' ;;
		on) options='--help --' ;;
		esac
		mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur")
		return
	fi
	[[ ${words[2]} == on ]] && return
	_filedir yaml
	mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -W "$(_rivulet_scenario_names)" -- "$cur")
}

# The last name of a list of links, with what stands before it.
_rivulet_link_list()
{
	local before=

	[[ $cur == *,* ]] && before=${cur%,*},
	mapfile -t COMPREPLY < <(compgen -P "$before" -W "$(ls /sys/class/net 2>/dev/null)" \
		-- "${cur##*,}")
	compopt -o nospace
}

_rivulet_links()
{
	case $prev in
	--links | --not) _rivulet_link_list ;;
	*) mapfile -t COMPREPLY < <(compgen -W '--watch --json --links --not --help' -- "$cur") ;;
	esac
}

_rivulet_run()
{
	if [[ $prev == --report ]]; then
		_filedir
	elif [[ $prev == --for ]]; then
		mapfile -t COMPREPLY < <(compgen -W 'bulk interactive messages background offload' -- "$cur")
	elif [[ $prev == --links || $prev == --not ]]; then
		_rivulet_link_list
	elif [[ $prev == --stack ]]; then
		mapfile -t COMPREPLY < <(compgen -W 'native lkl uml host auto' -- "$cur")
	elif [[ $prev == --ports ]]; then
		mapfile -t COMPREPLY < <(compgen -W 'shared nat' -- "$cur")
	elif [[ $cur == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W \
			'--stack --memory --ports --verbose --for --links --not --via --via-always --via-never --explain --dry-run --json --report --as-root --quiet --help --' -- "$cur")
	else
		mapfile -t COMPREPLY < <(compgen -c -- "$cur")
	fi
}

_rivulet_proxy()
{
	case $prev in
	--report) _filedir ;;
	--links | --not) _rivulet_link_list ;;
	--stack) mapfile -t COMPREPLY < <(compgen -W 'native lkl host' -- "$cur") ;;
	--listen | --limit) ;;
	*) mapfile -t COMPREPLY < <(compgen -W '--listen --stack --allow-anyone --limit --links --not
		--via --via-always --via-never --explain --verbose --json --report --quiet --as-root --help' -- "$cur") ;;
	esac
}

_rivulet_relay()
{
	case $prev in
	--certificate | --key | --clients | --log) _filedir ;;
	--folder) _filedir -d ;;
	--init | --client | --add | --listen | --allow | --deny | --limit | --limit-client) ;;
	*) mapfile -t COMPREPLY < <(compgen -W '--init --client --add --folder --listen --plain --open
		--certificate --key --clients --allow --deny --limit --limit-client --log --quiet --help' -- "$cur") ;;
	esac
}

# The last word of a list.
_rivulet_list() # WORDS
{
	local before=

	[[ $cur == *,* ]] && before=${cur%,*},
	mapfile -t COMPREPLY < <(compgen -P "$before" -W "$1" -- "${cur##*,}")
	compopt -o nospace
}

_rivulet_assess()
{
	case $prev in
	--out) _filedir -d ;;
	--scenario) _rivulet_list "$(_rivulet_scenario_names)" ;;
	--workload) _rivulet_list 'bulk-down bulk-up bulk-both request messages short crowd offload control' ;;
	--profile) _rivulet_list 'this phone pi low-end device' ;;
	--stack) _rivulet_list "$("${words[0]}" probe --quick 2>/dev/null | sed '1,/^stacks/d; s/^  \([a-z]*\).*/\1/')" ;;
	--protocol) _rivulet_list 'tcp mptcp' ;;
	--repetitions | --duration | --seed) ;;
	*) mapfile -t COMPREPLY < <(compgen -W '--quick --full --out --scenario --workload --profile --stack --protocol
		--repetitions --duration --seed --dry-run --report --json --help' -- "$cur") ;;
	esac
}

_rivulet_choose()
{
	case $prev in
	--for) mapfile -t COMPREPLY < <(compgen -W 'bulk interactive messages background offload' -- "$cur") ;;
	--scenario) mapfile -t COMPREPLY < <(compgen -W "$(_rivulet_scenario_names)" -- "$cur") ;;
	--measured | --regret) _filedir ;;
	--memory | --cpu) ;;
	*) mapfile -t COMPREPLY < <(compgen -W '--for --memory --cpu --scenario --measured --regret --json --help' -- "$cur") ;;
	esac
}

_rivulet_node()
{
	case $prev in
	--state) _filedir -d ;;
	--links | --not) _rivulet_link_list ;;
	--stack) mapfile -t COMPREPLY < <(compgen -W 'native lkl host' -- "$cur") ;;
	--port | --quota | --slots | --battery-least | --load-most | --cloud | --cloud-delay) ;;
	*) mapfile -t COMPREPLY < <(compgen -W '--state --port --quota --slots --take-tasks --battery-least --load-most --cloud --cloud-delay --stack --links --not --as-it-is
		--explain --quiet --help' -- "$cur") ;;
	esac
}

_rivulet_crowd()
{
	case $prev in
	crowd) mapfile -t COMPREPLY < <(compgen -W 'new invite join revoke' -- "$cur") ;;
	--state) _filedir -d ;;
	--name | --open | --valid | --at | --wait) ;;
	*) mapfile -t COMPREPLY < <(compgen -W '--state --name --open --valid --at --wait --json --help' -- "$cur") ;;
	esac
}

_rivulet_objects()
{
	local options='--state --quiet --help'

	case $prev in
	--state) _filedir -d; return ;;
	-o | --output) _filedir; return ;;
	--to | --lifetime | --wait | --url) return ;;
	esac
	case ${words[1]} in
	put) options="$options --to --lifetime --json" ;;
	get) options="$options --output --wait --url" ;;
	peers) options='--state --json --help' ;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur")
	[[ ${words[1]} != put || $cur == -* ]] || _filedir
}

_rivulet_tasks()
{
	local options='--state --json --help'

	case $prev in
	--state) _filedir -d; return ;;
	-i | --input | -o | --output) _filedir; return ;;
	--deadline | --lifetime | --copies | --agree | --time | --memory | --disk | --processes | --cancel) return ;;
	esac
	case ${words[1]} in
	submit) options="$options --input --output --each --wait --deadline --lifetime --copies --agree --time --memory --disk --processes --quiet" ;;
	tasks) options="$options --cancel" ;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur")
	[[ ${words[1]} != submit || $cur == -* ]] || _filedir
}

_rivulet_status()
{
	mapfile -t COMPREPLY < <(compgen -W '--watch --json --help' -- "$cur")
}

_rivulet()
{
	# shellcheck disable=SC2034 # _init_completion and _filedir share these
	local cur prev words cword i

	_init_completion || return
	for ((i = 2; i < cword; i++)); do
		if [[ ${words[i]} == -- ]]; then
			_command_offset $((i + 1))
			return
		fi
	done
	if ((cword == 1)); then
		mapfile -t COMPREPLY < <(compgen -W 'assess choose clean crowd get lab links node peers probe proxy put relay run status submit tasks --help --version' -- "$cur")
		return
	fi
	case ${words[1]} in
	choose) _rivulet_choose ;;
	crowd) _rivulet_crowd ;;
	get | peers | put) _rivulet_objects ;;
	submit | tasks) _rivulet_tasks ;;
	assess) _rivulet_assess ;;
	lab) _rivulet_lab ;;
	links) _rivulet_links ;;
	node) _rivulet_node ;;
	proxy) _rivulet_proxy ;;
	relay) _rivulet_relay ;;
	clean) mapfile -t COMPREPLY < <(compgen -W '--help' -- "$cur") ;;
	probe) mapfile -t COMPREPLY < <(compgen -W '--quick --json --help' -- "$cur") ;;
	run) _rivulet_run ;;
	status) _rivulet_status ;;
	esac
} &&
	complete -F _rivulet rivulet
