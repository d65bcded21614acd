# SPDX-License-Identifier: Apache-2.0
# bash completion for nodewake(8). tests/deploy compares it with what the program says of itself.
# shellcheck shell=bash disable=SC2207 # no name that is completed here holds a space

_nodewake() {
	local verbs='run watch boot explain why starts ooms exits pulls gaps waits host status health doctor replay
		pin uninstall uninstall-annotations help'
	local history='--namespace --pod --container --since --boot --slower-than --sort --limit --output --state-dir --help'
	local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} options=''

	COMPREPLY=()
	if [ "$COMP_CWORD" -eq 1 ]; then
		COMPREPLY=($(compgen -W "$verbs --help --version" -- "$word"))
		return
	fi
	case "$previous" in
	help)
		COMPREPLY=($(compgen -W "$verbs" -- "$word"))
		return
		;;
	-o | --output)
		case "${COMP_WORDS[1]}" in
		boot | explain) COMPREPLY=($(compgen -W 'text json svg html trace' -- "$word")) ;;
		*) COMPREPLY=($(compgen -W 'text json' -- "$word")) ;;
		esac
		return
		;;
	--by)
		case "${COMP_WORDS[1]}" in
		starts) COMPREPLY=($(compgen -W 'image' -- "$word")) ;;
		*) COMPREPLY=($(compgen -W 'pod container image verdict' -- "$word")) ;;
		esac
		return
		;;
	--verdict)
		COMPREPLY=($(compgen -W 'completed error crashed oom-killed stopped killed self-killed signaled
			start-failed lost' -- "$word"))
		return
		;;
	--scope)
		COMPREPLY=($(compgen -W 'container pod cgroup node none' -- "$word"))
		return
		;;
	--sort)
		COMPREPLY=($(compgen -W 'newest slowest' -- "$word"))
		return
		;;
	-b | --boot | --against)
		if [ "${COMP_WORDS[1]}" = boot ]; then
			COMPREPLY=($(compgen -W '-1 current' -- "$word"))
		else
			COMPREPLY=($(compgen -W 'all current' -- "$word"))
		fi
		return
		;;
	-t | --type)
		COMPREPLY=($(compgen -W 'start oom exit child host pull boot gap wait unit' -- "$word"))
		return
		;;
	--log-level)
		COMPREPLY=($(compgen -W 'error warning info debug' -- "$word"))
		return
		;;
	--state-dir | --cgroup-root | --cni-dirs | --bpffs)
		COMPREPLY=($(compgen -d -- "$word"))
		return
		;;
	--socket | --containerd-socket | --kubeconfig | --record-events)
		COMPREPLY=($(compgen -f -- "$word"))
		return
		;;
	esac
	case "${COMP_WORDS[1]}" in
	run)
		options='--containerd-socket --containerd-namespace --state-dir --socket --cni-dirs --cgroup-root --bpffs
			--start-window --boot-deadline --keep-age --keep-size --kubeconfig --node-name --no-kubernetes
			--annotation-prefix --annotation-interval --slow-start --slow-pull --listen --record-events --record-names --log-lines --share-log-lines --no-ebpf --log-level --help'
		;;
	watch) options='--type --all --output --socket --help' ;;
	boot) options='--boot --list --compare --against --follow --output --state-dir --help' ;;
	explain) options='--deaths --all --container --namespace --output --state-dir --help' ;;
	why) options='--all --container --namespace --output --state-dir --help' ;;
	starts) options="--by $history" ;;
	ooms) options="--by --scope $history" ;;
	exits) options="--by --verdict --signal --children $history" ;;
	pulls | gaps | waits | host) options=$history ;;
	pin) options='--bpffs --cni-dirs --cgroup-root --help' ;;
	uninstall) options='--bpffs --socket --help' ;;
	uninstall-annotations) options='--kubeconfig --node-name --annotation-prefix --help' ;;
	status) options='--output --socket --help' ;;
	health)
		options='--namespace --output --state-dir --socket --wait --kubeconfig --node-name --containerd-socket --help'
		;;
	doctor) options='--output --state-dir --containerd-socket --cni-dirs --help' ;;
	replay)
		options='--all --output --help'
		[[ $word == -* ]] || COMPREPLY=($(compgen -f -- "$word"))
		;;
	esac
	COMPREPLY+=($(compgen -W "$options" -- "$word"))
}

complete -F _nodewake nodewake
