import { showSession, showText } from "./describe.ts";
import type { SessionId } from "./session.ts";

/** One working tree of one machine. */
export interface TreePlace {
	readonly host: string;
	readonly worktree: string;
}

/** Whose text a side of a conflict is: an editor's, saved or not, or what lies on the disk of a working tree. */
export type SideOwner =
	| { readonly kind: "editor"; readonly session: SessionId; readonly actor: string; readonly place: TreePlace }
	| { readonly kind: "disk"; readonly place: TreePlace };

/** Whose the two sides of a conflict are. */
export interface SideOwners {
	readonly ours: SideOwner;
	readonly theirs: SideOwner;
}

/** Whose a side is, for somebody who works in the tree `here`. Safe to show. */
export function describeOwner(owner: SideOwner, here: TreePlace): string {
	const { place } = owner;
	if (owner.kind === "editor") {
		return `the editor of ${showSession(owner)} in ${isSamePlace(place, here) ? "this tree" : showPlace(place, here)}`;
	}
	return isSamePlace(place, here) ? "what is on disk in this tree" : `what is on disk in ${showPlace(place, here)}`;
}

export function isSamePlace(a: TreePlace, b: TreePlace): boolean {
	return a.host === b.host && a.worktree === b.worktree;
}

function showPlace({ host, worktree }: TreePlace, here: TreePlace): string {
	return showText(worktree, 120) + (host === here.host ? "" : ` on ${showText(host, 60)}`);
}
