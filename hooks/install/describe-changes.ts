import type { Repository } from "../../server/git/repository.ts";
import type { Change, FileState } from "./file-state.ts";
import { placesOf } from "./hooks-path.ts";

/** Changes for people: `change .git/hooks/pre-commit`. Those in udo's own directory are one line. Not sanitised for a terminal. */
export function describeChanges(repository: Repository, changes: readonly Change[]): readonly string[] {
	const { own, others } = divide(repository, changes);
	const lines = others.map((change) => describe(repository, change));
	if (own.length === 0) return lines;
	const isGoing = own.every(({ to }) => to.kind === "absent");
	const count = own.length === 1 ? "1 file" : `${own.length} files`;
	return [...lines, `${isGoing ? "remove" : "write"} ${count} in ${shortened(placesOf(repository).home, repository)}`];
}

/** Every file by its name, and what is different in those of others. Not sanitised for a terminal. */
export function listChanges(repository: Repository, changes: readonly Change[]): readonly string[] {
	const { own, others } = divide(repository, changes);
	return [
		...others.flatMap((change) => [describe(repository, change), ...difference(change).map((line) => `    ${line}`)]),
		...own.map((change) => describe(repository, change)),
	];
}

function divide(repository: Repository, changes: readonly Change[]) {
	const { home } = placesOf(repository);
	const own = changes.filter(({ path }) => path.startsWith(`${home}/`));
	return { own, others: changes.filter((change) => !own.includes(change)) };
}

function describe(repository: Repository, { path, from, to }: Change): string {
	const verb = to.kind === "absent" ? "remove" : from.kind === "absent" ? "create" : "change";
	return `${verb} ${shortened(path, repository)}`;
}

// One piece of the lines is another one: udo only ever puts in a block, or takes it out.
function difference({ from, to }: Change): string[] {
	const [before, after] = [linesOf(from), linesOf(to)];
	let start = 0;
	while (start < before.length && before[start] === after[start]) start++;
	let end = 0;
	const rest = Math.min(before.length, after.length) - start;
	while (end < rest && before[before.length - 1 - end] === after[after.length - 1 - end]) end++;
	return [
		...before.slice(start, before.length - end).map((line) => `- ${line}`),
		...after.slice(start, after.length - end).map((line) => `+ ${line}`),
	];
}

function linesOf(state: FileState): string[] {
	if (state.kind === "link") return [`-> ${state.target}`];
	if (state.kind !== "file") return [];
	return Buffer.from(state.content, "latin1").toString("utf8").replace(/\n$/, "").replaceAll("\t", "    ").split("\n");
}

function shortened(path: string, { worktree }: Repository): string {
	return path.startsWith(`${worktree}/`) ? path.slice(worktree.length + 1) : path;
}
