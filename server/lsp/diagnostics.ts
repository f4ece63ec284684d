import { type Diagnostic, DiagnosticSeverity } from "vscode-languageserver/node";
import { type Conflict, mergesCleanly } from "../coordination/conflict.ts";
import { showKind, showSession, showText } from "../coordination/describe.ts";
import { describeResource } from "../coordination/resource.ts";
import type { SessionId } from "../coordination/session.ts";
import { describeOwner, type SideOwner } from "../coordination/side-owner.ts";
import type { Held } from "./held.ts";

export const source = "udo";

type DiagnosticCode = "file-locked" | "editing-locked" | "lock-lost" | "changed-on-disk" | "conflict";

/** All that is to be said about an open file. */
export interface FileView {
	/** Repo-relative. */
	readonly path: string;
	readonly here: Here;
	/** This editor's. */
	readonly session: SessionId;
	/** Locks of other sessions that cover it. */
	readonly held: readonly Held[];
	/** Whether this editor has changes to it that are not on disk. */
	readonly isUnsaved: boolean;
	/** Why this editor's lock was lost, when it was. */
	readonly lost: string | undefined;
	readonly foreignChange: "changed" | "deleted" | undefined;
	/** Open conflicts about it. */
	readonly conflicts: readonly Conflict[];
}

/** Where this editor works, and for whom. */
export interface Here {
	readonly actor: string;
	readonly host: string;
	readonly worktree: string;
	readonly branch: string | undefined;
}

/** The diagnostics of a file. None is an error: locks inform in the editor, hooks enforce. */
export function diagnosticsOf(view: FileView): Diagnostic[] {
	const path = showText(view.path, 120);
	const diagnostics = view.held.map((held) =>
		view.isUnsaved
			? diagnostic(
					"editing-locked",
					DiagnosticSeverity.Warning,
					`You are changing a file that is not free: ${who(view, held)}`,
				)
			: diagnostic("file-locked", severityOf(view, held), who(view, held)),
	);
	if (view.lost !== undefined) {
		diagnostics.push(diagnostic("lock-lost", DiagnosticSeverity.Warning, `Your lock on ${path} is lost: ${view.lost}`));
	}
	for (const conflict of view.conflicts) diagnostics.push(ofConflict(view, conflict));
	// A conflict says as much.
	if (
		view.foreignChange !== undefined &&
		!view.conflicts.some(({ type, place }) => type === "file_edit" && place !== undefined)
	) {
		const what = `${path} was ${view.foreignChange} on disk by somebody else`;
		const rest = view.isUnsaved ? "; saving would overwrite that" : "; this buffer shows the text from before";
		diagnostics.push(diagnostic("changed-on-disk", DiagnosticSeverity.Warning, what + rest));
	}
	return diagnostics;
}

function ofConflict(view: FileView, conflict: Conflict): Diagnostic {
	const isClean = mergesCleanly(conflict);
	const severity = isClean ? DiagnosticSeverity.Information : DiagnosticSeverity.Warning;
	const how = isClean ? "both fit together; " : "";
	return diagnostic("conflict", severity, `${ownWords(view, conflict)}; ${how}${showText(conflict.next)}`);
}

// The person in front of this editor should not have to know its name to see that it is about them.
function ownWords({ session, here, path }: FileView, { owners, summary }: Conflict): string {
	if (owners === undefined) return showText(summary);
	const isMine = (owner: SideOwner) => owner.kind === "editor" && owner.session === session;
	const mine = isMine(owners.ours) ? "ours" : isMine(owners.theirs) ? "theirs" : undefined;
	if (mine === undefined) return showText(summary);
	const other = mine === "ours" ? "theirs" : "ours";
	const whose = describeOwner(owners[other], here);
	return `Your changes to ${showText(path, 120)} in this editor (${mine}) are in conflict with ${whose} (${other})`;
}

// As much as a commit here will meet: see "Who is stopped" in README.md.
function severityOf({ here }: FileView, { lock, holder }: Held): DiagnosticSeverity {
	const isNear = isSameTree(here, holder) || (holder.branch !== undefined && holder.branch === here.branch);
	const isOurOwnEdit = lock.origin === "edit" && holder.actor === here.actor;
	return isNear && !isOurOwnEdit ? DiagnosticSeverity.Warning : DiagnosticSeverity.Information;
}

function who({ here }: FileView, { lock, holder, since }: Held): string {
	const what = showText(describeResource(lock.resource), 120);
	const verb = lock.origin === "edit" ? "being edited" : "locked";
	const by = showSession({ session: holder.id, actor: holder.actor });
	const branch =
		holder.branch === here.branch
			? []
			: [holder.branch === undefined ? "detached HEAD" : `branch ${showText(holder.branch, 60)}`];
	const worktree = isSameTree(here, holder) ? [] : [`in ${showText(holder.worktree, 120)}`];
	const host = holder.host === here.host ? [] : [`on ${showText(holder.host, 60)}`];
	const alone = lock.isLocalOnly ? ["on this machine only"] : [];
	const kind = `${showKind(holder.kind)} since ${since}`;
	return [`${what} is ${verb} by ${by}`, kind, ...branch, ...worktree, ...host, ...alone].join(", ");
}

/** Whether two sessions work in the same working tree. */
export function isSameTree(here: Here, there: Pick<Here, "host" | "worktree">): boolean {
	return there.host === here.host && there.worktree === here.worktree;
}

// A point at the very start: it exists in every document, and no client has to convert a position in another encoding.
function diagnostic(code: DiagnosticCode, severity: DiagnosticSeverity, message: string): Diagnostic {
	const start = { line: 0, character: 0 };
	return { range: { start, end: start }, severity, code, source, message };
}
