import type { RequestId } from "../lock.ts";
import { type PushedCommit, type PushOutcome, parseObject } from "./ticket.ts";

/** One push that was tried, or is being tried: should it have landed, this is what it meant for each ticket. */
export interface PushAttempt {
	/** What the remote's ref was to become. */
	readonly tip: string;
	readonly outcomes: Readonly<Record<RequestId, PushOutcome>>;
}

/** What the queue's leaders tell each other. Only the leader writes it. */
export interface PushRecord {
	/** Tickets that are being pushed right now: it is too late for them to leave. */
	readonly taken: readonly RequestId[];
	readonly attempts: readonly PushAttempt[];
	/** Tickets of a batch that the remote refused as a whole: each has to go alone. */
	readonly alone: readonly RequestId[];
	/** How long the last batch took, in ms. */
	readonly tookMs: number;
	/** Who was told an outcome lately, and when: those who died meanwhile never read it. */
	readonly told: readonly { readonly request: RequestId; readonly at: number }[];
}

const emptyRecord: PushRecord = { taken: [], attempts: [], alone: [], tookMs: 0, told: [] };

/** The outcome in a stored text; undefined for anything that is not one, whoever wrote it. */
export function parseOutcome(text: string | undefined): PushOutcome | undefined {
	const outcome = parseObject(text);
	return isOutcome(outcome) ? outcome : undefined;
}

/** The record in a stored text, without what is not part of one. */
export function parseRecord(text: string | undefined): PushRecord {
	const { taken, attempts, alone, tookMs, told }: Partial<Record<keyof PushRecord, unknown>> = parseObject(text) ?? {};
	return {
		taken: list(taken).filter(isRequest),
		attempts: list(attempts).filter(isAttempt),
		alone: list(alone).filter(isRequest),
		tookMs: typeof tookMs === "number" ? tookMs : emptyRecord.tookMs,
		told: list(told).filter(isTold),
	};
}

function isOutcome(value: unknown): value is PushOutcome {
	if (!isObject(value)) return false;
	switch (value["kind"]) {
		case "landed":
			return (
				[value["tip"], value["after"]].every(isId) &&
				(value["before"] === undefined || isId(value["before"])) &&
				list(value["commits"]).every(isCommit) &&
				typeof value["batch"] === "number" &&
				isFrom(value["from"])
			);
		case "nothing":
			return value["tip"] === undefined || isId(value["tip"]);
		case "conflict":
			return (
				[value["commit"], value["onto"]].every(isId) &&
				list(value["paths"]).every(isText) &&
				(value["conflict"] === undefined || isText(value["conflict"]))
			);
		case "merges":
			return isId(value["commit"]);
		case "refused":
		case "unreachable":
			return isText(value["words"]);
		case "outrun":
			return typeof value["tries"] === "number";
		case "planned":
			return list(value["commits"]).every(isCommit) && (value["onto"] === undefined || isId(value["onto"]));
		default:
			return value["kind"] === "unrelated" || value["kind"] === "missing";
	}
}

function isFrom(value: unknown): boolean {
	if (!isObject(value) || !isText(value["host"]) || !isText(value["gitDirectory"])) return false;
	const { pack } = value;
	return pack === undefined || (isObject(pack) && /^[\w.-]+$/.test(String(pack["name"])) && isId(pack["since"]));
}

function isCommit(value: unknown): value is PushedCommit {
	return isObject(value) && isId(value["from"]) && (value["to"] === undefined || isId(value["to"]));
}

function isAttempt(value: unknown): value is PushAttempt {
	if (!isObject(value) || !isId(value["tip"]) || !isObject(value["outcomes"])) return false;
	return Object.values(value["outcomes"]).every(isOutcome);
}

function isTold(value: unknown): value is PushRecord["told"][number] {
	return isObject(value) && isRequest(value["request"]) && typeof value["at"] === "number";
}

function isRequest(value: unknown): value is RequestId {
	return isText(value);
}

function isText(value: unknown): value is string {
	return typeof value === "string" && !value.includes("\0");
}

function isId(value: unknown): boolean {
	return typeof value === "string" && /^[0-9a-f]{40,64}$/.test(value);
}

function isObject(value: unknown): value is Record<string, unknown> {
	return typeof value === "object" && value !== null && !Array.isArray(value);
}

// What is no list has nothing in it that could be told.
function list(value: unknown): readonly unknown[] {
	return Array.isArray(value) ? value : [];
}
