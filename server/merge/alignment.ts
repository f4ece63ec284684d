import { comparedLines } from "./compared-lines.ts";
import { gone, settleSlides, unsure } from "./slides.ts";

/**
 * What is certain about git's diff from `base` to `side` without running git: for each line of the base, the line of the side
 * that git pairs it with, or `gone`, or `unsure`. Undefined when nothing is certain.
 *
 * git's diff (xdiff's Myers) sets some lines aside (see compared-lines.ts), finds a shortest edit script of the others, and then
 * slides groups of changed lines up and down over equal ones. Which of several shortest scripts it finds depends on details, but a
 * slide keeps the number of changed lines, so its answer is always *a* shortest script. Hence what all shortest scripts have in
 * common is in git's answer too. They are walked here at once, forwards and backwards, as in Myers' paper.
 *
 * xdiff gives up looking for a shortest script after 256 rounds from both ends, that is 512 edits; `mostEdits` stays below.
 */
export function certainAlignment(base: Int32Array, side: Int32Array): Int32Array | undefined {
	const compared = comparedLines(base, side);
	if (compared === undefined) return undefined;
	const a = compared.base.map((line) => base[line] ?? 0);
	const b = compared.side.map((line) => side[line] ?? 0);
	const pairs = commonPairs(a, b);
	if (pairs === undefined) return undefined;
	const alignment = new Int32Array(base.length).fill(gone);
	for (let at = 0; at < pairs.length; at++) {
		const pair = pairs[at] ?? unsure;
		alignment[compared.base[at] ?? 0] = pair >= 0 ? (compared.side[pair] ?? unsure) : pair;
	}
	settleSlides(alignment, { base, side }, compared);
	return alignment;
}

const mostEdits = 500;
// Many equal lines have very many shortest scripts. This many steps are a few ms, and git takes over before they add up.
const mostSteps = 300_000;
const untouched = -3;

// What all shortest edit scripts from `a` to `b` say about each element of `a`.
function commonPairs(a: Int32Array, b: Int32Array): Int32Array | undefined {
	const forward = reach(a, b);
	const backward = forward && reach(a.toReversed(), b.toReversed());
	if (forward === undefined || backward === undefined) return undefined;
	const edits = forward.length - 1;
	const pairs = new Int32Array(a.length).fill(untouched);
	let steps = -a.length;
	// On diagonal k, the points that shortest scripts pass after `d` edits are those that are within reach from both ends.
	const points = (d: number, k: number): { from: number; to: number } => {
		const to = forward[d]?.[(k + d) / 2] ?? -1;
		const left = backward[edits - d]?.[(a.length - b.length - k + edits - d) / 2] ?? -1;
		return to < 0 || left < 0 ? { from: 0, to: -1 } : { from: a.length - left, to };
	};
	const note = (x: number, pair: number) => {
		if (pairs[x] === untouched) pairs[x] = pair;
		else if (pairs[x] !== pair) pairs[x] = unsure;
	};
	for (let d = 0; d <= edits; d++) {
		for (let k = -d; k <= d; k += 2) {
			const here = points(d, k);
			steps += Math.max(1, here.to - here.from);
			if (steps > mostSteps) return undefined;
			for (let x = here.from; x < here.to; x++) if (a[x] === b[x - k]) note(x, x - k);
			const next = points(d + 1, k + 1);
			const last = Math.min(here.to, next.to - 1);
			for (let x = Math.max(here.from, next.from - 1); x <= last; x++) note(x, gone);
		}
	}
	return pairs;
}

// Row d holds at (k + d) / 2 the largest x on the diagonal k = x − y that at most d edits lead to, or −1. The last row is the
// first that leads to the end of both. Undefined after `mostEdits` or `mostSteps`.
function reach(a: Int32Array, b: Int32Array): Int32Array[] | undefined {
	const rows: Int32Array[] = [];
	let steps = -a.length;
	const goal = a.length - b.length;
	for (let d = 0; d <= mostEdits; d++) {
		const before = rows[d - 1];
		const row = new Int32Array(d + 1).fill(-1);
		for (let k = Math.max(-d, d % 2 === b.length % 2 ? -b.length : 1 - b.length); k <= Math.min(d, a.length); k += 2) {
			const at = (k + d) / 2;
			const afterDeletion = before?.[at - 1] ?? -1;
			const afterInsertion = before?.[at] ?? -1;
			let x = before === undefined ? 0 : -1;
			if (afterDeletion >= 0) x = Math.min(afterDeletion + 1, a.length);
			if (afterInsertion >= 0) x = Math.max(x, Math.min(afterInsertion, b.length + k));
			steps -= x;
			if (x >= 0) while (x < a.length && x - k < b.length && a[x] === b[x - k]) x++;
			steps += x + 1;
			row[at] = x;
		}
		if (steps > mostSteps) return undefined;
		rows.push(row);
		if (Math.abs(goal) <= d && (goal + d) % 2 === 0 && row[(goal + d) / 2] === a.length) return rows;
	}
	return undefined;
}
