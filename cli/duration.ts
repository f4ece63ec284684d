import { UsageError } from "../server/errors.ts";

const unitMs = new Map([
	["ms", 1],
	["", 1000],
	["s", 1000],
	["m", 60_000],
	["h", 3_600_000],
	["d", 86_400_000],
]);

const spelling = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|)$/;

// setTimeout's and the stores' bound, and longer than anybody waits.
const longestMs = 30 * 86_400_000;

/** Whether a word is spelt like a duration, be it a sensible one or not. */
export function isDuration(text: string): boolean {
	return spelling.test(text.trim());
}

/** Milliseconds of `500ms`, `30s`, `5m`, `2h`, `1d` or plain seconds. Throws UsageError that names the option. */
export function parseDuration(text: string, option: string): number {
	const parts = spelling.exec(text.trim());
	const ms = parts === null ? Number.NaN : Number(parts[1]) * (unitMs.get(parts[2] ?? "") ?? Number.NaN);
	if (Number.isFinite(ms) && ms >= 1 && ms <= longestMs) return Math.round(ms);
	throw new UsageError(`${option} ${JSON.stringify(text)} is not a duration`, {
		why: "a number with ms, s, m, h or d, at most 30 days.",
		next: `${option} 5m`,
	});
}
