import { tokensOf } from "./tokens.ts";
import { placeKind } from "./version-place.ts";

/** A line as what surrounds its versions, and the versions. */
export interface Versioned {
	readonly skeleton: string;
	readonly versions: readonly string[];
}

/** The versions of a line of the file at `path`; undefined when it has none. */
export function versionsOf(line: string, path: string): Versioned | undefined {
	const versions: string[] = [];
	let skeleton = "";
	let at = 0;
	for (const token of tokensOf(line)) {
		const before = line.slice(0, at);
		at += token.length;
		const kind = /^v?\d+\.\d/.test(token) ? placeKind(token, { path, before, after: line.slice(at) }) : undefined;
		// `-alpine` is no pre-release.
		const version = kind === "image" ? (/^[^-+]*/.exec(token)?.[0] ?? "") : kind === "version" ? token : "";
		if (version !== "") versions.push(version);
		skeleton += version === "" ? token : `${version.startsWith("v") ? "v" : ""}\0${token.slice(version.length)}`;
	}
	return versions.length === 0 ? undefined : { skeleton, versions };
}

/** Below zero when the first is the smaller by semver's rules; undefined when they cannot be compared. */
export function compareVersions(one: string, other: string): number | undefined {
	const [first, second] = [parse(one), parse(other)];
	if (first.numbers.length !== second.numbers.length) return undefined;
	const byNumbers = compareParts(first.numbers, second.numbers);
	if (byNumbers !== 0) return byNumbers;
	// A pre-release comes before its release.
	if (first.pre.length === 0 || second.pre.length === 0) return second.pre.length - first.pre.length;
	return compareParts(first.pre, second.pre);
}

function parse(version: string) {
	const [release = "", ...pre] = (version.replace(/^v/, "").split("+")[0] ?? "").split("-");
	return { numbers: release.split("."), pre: pre.length === 0 ? [] : pre.join("-").split(".") };
}

function compareParts(ones: readonly string[], others: readonly string[]): number {
	for (let at = 0; at < Math.max(ones.length, others.length); at++) {
		const [one, other] = [ones[at], others[at]];
		if (one === other) continue;
		if (one === undefined) return -1;
		if (other === undefined) return 1;
		const [isNumber, isOtherNumber] = [/^\d+$/.test(one), /^\d+$/.test(other)];
		if (isNumber && isOtherNumber) {
			const order = Number(one) - Number(other);
			if (order !== 0) return order;
		} else if (isNumber !== isOtherNumber) return isNumber ? -1 : 1;
		else return one < other ? -1 : 1;
	}
	return 0;
}
