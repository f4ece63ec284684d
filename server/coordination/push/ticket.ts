import type { RequestId } from "../lock.ts";
import type { SessionId } from "../session.ts";

/** What one `udo push` wants to land. Written by its process, read by whoever leads the queue. */
export interface PushTicket {
	readonly request: RequestId;
	readonly session: SessionId;
	readonly actor: string;
	readonly host: string;
	/** The remote, spelt so exactly that two different ones never look alike. */
	readonly address: string;
	/** The full name of the ref on the remote. */
	readonly ref: string;
	/** The local branch. */
	readonly branch: string;
	/** What people call the remote, `origin`. */
	readonly remote: string;
	readonly tip: string;
	/** What this clone knows the remote's ref to have been at. */
	readonly known?: string;
	/** Which of the commits that the remote's ref was ever at, as far as this clone knows, the tip was built on. */
	readonly forkedFrom?: string;
	/** Where this clone's objects are, on its host. */
	readonly objects: string;
	/** The ref on the remote under which the commits wait for a leader on another machine. */
	readonly parked?: string;
	/** Who makes the replayed commits: `Name <mail> 1700000000 +0100`. */
	readonly committer: string;
	/** The message of the merge commit, when commits are merged instead of replayed. */
	readonly mergeMessage?: string;
	/** Not with others: their owner said so, or only their owner's process can sign them, or run the hook they have to pass. */
	readonly isAlone: boolean;
	readonly isSigned: boolean;
}

/** What has become of a ticket. */
export type PushOutcome =
	| PushLanded
	/** The remote has all of it. `tip` is what the remote is at; undefined when it has no such ref. */
	| { readonly kind: "nothing"; readonly tip: string | undefined }
	| {
			readonly kind: "conflict";
			readonly commit: string;
			readonly paths: readonly string[];
			readonly onto: string;
			readonly conflict?: string;
	  }
	| { readonly kind: "merges"; readonly commit: string }
	| { readonly kind: "unrelated" | "missing" }
	/** The remote, or a hook, said no. */
	| { readonly kind: "refused"; readonly words: string }
	| { readonly kind: "unreachable"; readonly words: string }
	/** Others pushed past the queue each time. */
	| { readonly kind: "outrun"; readonly tries: number }
	| { readonly kind: "planned"; readonly commits: readonly PushedCommit[]; readonly onto: string | undefined };

/** The commits of a ticket are on the remote. */
export interface PushLanded {
	readonly kind: "landed";
	/** Where this ticket's own commits end. */
	readonly tip: string;
	/** What the remote was at before, and is at now. */
	readonly before: string | undefined;
	readonly after: string;
	/** In order. */
	readonly commits: readonly PushedCommit[];
	/** How many tickets landed together. */
	readonly batch: number;
	/** A git directory on a host that has all of it, and a pack there with all that is missing in whoever has `since`. */
	readonly from: {
		readonly host: string;
		readonly gitDirectory: string;
		readonly pack?: { readonly name: string; readonly since: string };
	};
}

/** One commit before and after it was put on top of what was there. */
export interface PushedCommit {
	readonly from: string;
	/** Undefined for a commit whose change was there already, or was taken back from there. */
	readonly to: string | undefined;
	/** It was on the remote once, and somebody removed it by force. */
	readonly isWithdrawn?: true;
}

/** The ticket in a stored text; undefined for anything that is not one, whoever wrote it. */
export function parseTicket(text: string | undefined): PushTicket | undefined {
	const ticket = parseObject(text) as Partial<PushTicket> | undefined;
	if (ticket === undefined) return undefined;
	const isWhole =
		texts.every((key) => typeof ticket[key] === "string" && !ticket[key].includes("\0")) &&
		/^[0-9a-f]{40,64}$/.test(ticket.tip ?? "") &&
		/^[^\n<>]*<[^\n<>]*> \d+ [+-]\d{4}$/.test(ticket.committer ?? "") &&
		["string", "undefined"].includes(typeof ticket.mergeMessage) &&
		(ticket.parked === undefined || /^refs\/udo\/queue\/[0-9a-f-]+$/.test(ticket.parked)) &&
		[ticket.known, ticket.forkedFrom].every((id) => id === undefined || /^[0-9a-f]{40,64}$/.test(id)) &&
		typeof ticket.isAlone === "boolean" &&
		typeof ticket.isSigned === "boolean";
	return isWhole ? (ticket as PushTicket) : undefined;
}

const texts = ["request", "session", "actor", "host", "address", "ref", "branch", "remote", "tip", "objects"] as const;

/** A JSON object in a text, or undefined. */
export function parseObject(text: string | undefined): object | undefined {
	try {
		const value: unknown = JSON.parse(text ?? "");
		return typeof value === "object" && value !== null ? value : undefined;
	} catch {
		return undefined;
	}
}
