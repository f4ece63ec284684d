import type { Conflict } from "../../server/coordination/conflict.ts";
import { describeOwner, isSamePlace, type TreePlace } from "../../server/coordination/side-owner.ts";
import type { Output } from "../output.ts";
import { differingLines, firstDifference } from "./difference.ts";

/** The working trees that a recorded conflict is about; none for one that is about no tree. */
export function placesOf({ place, owners }: Pick<Conflict, "place" | "owners">): readonly TreePlace[] {
	const places = owners === undefined ? [] : [owners.ours.place, owners.theirs.place];
	const all = place === undefined ? places : [place, ...places];
	return all.filter((each, i) => all.findIndex((other) => isSamePlace(other, each)) === i);
}

/** Whose the sides are, for markers and headings; empty where only the type of the conflict says so. */
export function ownersOf({ owners }: Pick<Conflict, "owners">, here: TreePlace): Sides<string> {
	if (owners === undefined) return { ours: "", theirs: "" };
	return { ours: describeOwner(owners.ours, here), theirs: describeOwner(owners.theirs, here) };
}

/** Whose each text is that is kept, and the first lines in which they differ. */
export function describeSides(
	output: Output,
	conflict: Conflict,
	{ base, ours, theirs }: Partial<Sides<Buffer | undefined>> & { readonly base?: Buffer | undefined },
	here: TreePlace,
): readonly string[] {
	const owners = ownersOf(conflict, here);
	const difference = ours && theirs && firstDifference(ours, theirs);
	const from = difference === undefined ? "" : `; from line ${difference.line}:`;
	const side = (name: "ours" | "theirs", text: Buffer | undefined) => {
		if (text === undefined) return [];
		const whose = owners[name] === "" ? "" : ` is ${owners[name]},`;
		const lines = difference === undefined ? [] : differingLines(output, name, difference[name]);
		return [`  ${name}${whose} ${text.length} bytes${from}`, ...lines];
	};
	const print = base ?? ours ?? theirs;
	return [
		...side("ours", ours),
		...side("theirs", theirs),
		...(print === undefined ? [] : [output.dim("  --print base, ours or theirs prints one of the texts whole")]),
	];
}

interface Sides<Value> {
	readonly ours: Value;
	readonly theirs: Value;
}
