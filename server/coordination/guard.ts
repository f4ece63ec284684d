/** Where the holder of a lock works, seen from the session that is about to commit. */
export type Place = "same tree" | "same branch" | "another branch";

/** A file about to be committed, and what another live session's lock on it looks like from here. */
export interface Encounter {
	/** `project` is a lock on the whole project or on everything, which somebody asked for in so many words. */
	readonly lock: "claim" | "edit" | "project";
	readonly place: Place;
	readonly sameActor: boolean;
	/** Whether the holder's editor shows text of this file that is not on disk yet. */
	readonly unsaved: boolean;
	/** Whether `.gitattributes` says that the file cannot be merged. */
	readonly lockable: boolean;
}

export type Judgement = "block" | "warn" | "silent";

/** Who is stopped when a staged file is locked by another live session: the table in README.md, "What a lock means". */
export function judge({ lock, place, sameActor, unsaved, lockable }: Encounter): Judgement {
	if (lock === "project") return "block";
	if (lock === "claim") return place !== "another branch" || lockable ? "block" : "warn";
	if (sameActor) return place === "same tree" && unsaved ? "warn" : "silent";
	return ({ "same tree": "block", "same branch": "warn", "another branch": "silent" } as const)[place];
}

/** What becomes of a staged file that only another session of this tree wrote, and that nobody has locked. */
export function judgeSweep({ unsaved }: { readonly unsaved: boolean }): "block" | "warn" {
	return unsaved ? "block" : "warn";
}
