# git asks core.fsmonitor which files have changed, before it looks at them: the last moment in which what a `git reset --hard` is
# about to destroy is still there. This script has udo keep it, if there is anything to keep, and answers that everything may have
# changed. `udo init --guard-tree` puts udo_node, udo_program (absolute paths) and udo_next in front of it: the command that was
# core.fsmonitor before, which then gives the answer.

# Whether the git that asks may change or remove files. Any does that is not known to leave them alone; `git status` must not pay.
udo_endangers() {
	if [ "${UDO-}" = 0 ] || [ "${UDO_SKIP-}" = 1 ]; then return 1; fi
	udo_words=
	udo_index_only=
	if [ -r "/proc/$PPID/cmdline" ]; then
		# `read` drops the zero bytes between the words: enough for what is called most, but not to tell an alias `diff-all` apart.
		read -r udo_line 2>/dev/null <"/proc/$PPID/cmdline" || :
		case $udo_line in gitstatus | gitstatus--* | gitstatus-[a-z] | gitdiff | gitdiff--*) return 1 ;; esac
		udo_words=$(tr '\0' '\n' <"/proc/$PPID/cmdline")
	else
		udo_words=$(ps -o args= -p "$PPID" | tr ' ' '\n')
	fi
	set -f
	IFS='
'
	set -- $udo_words
	unset IFS
	case ${1-} in
	git-* | */git-*) udo_command=${1##*git-} ;;
	*)
		udo_command=
		while [ $# -gt 1 ]; do
			shift
			case $1 in
			-c | -C | --git-dir | --work-tree | --namespace | --exec-path | --config-env) [ $# -lt 2 ] || shift ;;
			-*) ;;
			*)
				udo_command=$1
				break
				;;
			esac
		done
		;;
	esac
	case $udo_command in
	status | diff | diff-files | diff-index | difftool | add | stage | commit | log | show | ls-files | update-index | describe | blame | grep | \
		diff-tree | check-attr | check-ignore | rev-parse | rev-list | cat-file | merge-base | ls-tree | write-tree | gc | fsck)
		return 1
		;;
	reset)
		# Without --hard, --merge or --keep, which git also takes cut short, it only changes the index: what is staged is lost where
		# the file has changed since.
		udo_index_only=1
		for udo_word; do
			case $udo_word in --mi*) ;; --h* | --m* | --k*) udo_index_only= ;; esac
		done
		;;
	esac
}

udo_has_changes() {
	udo_changes=$(git -c core.fsmonitor=false --no-optional-locks status --porcelain --no-renames --untracked-files=normal \
		--ignore-submodules=all 2>/dev/null) || :
	[ -n "$udo_changes" ] || return 1
	[ -n "$udo_index_only" ] || return 0
	printf '%s\n' "$udo_changes" | grep -q '^[ACMRT][^ ]'
}

udo_keep() {
	if [ -r "$udo_program" ] && [ -x "$udo_node" ]; then
		"$udo_node" "$udo_program" fsmonitor "$udo_words" </dev/null >&2
	elif [ -r "$udo_program" ] && command -v node >/dev/null 2>&1; then
		node "$udo_program" fsmonitor "$udo_words" </dev/null >&2
	elif command -v udo >/dev/null 2>&1; then
		udo hook fsmonitor "$udo_words" </dev/null >&2
	else
		echo "udo: cannot keep what is in this working tree: node or udo is gone (next: udo init)" >&2
	fi
}

if udo_endangers && udo_has_changes; then udo_keep || :; fi
if [ -n "$udo_next" ]; then exec sh -c "$udo_next \"\$@\"" "$udo_next" "$@"; fi
# Of the older protocol there is no answer that means everything.
[ "${1-}" = 2 ] || exit 1
printf 'udo\0/\0'
