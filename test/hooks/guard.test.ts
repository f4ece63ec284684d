import { expect, test } from "vitest";
import { type Encounter, type Judgement, judge } from "../../server/coordination/guard.ts";

const mergeable = { sameActor: false, unsaved: false, lockable: false };

const table: readonly (readonly [string, Encounter, Judgement])[] = [
	["a claim in the same tree", { ...mergeable, lock: "claim", place: "same tree" }, "block"],
	["a claim on the same branch", { ...mergeable, lock: "claim", place: "same branch" }, "block"],
	["a claim on another branch", { ...mergeable, lock: "claim", place: "another branch" }, "warn"],
	[
		"a claim on another branch of a file that cannot be merged",
		{ ...mergeable, lock: "claim", place: "another branch", lockable: true },
		"block",
	],
	[
		"the same person's claim in the same tree",
		{ ...mergeable, lock: "claim", place: "same tree", sameActor: true },
		"block",
	],
	["somebody's edit in the same tree", { ...mergeable, lock: "edit", place: "same tree" }, "block"],
	["somebody's edit on the same branch", { ...mergeable, lock: "edit", place: "same branch" }, "warn"],
	["somebody's edit on another branch", { ...mergeable, lock: "edit", place: "another branch" }, "silent"],
	[
		"somebody's edit on another branch of a file that cannot be merged",
		{ ...mergeable, lock: "edit", place: "another branch", lockable: true },
		"silent",
	],
	[
		"one's own unsaved edit in the same tree",
		{ ...mergeable, lock: "edit", place: "same tree", sameActor: true, unsaved: true },
		"warn",
	],
	[
		"one's own saved edit in the same tree",
		{ ...mergeable, lock: "edit", place: "same tree", sameActor: true },
		"silent",
	],
	[
		"one's own unsaved edit on the same branch",
		{ ...mergeable, lock: "edit", place: "same branch", sameActor: true, unsaved: true },
		"silent",
	],
	[
		"one's own unsaved edit on another branch",
		{ ...mergeable, lock: "edit", place: "another branch", sameActor: true, unsaved: true },
		"silent",
	],
	["a lock on the project, wherever it is held", { ...mergeable, lock: "project", place: "another branch" }, "block"],
];

test.each(table)("%s is answered with what the table in README.md says", (_, encounter, judgement) => {
	expect(judge(encounter)).toBe(judgement);
});
