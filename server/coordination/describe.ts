import type { Blocker } from "./lock.ts";
import { thisHost } from "./process.ts";
import { describeResource } from "./resource.ts";
import type { SessionId, SessionKind } from "./session.ts";

/**
 * Makes a name that somebody else chose safe to show in a terminal, a log or a page: control characters (terminal escapes),
 * direction overrides and invisible characters become visible `\x..` or `\u....`, and length is bounded to `most` characters.
 */
export function showText(text: string, most = 300): string {
	const shown = Array.from(text.slice(0, most * 2), (character) =>
		unsafe.test(character) ? escaped(character) : character,
	);
	const whole = shown.join("");
	return whole.length <= most ? whole : `${whole.slice(0, most - 1)}…`;
}

/** A value as JSON that is safe to show: what {@link showText} makes visible is escaped, and reads back as it was. */
export function showJson(value: unknown): string {
	return JSON.stringify(value).replaceAll(new RegExp(unsafe, "gu"), (character) =>
		Array.from({ length: character.length }, (_, i) => character.charCodeAt(i))
			.map((unit) => `\\u${unit.toString(16).padStart(4, "0")}`)
			.join(""),
	);
}

// Control and format characters (direction, joiners, tags), private ones, lone surrogates, line and paragraph separators,
// letters that show as nothing, and variation selectors.
const unsafe = /\p{Cc}|\p{Cf}|\p{Cs}|\p{Co}|\p{Zl}|\p{Zp}|\p{Variation_Selector}|\p{Default_Ignorable_Code_Point}/u;

function escaped(character: string): string {
	const code = character.codePointAt(0) ?? 0;
	if (code < 256) return `\\x${code.toString(16).padStart(2, "0")}`;
	return code < 0x10000 ? `\\u${code.toString(16).padStart(4, "0")}` : `\\u{${code.toString(16)}}`;
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
	const who = showSession(blocker) + (blocker.host === thisHost() ? "" : ` on ${showText(blocker.host, 60)}`);
	if (blocker.what === "waiter") return `${what} is wanted by ${who}, who waits since ${showDuration(blocker.ageMs)}`;
	const verb = blocker.origin === "edit" ? "being edited" : "locked";
	return `${what} is ${verb} by ${who} for ${showDuration(blocker.ageMs)}, lease ends in ${showDuration(blocker.leftMs)}`;
}

/** What kind of session it is, in a word for people. */
export function showKind(kind: SessionKind): string {
	return { term: "terminal", edit: "editor", agent: "agent" }[kind];
}

function units(large: number, largeUnit: string, small: number, smallUnit: string): string {
	return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`;
}
