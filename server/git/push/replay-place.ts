import type { Plumbing } from "../plumbing.ts";
import type { CommitReader } from "./commit-reader.ts";
import type { ObjectReader } from "./objects.ts";
import type { Quarantine } from "./quarantine.ts";

/** Where commits are replayed. */
export interface ReplayPlace {
	readonly git: Plumbing;
	readonly quarantine: Quarantine;
	readonly reader: ObjectReader;
	readonly commits: CommitReader;
}
