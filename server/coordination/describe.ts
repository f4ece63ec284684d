import type { Blocker } from "./lock.ts";
import { describeResource } from "./resource.ts";
import type { SessionId, SessionKind } from "./session.ts";

/**
 * Makes a name that somebody else chose safe to show in a terminal, a log or a page: control characters (terminal escapes),
 * direction overrides and invisible characters become visible `\x..` or `\u....`, and length is bounded to `most` characters.
 */
export function showText(text: string, most = 300): string {
	// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not reach a terminal.
	const unsafe =
		/[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u115f\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\ufff9-\ufffb]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;
	const shown = text.slice(0, most * 2).replace(unsafe, (character) => {
		const code = character.charCodeAt(0);
		return code < 256 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u${code.toString(16).padStart(4, "0")}`;
	});
	return shown.length <= most ? shown : `${shown.slice(0, most - 1)}…`;
}

/** A duration in the two largest units that matter: `850 ms`, `12 s`, `4 min 10 s`, `3 h 5 min`, `2 d 4 h`. */
export function showDuration(ms: number): string {
	if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`;
	const seconds = Math.round(ms / 1000);
	if (seconds < 60) return `${seconds} s`;
	if (seconds < 3600) return units(Math.floor(seconds / 60), "min", seconds % 60, "s");
	const minutes = Math.round(seconds / 60);
	if (minutes < 1440) return units(Math.floor(minutes / 60), "h", minutes % 60, "min");
	const hours = Math.round(minutes / 60);
	return units(Math.floor(hours / 24), "d", hours % 24, "h");
}

/** Who a session is, for people: `alice (term_ab12cd_3f9k)`. */
export function showSession(session: { readonly session: SessionId; readonly actor: string }): string {
	return `${showText(session.actor, 60)} (${showText(session.session, 64)})`;
}

/** One sentence on what stands in the way: `src/ is locked by alice (term_…) for 2 min 3 s, at most 4 min more`. */
export function showBlocker(blocker: Blocker): string {
	const what = showText(describeResource(blocker.resource));
	if (blocker.what === "waiter")
		return `${what} is wanted by ${showSession(blocker)}, who waits since ${showDuration(blocker.ageMs)}`;
	const verb = blocker.origin === "edit" ? "being edited" : "locked";
	return `${what} is ${verb} by ${showSession(blocker)} for ${showDuration(blocker.ageMs)}, lease ends in ${showDuration(blocker.leftMs)}`;
}

/** What kind of session it is, in a word for people. */
export function showKind(kind: SessionKind): string {
	return { term: "terminal", edit: "editor", agent: "agent" }[kind];
}

function units(large: number, largeUnit: string, small: number, smallUnit: string): string {
	return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`;
}
