/** A way to lose what no commit has. `before` brings the repository into a state, before there is any work. */
export interface Destruction {
	readonly command: string;
	readonly before?: string;
	/** All of the work is staged before, for git refuses the command as long as the index and the files differ. */
	readonly isStaged?: boolean;
	/** git refuses it in most trees of work, and harms those in which it does not. */
	readonly isSeldomAllowed?: boolean;
}

const inMerge = "git merge -q conflict";
const inRebase = "git rebase -q conflict";
const inCherryPick = "git cherry-pick conflict";
const inRevert = "git revert --no-edit HEAD~1";
const inAm = "git format-patch -q -1 --stdout conflict >../patch; git am -q -3 ../patch";
const inBisect = "git bisect start; git bisect bad HEAD; git bisect good HEAD~2";

/** Every command that the guard is tried against. */
export const destructions: readonly Destruction[] = [
	...[
		"git reset --hard",
		"git reset --hard topic",
		"git reset",
		"git reset topic",
		"git reset -- .",
		"git checkout -f",
		"git checkout -f topic",
		"git checkout -B main topic -f",
		"git checkout -- .",
		"git checkout topic -- .",
		"git checkout --no-overlay topic -- .",
		"git switch --discard-changes topic",
		"git switch -C fresh topic --discard-changes",
		"git switch -f --orphan bare",
		"git restore .",
		"git restore --staged .",
		"git restore --staged --worktree .",
		"git restore --source topic --staged --worktree .",
		"git restore --source topic --no-overlay .",
		"git clean -fd",
		"git clean -fdx",
		"git clean -ffdX; git clean -fd; git reset --hard",
		"git stash; git stash drop",
		"git stash push -u; git stash drop",
		"git stash push -a; git stash clear",
		"git stash push -k; git stash clear",
		"git stash -u; git stash pop; git reset --hard; git clean -fd",
		"git merge topic; git merge --abort; git reset --hard",
		"git merge --autostash topic; git reset --hard; git stash clear",
		"git rebase topic; git reset --hard",
		"git rebase --autostash topic; git reset --hard; git stash clear; git clean -fd",
		"git pull -q --rebase . topic; git reset --hard",
		"git pull -q --rebase --autostash . topic; git reset --hard; git stash clear",
		"git cherry-pick topic; git reset --hard",
		"git revert --no-edit HEAD; git reset --hard",
		"git rm -rf .",
		"git rm -rf --cached .",
		"git mv -f base/plain base/other",
		"git read-tree --reset -u topic",
		"git read-tree --reset topic",
		"git read-tree -u --reset HEAD",
		"git checkout-index -f -a",
		"git sparse-checkout set base; git clean -fdq; git reset -q --hard",
		"git bisect start topic HEAD~2; git reset --hard; git bisect reset",
		"git worktree add -qf ../tree main; git reset --hard",
		"git filter-branch -f --tree-filter true HEAD~1..HEAD; git reset --hard",
		"git update-index --refresh; git checkout-index -fa",
		"git config alias.commit-undo 'reset --hard'; git commit-undo",
		"git config alias.status-all '!git reset --hard && git clean -fd'; git status-all",
		"GIT_INDEX_FILE=../own-index git read-tree -u --reset topic",
		"cd base; git checkout -f; git clean -fd ..",
		"git -C base -c a.b=c --literal-pathspecs reset --hard",
		'git --git-dir="$PWD/.git" --work-tree="$PWD" reset --hard',
		"git config status.showUntrackedFiles no; git clean -fd",
		"printf 'a\\n*\\n\\nq\\n' | git clean -i; git reset --hard",
		"yes | git checkout -p; yes | git restore -p; git reset --hard",
	].map((command) => ({ command })),
	// Without whole ids git cannot put binary files into such a stash.
	...[
		"git reset --merge topic",
		"git -c core.abbrev=40 stash push --staged; git stash clear",
		"git apply --index -R ../work.patch",
	].map((command) => ({ command, isStaged: true })),
	...["git reset --keep topic", "git checkout topic", "git checkout -m topic", "git switch -m topic"].map(
		(command) => ({
			command,
			isSeldomAllowed: true,
		}),
	),
	{ before: inMerge, command: "git merge --abort", isStaged: true },
	{ before: inMerge, command: "git reset --hard" },
	{ before: inMerge, command: "git checkout --theirs -- ." },
	{ before: inMerge, command: "git checkout -f topic" },
	{ before: inRebase, command: "git rebase --abort" },
	{ before: inRebase, command: "git rebase --skip" },
	{ before: inRebase, command: "git rebase --quit; git reset --hard" },
	{ before: inCherryPick, command: "git cherry-pick --abort", isStaged: true },
	{ before: inCherryPick, command: "git cherry-pick --skip", isStaged: true },
	{ before: inRevert, command: "git revert --abort", isStaged: true },
	{ before: inAm, command: "git am --abort" },
	{ before: inAm, command: "git am --skip" },
	{ before: inBisect, command: "git bisect run git reset --hard; git bisect reset" },
	{ before: inBisect, command: "git bisect good; git reset --hard; git bisect reset" },
	{ before: "git sparse-checkout set --cone base", command: "git sparse-checkout disable; git reset --hard" },
	{ before: "git sparse-checkout set base", command: "git reset --hard topic; git clean -fd" },
	{ before: "git config index.sparse true; git sparse-checkout set base", command: "git reset --hard; git clean -fd" },
	{ before: "git config core.splitIndex true; git update-index --split-index", command: "git reset --hard" },
	{ before: "git config core.untrackedCache true; git status -s", command: "git clean -fd; git reset --hard" },
	{ before: "git config feature.manyFiles true; git update-index --index-version 4", command: "git reset --hard" },
	{
		before: "git init -q nested; git init -q other; git -C other commit -q --allow-empty -m x",
		command: "git reset --hard; git clean -fd",
	},
];
