/** The five things that can be locked. */
export const lockKinds = ["file", "git", "project", "database", "exclusive"] as const;

export type LockKind = (typeof lockKinds)[number];

/**
 * Something that can be locked. `id` is a repo-relative path for `file` (a directory ends in `/`), a short branch name for
 * `git`, any name for `database`, and empty for `project` and `exclusive`.
 */
export interface Resource {
	readonly kind: LockKind;
	readonly id: string;
}

/** A resource as one string, `file:src/a.ts`; sorting these sorts a directory right before what it contains. */
export type ResourceKey = string & { readonly __brand: "ResourceKey" };

export function resourceKey(resource: Resource): ResourceKey {
	return `${resource.kind}:${resource.id}` as ResourceKey;
}

/** The inverse of {@link resourceKey}; throws a plain Error on text that it never produced. */
export function resourceOf(key: string): Resource {
	const colon = key.indexOf(":");
	const kind = lockKinds.find((known) => known === key.slice(0, colon));
	if (kind === undefined) throw new Error(`not a resource key: ${JSON.stringify(key)}`);
	return { kind, id: key.slice(colon + 1) };
}

/** Whether two resources of one project exclude each other: the same, or one contains the other. Symmetric. */
export function conflicts(a: Resource, b: Resource): boolean {
	return covers(a, b) || covers(b, a);
}

/**
 * Whether holding `outer` includes the right to `inner`. An exclusive lock covers all, a project lock all but exclusive, a
 * directory what is in it, and also a file of its own name: on another branch `src` may be a file.
 */
export function covers(outer: Resource, inner: Resource): boolean {
	if (outer.kind === "exclusive") return true;
	if (outer.kind === "project") return inner.kind !== "exclusive";
	if (outer.kind !== inner.kind) return false;
	if (outer.kind !== "file") return outer.id === inner.id;
	return outer.id === inner.id || (isDirectory(outer.id) && `${inner.id}/`.startsWith(outer.id));
}

/**
 * The keys of everything at or above a resource: with the range of {@link descendantRange} and, for a project, all its keys,
 * these are all that can conflict with it, apart from exclusive locks, which reach beyond the project.
 */
export function coveringKeys(resource: Resource): ResourceKey[] {
	const keys = ["project:" as ResourceKey, resourceKey(resource)];
	if (resource.kind !== "file") return keys;
	const other = isDirectory(resource.id) ? resource.id.slice(0, -1) : `${resource.id}/`;
	return [...keys, ...[other, ...parentDirectories(resource.id)].map((id) => resourceKey({ kind: "file", id }))];
}

/** The half-open key range `[from, to)` of everything inside a directory, or undefined for anything else. */
export function descendantRange(resource: Resource): { readonly from: string; readonly to: string } | undefined {
	if (resource.kind !== "file" || !isDirectory(resource.id)) return undefined;
	const from = resourceKey(resource);
	return { from, to: `${from.slice(0, -1)}0` };
}

// As push/queue.ts names the line of one branch on one remote.
const pushLine = /^push [0-9a-f]{12} /;

/** How a person reads it: `src/a.ts`, `branch main`, `database users`, `the whole project`. Not sanitised for a terminal. */
export function describeResource(resource: Resource): string {
	switch (resource.kind) {
		case "file":
			return resource.id;
		case "git":
			return `branch ${resource.id}`;
		case "database":
			return pushLine.test(resource.id)
				? resource.id.replace(pushLine, "the line of pushes to ")
				: `database ${resource.id}`;
		case "project":
			return "the whole project";
		case "exclusive":
			return "everything (exclusive)";
	}
}

function parentDirectories(path: string): string[] {
	const parents: string[] = [];
	for (let slash = path.indexOf("/"); slash !== -1 && slash < path.length - 1; slash = path.indexOf("/", slash + 1)) {
		parents.push(path.slice(0, slash + 1));
	}
	return parents;
}

function isDirectory(path: string): boolean {
	return path.endsWith("/");
}
