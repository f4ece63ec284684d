import { expect, test } from "vitest";
import {
	conflicts,
	coveringKeys,
	covers,
	descendantRange,
	type Resource,
	resourceKey,
	resourceOf,
} from "../../server/coordination/resource.ts";
import { branch, database, everything, file, wholeProject } from "../helpers/request.ts";

const universe: readonly Resource[] = [
	...["a", "a/", "a/b", "a/b/", "a/b/c", "a/bc", "ab", "ab/", "A", "ä/b", "a b/c:d", "a/b/c/"].map(file),
	...["main", "a/b"].map(branch),
	...["main", "users"].map(database),
	wholeProject,
	everything,
];

test("excluding each other is mutual", () => {
	for (const a of universe) for (const b of universe) expect([a, b, conflicts(a, b)]).toEqual([a, b, conflicts(b, a)]);
});

test("what covers something excludes it, and covers all that it covers", () => {
	for (const a of universe) {
		for (const b of universe.filter((other) => covers(a, other))) {
			expect(conflicts(a, b)).toBe(true);
			for (const c of universe.filter((other) => covers(b, other)))
				expect([a, b, c, covers(a, c)]).toEqual([a, b, c, true]);
		}
	}
});

test("whatever a right goes against, the right to more goes against as well", () => {
	for (const outer of universe) {
		for (const inner of universe.filter((other) => covers(outer, other))) {
			for (const other of universe.filter((third) => conflicts(inner, third))) {
				expect([outer, inner, other, conflicts(outer, other)]).toEqual([outer, inner, other, true]);
			}
		}
	}
});

test("the covering keys and the range of descendants find exactly what excludes a resource", () => {
	const narrow = universe.filter(({ kind }) => kind !== "project" && kind !== "exclusive");
	for (const wanted of narrow) {
		const keys = new Set(coveringKeys(wanted));
		const range = descendantRange(wanted);
		const found = universe
			.map(resourceKey)
			.filter((key) => keys.has(key) || (range !== undefined && key > range.from && key < range.to));
		const expected = universe
			.filter((other) => other.kind !== "exclusive" && conflicts(wanted, other))
			.map(resourceKey);

		expect([wanted, found]).toEqual([wanted, expected]);
	}
});

test("a key names its resource", () => {
	for (const resource of universe) expect(resourceOf(resourceKey(resource))).toEqual(resource);
	expect(() => resourceOf("nonsense")).toThrow("not a resource key");
});
