import fc from "fast-check";
import type { Origin } from "../../server/coordination/lock.ts";
import type { Resource } from "../../server/coordination/resource.ts";

/** Random histories in a universe so small that everything collides with everything. */
export function histories(): fc.Arbitrary<readonly Command[]> {
	return fc.array(command(), { minLength: 1, maxLength: 120, size: "max" }).map((random) => [...arrivals, ...random]);
}

export const projects = ["P", "Q"];

/** One step of a history. `request` names an earlier acquire by number, or the next one that will be made. */
export type Command =
	| { readonly do: "open"; readonly who: Who; readonly branch: string; readonly ttlMs: number; readonly most: number }
	| { readonly do: "beat"; readonly sessions: readonly string[]; readonly ttlMs: number }
	| {
			readonly do: "close";
			readonly sessions: readonly string[];
			readonly project: string | undefined;
			readonly died: boolean;
	  }
	| ({ readonly do: "acquire"; readonly who: Who } & Wish)
	| { readonly do: "again" | "renew" | "release" | "cancel" | "peek"; readonly request: number }
	| { readonly do: "renewClaims"; readonly who: Who }
	| { readonly do: "releaseClaims"; readonly who: Who; readonly resources: readonly Resource[] | undefined }
	| { readonly do: "advance"; readonly ms: number };

export interface Who {
	readonly session: string;
	readonly project: string;
}

export interface Wish {
	readonly resources: readonly Resource[];
	readonly origin: Origin;
	readonly ttlMs: number;
	readonly queue: boolean;
	readonly steal: boolean;
	readonly owned: boolean;
	readonly perSession: number;
	readonly perProject: number;
}

// Without these most short histories would be about sessions that are not open.
const arrivals: readonly Command[] = ["A", "B", "C", "D"].flatMap((session) =>
	projects.map((project) => ({
		do: "open" as const,
		who: { session, project },
		branch: "main",
		ttlMs: 86_400_000,
		most: 10,
	})),
);

function command(): fc.Arbitrary<Command> {
	const who = fc.record({
		session: fc.constantFrom("A", "B", "C", "D"),
		project: often("P", "Q"),
	});
	const resource = fc.oneof(
		{ weight: 12, arbitrary: fc.constantFrom("a", "a/", "a/b", "a/b/", "a/b/c", "ab").map(kind("file")) },
		{ weight: 3, arbitrary: fc.constantFrom("main", "a/b").map(kind("git")) },
		{ weight: 1, arbitrary: fc.constant("main").map(kind("database")) },
		{ weight: 1, arbitrary: fc.constant("").map(kind("project")) },
		{ weight: 1, arbitrary: fc.constant("").map(kind("exclusive")) },
	);
	const resources = fc.array(resource, { minLength: 1, maxLength: 3 });
	const request = fc.nat(60);
	const wish = {
		resources,
		origin: often<Origin>("claim", "edit"),
		ttlMs: often(300_000, 5_000, 20_000),
		queue: fc.boolean(),
		steal: often(false, false, false, true),
		owned: often(false, true),
		perSession: often(200, 3),
		perProject: often(20_000, 6),
	};
	return fc.oneof(
		{ weight: 30, arbitrary: fc.record({ do: fc.constant("acquire" as const), who, ...wish }) },
		{ weight: 8, arbitrary: fc.record({ do: fc.constant("again" as const), request }) },
		{ weight: 12, arbitrary: fc.record({ do: fc.constant("release" as const), request }) },
		{ weight: 10, arbitrary: fc.record({ do: fc.constantFrom("renew", "cancel", "peek"), request }) },
		{ weight: 2, arbitrary: fc.record({ do: fc.constant("renewClaims" as const), who }) },
		{
			weight: 3,
			arbitrary: fc.record({
				do: fc.constant("releaseClaims" as const),
				who,
				resources: fc.option(resources, { nil: undefined }),
			}),
		},
		{
			weight: 4,
			arbitrary: fc.record({
				do: fc.constant("open" as const),
				who,
				branch: fc.constantFrom("main", "dev"),
				ttlMs: fc.constantFrom(30_000, 86_400_000),
				most: often(10, 3),
			}),
		},
		{
			weight: 1,
			arbitrary: fc.record({
				do: fc.constant("beat" as const),
				sessions: fc.subarray(["A", "B", "nobody"]),
				ttlMs: fc.constantFrom(30_000, 86_400_000),
			}),
		},
		{
			weight: 2,
			arbitrary: fc.record({
				do: fc.constant("close" as const),
				sessions: fc.subarray(["A", "B", "C", "D", "nobody"], { minLength: 1, maxLength: 2 }),
				project: fc.constantFrom("P", "Q", undefined),
				died: fc.boolean(),
			}),
		},
		{
			weight: 10,
			arbitrary: fc.record({
				do: fc.constant("advance" as const),
				ms: fc.constantFrom(1, 1000, 4_999, 5_000, 9_999, 10_000, 20_000, 300_000, 600_000),
			}),
		},
	);
}

function kind(name: Resource["kind"]): (id: string) => Resource {
	return (id) => ({ kind: name, id });
}

// The first value three times out of four.
function often<T>(usual: T, ...others: T[]): fc.Arbitrary<T> {
	return fc.oneof({ weight: 3, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: fc.constantFrom(...others) });
}
