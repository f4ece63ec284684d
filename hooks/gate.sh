# udo's gate. The git hooks that `udo init` installs read this file into their own shell.
#
# It asks one thing with nothing but shell builtins, but for one `dd` where there is a udo.config.json, because every commit pays
# for it: is another session here? Without one there is nothing to guard, and git goes on after a millisecond. With one, or when
# it cannot tell, it starts node.
#
# The hook sets udo_hook (its name) and udo_home (where this file is). `udo init` puts udo_node, udo_program (absolute paths,
# because a graphical git client does not have the PATH of a terminal) and udo_agents (process names) in front of it.
# It must work in dash, bash, ksh and busybox sh, under `set -eu`, and leave the arguments and the standard input as they were.

# Is there anything to guard? Most checkouts are of files, and git tells of every change of a ref three times.
udo_concerns() {
	case $udo_hook in
	post-checkout) [ "${3-}" = 1 ] ;;
	reference-transaction) [ "${1-}" = prepared ] && [ -z "${UDO_MOVES-}" ] ;;
	esac
}

# Is any session alive in this project that this hook does not belong to? The local store keeps a file for each session,
# $state/live/<project>/<pid>.<session>, and one in $state/live/exclusive for each holder of an exclusive lock. With a team there
# may always be one on another machine: $state/teams/<project> says that there is one, and so do its variables.
udo_has_peers() {
	# Under `#!/bin/sh -f` nothing below would be found.
	case $- in *f*) return 0 ;; esac
	# As stateDirectory in server/config.ts has it: relative ones do not count.
	case ${XDG_STATE_HOME-} in
	/*) udo_live=$XDG_STATE_HOME/udo/live ;;
	*)
		case ${HOME-} in
		/*) udo_live=$HOME/.local/state/udo/live ;;
		*) return 0 ;;
		esac
		;;
	esac
	[ -z "${REDIS_URL-}${REDIS_HOST-}${REDIS_SENTINELS-}${REDIS_CLUSTER-}" ] || return 0
	udo_teams=${udo_live%/live}/teams
	[ -d "$udo_live" ] || [ -d "$udo_teams" ] || return 1
	udo_find_project || return 0
	[ ! -e "$udo_teams/$udo_project" ] || return 0
	udo_own=
	for udo_entry in "$udo_live/$udo_project"/*.* "$udo_live"/exclusive/*.*; do
		udo_entry=${udo_entry##*/}
		case $udo_entry in '*'*) continue ;; esac
		kill -0 "${udo_entry%%.*}" 2>/dev/null || continue
		if [ -n "${UDO_SESSION-}" ]; then
			[ "${udo_entry#*.}" = "$UDO_SESSION" ] || return 0
		else
			[ -n "$udo_own" ] || udo_find_own
			[ "$udo_entry" = "$udo_own" ] || return 0
		fi
	done
	return 1
}

# The project as server/git/project.ts has it: what udo.config.json says, else what is remembered here. Fails if neither does.
# Of JSON it reads one thing, a project that stands first and plainly; whatever else may be said of a project it leaves to node.
udo_find_project() {
	udo_project=
	udo_text=
	if [ -e udo.config.json ]; then
		# A pipe or a device would keep git for ever, and `read` takes a system call for each byte of a large file.
		[ -f udo.config.json ] && [ -r udo.config.json ] || return 1
		{ udo_text=$(dd bs=16384 count=1 <udo.config.json); } 2>/dev/null || return 1
		# So many characters are fewer bytes than were asked for.
		[ "${#udo_text}" -lt 4000 ] || return 1
		case $udo_text in '' | *\\* | *[!}]) return 1 ;; esac
	fi
	case $udo_text in
	*'"project"'*)
		udo_rest=$udo_text
		for udo_part in '{' '"project"' ':' '"'; do
			udo_rest=${udo_rest#"${udo_rest%%[!$udo_space]*}"}
			case $udo_rest in "$udo_part"*) udo_rest=${udo_rest#"$udo_part"} ;; *) return 1 ;; esac
		done
		# A second one would be the one that counts.
		case $udo_rest in *'"project"'*) return 1 ;; esac
		udo_project=${udo_rest%%\"*}
		;;
	*) [ -r "$udo_home/project" ] && read -r udo_project <"$udo_home/project" || : ;;
	esac
	case $udo_project in '' | *[!A-Za-z0-9_-]*) return 1 ;; esac
}

udo_space=' 	
'

