import { showDuration, showSession, showText } from "../server/coordination/describe.ts";
import type { judge } from "../server/coordination/guard.ts";
import { thisHost } from "../server/coordination/process.ts";
import { describeResource } from "../server/coordination/resource.ts";
import { HeldError, type UdoError } from "../server/errors.ts";
import type { BranchUpdate } from "../server/git/pushed/changes.ts";
import { resourceWords } from "../server/shell-word.ts";
import { branchOf, type Claim } from "./pushed-claims.ts";
import { showNames } from "./verdict.ts";

/** Something pushed that another session has claimed; without a path it is the branch. */
export type Found = Claim & {
	readonly update: BranchUpdate;
	readonly path: string | undefined;
	readonly judgement: ReturnType<typeof judge>;
};

/** What was found of one holder on one branch. */
type Group = readonly [Found, ...Found[]];

/** What was found, in as few words as it takes: what one holder has of one branch together. */
export function byHolder(found: readonly Found[]): readonly Group[] {
	const groups = new Map<string, [Found, ...Found[]]>();
	for (const each of found) {
		const key = `${each.holder.id} ${each.update.branch} ${each.path === undefined}`;
		const group = groups.get(key);
		if (group === undefined) groups.set(key, [each]);
		else group.push(each);
	}
	return [...groups.values()];
}

/** The three lines that refuse a push. */
export function refusal(group: Group): UdoError {
	const [first] = group;
	const wanted = first.path === undefined ? first.lock.resource : { kind: "file" as const, id: first.path };
	return new HeldError(`push refused: ${namesOf(group)} locked by somebody else`, {
		why: `${describe(first)}.`,
		next: `udo run --wait ${resourceWords(wanted)} -- git push`,
	});
}

/** The line on what is locked and goes through all the same. */
export function warning(group: Group): string {
	return `warning: ${namesOf(group)} locked: ${describe(group[0])}`;
}

function namesOf(group: Group): string {
	const [{ path, update }] = group;
	if (path === undefined)
		return update.branch === undefined ? "the branch is" : `branch ${showText(update.branch, 120)} is`;
	const on = update.branch === undefined ? "" : ` on ${showText(update.branch, 120)}`;
	return `${showNames(group.map((each) => each.path ?? ""))}${on} ${group.length === 1 ? "is" : "are"}`;
}

function describe({ lock, holder }: Claim): string {
	const branch = branchOf(holder);
	const where = branch === undefined ? "a detached HEAD" : `branch ${showText(branch, 60)}`;
	const host = holder.host === thisHost() ? "" : ` on ${showText(holder.host, 60)}`;
	const how = `${showText(describeResource(lock.resource), 120)} for ${showDuration(lock.ageMs)}`;
	return `${showSession({ session: holder.id, actor: holder.actor })}${host}, on ${where}, has ${how}, lease ends in ${showDuration(lock.leftMs)}`;
}
