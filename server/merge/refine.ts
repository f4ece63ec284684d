import { certainAlignment } from "./alignment.ts";
import type { Lines, Range } from "./lines.ts";
import { gone, unsure } from "./slides.ts";
import type { Place, Versions } from "./windows.ts";

/** How a conflict is shown: `merge` ours and theirs, as small as git makes it; `diff3` with the base; `zdiff3` that, trimmed. */
export type Style = (typeof styles)[number];

export const styles = ["merge", "diff3", "zdiff3"] as const;

type Conflict = Extract<Place, { kind: "conflict" }>;

/** Makes conflicts as small as git makes them in this style; undefined when git's answer is not certain. */
export function refine(places: readonly Place[], versions: Versions, style: Style): readonly Place[] | undefined {
	if (style === "diff3") return places;
	const refined: Place[] = [];
	for (const place of places) {
		if (place.kind === "clean") {
			refined.push(place);
			continue;
		}
		const parts = style === "zdiff3" ? trimmed(place, versions) : split(place, versions);
		if (parts === undefined) return undefined;
		refined.push(...parts);
	}
	return style === "zdiff3" ? refined : joined(refined, versions.ours);
}

// Lines at either end that ours and theirs have in common are no conflict.
function trimmed({ base, ours, theirs }: Conflict, versions: Versions): Place[] {
	const most = Math.min(ours.end - ours.start, theirs.end - theirs.start);
	const [our, their] = [versions.ours.ids, versions.theirs.ids];
	let head = 0;
	while (head < most && our[ours.start + head] === their[theirs.start + head]) head++;
	let tail = 0;
	while (tail < most - head && our[ours.end - 1 - tail] === their[theirs.end - 1 - tail]) tail++;
	return [
		{ kind: "clean", from: "both", lines: { start: ours.start, end: ours.start + head } },
		{
			kind: "conflict",
			base,
			ours: { start: ours.start + head, end: ours.end - tail },
			theirs: { start: theirs.start + head, end: theirs.end - tail },
		},
		{ kind: "clean", from: "both", lines: { start: ours.end - tail, end: ours.end } },
	];
}

// Only what differs between ours and theirs is a conflict. Which part of the base belongs to which part is not known.
function split(conflict: Conflict, { ours, theirs }: Versions): Place[] | undefined {
	const [our, their] = [conflict.ours, conflict.theirs];
	const alignment = certainAlignment(
		ours.ids.subarray(our.start, our.end),
		theirs.ids.subarray(their.start, their.end),
	);
	if (alignment === undefined || alignment.includes(unsure)) return undefined;
	const parts: Place[] = [];
	let [atOurs, atTheirs] = [0, 0];
	const differing = (toOurs: number, toTheirs: number) => {
		if (atOurs === toOurs && atTheirs === toTheirs) return;
		parts.push({
			...conflict,
			ours: { start: our.start + atOurs, end: our.start + toOurs },
			theirs: { start: their.start + atTheirs, end: their.start + toTheirs },
		});
	};
	for (const [line, pair] of alignment.entries()) {
		if (pair === gone) continue;
		differing(line, pair);
		parts.push({ kind: "clean", from: "both", lines: { start: our.start + line, end: our.start + line + 1 } });
		[atOurs, atTheirs] = [line + 1, pair + 1];
	}
	differing(our.end - our.start, their.end - their.start);
	return parts;
}

// Two conflicts are one when at most three lines, or only lines without a letter or digit, lie between, unchanged by either side
// or changed alike: one conflict reads better than two.
function joined(places: readonly Place[], ours: Lines): readonly Place[] {
	const result: Place[] = [];
	let last = -1;
	for (const place of places) {
		const before = result[last];
		if (place.kind === "clean") {
			if (place.from === "ours" || place.from === "theirs") last = -1;
		} else {
			if (before?.kind === "conflict" && isNearby({ start: before.ours.end, end: place.ours.start }, ours)) {
				result.length = last;
				result.push({
					kind: "conflict",
					base: { start: before.base.start, end: place.base.end },
					ours: { start: before.ours.start, end: place.ours.end },
					theirs: { start: before.theirs.start, end: place.theirs.end },
				});
				continue;
			}
			last = result.length;
		}
		result.push(place);
	}
	return result;
}

function isNearby(between: Range, ours: Lines): boolean {
	return between.end - between.start <= 3 || !/[0-9A-Za-z]/.test(ours.text(between).toString("latin1"));
}