# The session this hook belongs to, as findAnchor in server/coordination/identity.ts has it: that of the nearest ancestor
# which leads one. Nobody's ("-") when an agent or the shell of another terminal is nearer, or when there is no /proc.
udo_find_own() {
	udo_own=-
	udo_pid=$PPID
	while [ "$udo_pid" -gt 1 ] && [ -r "/proc/$udo_pid/stat" ]; do
		# Not one that was named by UDO_SESSION: who has no such variable is somebody else.
		for udo_entry_file in "$udo_live"/*/"$udo_pid".[a-z]*_*_??????; do
			if [ -e "$udo_entry_file" ]; then
				udo_own=${udo_entry_file##*/}
				return 0
			fi
		done
		# pid (name) state parent group leader terminal …, and the name may itself contain spaces and parentheses.
		read -r udo_stat 2>/dev/null <"/proc/$udo_pid/stat" || return 0
		udo_name=${udo_stat#*\(}
		case $udo_agents in *" ${udo_name%)*} "*) return 0 ;; esac
		set -- ${udo_stat##*) }
		case "${2-}${4-}" in '' | *[!0-9]*) return 0 ;; esac
		if [ "$4" = "$udo_pid" ] && [ "${5-0}" != 0 ]; then return 0; fi
		udo_pid=$2
	done
}

# Does git move a branch or the stash? A commit that pre-commit has let pass is not asked about again: its branch is locked for
# the life of the git process.
udo_moves_branch() {
	case $udo_refs in
	*" refs/heads/"* | *" refs/stash"*) ;;
	*" ORIG_HEAD"*) udo_merges || return 1 ;;
	*) return 1 ;;
	esac
	udo_find_start || return 0
	udo_line=
	[ -r "$udo_home/passed" ] && read -r udo_line 2>/dev/null <"$udo_home/passed" || :
	[ "$udo_line" != "$PPID $udo_start" ]
}

# `git merge` says where HEAD was before it touches the files, or puts them aside (--autostash); when it moves the branch, it has.
udo_merges() {
	[ -r "/proc/$PPID/cmdline" ] && read -r udo_line 2>/dev/null <"/proc/$PPID/cmdline" || :
	case ${udo_line-} in *--squash*) return 1 ;; *merge*) ;; *) return 1 ;; esac
}

# Remembers the git process that runs this hook, with its start time, as one that was asked and may go on.
udo_let_pass() {
	if udo_find_start; then { echo "$PPID $udo_start" >"$udo_home/passed"; } 2>/dev/null || :; fi
}

# When the git process that runs this hook started, as /proc/<pid>/stat has it.
udo_find_start() {
	udo_start=
	[ -r "/proc/$PPID/stat" ] && read -r udo_stat 2>/dev/null <"/proc/$PPID/stat" || return 1
	set -- ${udo_stat##*) }
	udo_start=${20-}
	[ -n "$udo_start" ]
}

# Exit code 4 is a refusal. Anything else is a fault of udo: it must not stop git, unless UDO_STRICT=1 asks for that.
udo_guard() {
	udo_status=0
	if [ -r "$udo_program" ] && [ -x "$udo_node" ]; then
		"$udo_node" "$udo_program" "$udo_hook" "$@" >&2 || udo_status=$?
	elif [ -r "$udo_program" ] && command -v node >/dev/null 2>&1; then
		node "$udo_program" "$udo_hook" "$@" >&2 || udo_status=$?
	elif command -v udo >/dev/null 2>&1; then
		udo hook "$udo_hook" "$@" >&2 || udo_status=$?
	else
		udo_status='node or udo is gone'
	fi
	if [ "$udo_status" = 0 ] || [ "${UDO-}" = 0 ] || [ "${UDO_SKIP-}" = 1 ]; then return 0; fi
	if [ "$udo_status" = 4 ] || [ "$udo_status" = 130 ]; then exit 1; fi
	if [ "${UDO_STRICT-}" = 1 ]; then
		echo "udo: cannot guard this $udo_hook ($udo_status); UDO_STRICT=1 stops git (next: udo init)" >&2
		exit 1
	fi
	echo "udo: cannot guard this $udo_hook ($udo_status); git goes on unguarded (next: udo init)" >&2
}

if udo_concerns "$@" && udo_has_peers; then
	case $udo_hook in
	pre-push | reference-transaction)
		# What git wrote about the refs is needed twice: here, and in the rest of the hook.
		udo_refs=$(cat)
		if [ "$udo_hook" = pre-push ] || udo_moves_branch; then
			udo_guard "$@" <<UDO_REFS
$udo_refs
UDO_REFS
		fi
		if [ -n "$udo_refs" ]; then
			exec <<UDO_REFS
$udo_refs
UDO_REFS
		else
			exec </dev/null
		fi
		;;
	pre-commit | pre-merge-commit)
		udo_guard "$@"
		udo_let_pass
		;;
	*) udo_guard "$@" ;;
	esac
fi
