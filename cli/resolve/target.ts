import type { DiskState } from "../../server/git/unmerged/disk-state.ts";
import type { Step } from "../../server/git/unmerged/resolution-steps.ts";
import { type SideCommits, sideCommits } from "../../server/git/unmerged/side-commits.ts";
import type { Texts } from "../../server/merge/merge.ts";
import { changedMeanwhile } from "./changed-meanwhile.ts";
import { conclude } from "./conclude.ts";
import { diskState, type Place } from "./place.ts";
import { undoStep } from "./undo.ts";

/** A text whose conflicts are settled one by one. */
export interface Target {
	/** As it is named to people and to the rules; made safe where it is shown. */
	readonly path: string;
	readonly markerSize: number;
	/** The versions that were merged, where they are known. */
	readonly texts: Texts | undefined;
	/** Whose the sides are, in words, where they are not git's. */
	readonly owners?: { readonly ours: string; readonly theirs: string };
	/** Whose the sides are, as far as the history tells. */
	sides(): Promise<SideCommits>;
	read(): Promise<Buffer>;
	/**
	 * Replaces `from` by `to` in one step, the last one when nothing is left to settle. Throws UdoError `changed_meanwhile` when it is
	 * no longer `from`.
	 */
	write(from: Buffer, to: Buffer, step: TargetStep): Promise<void>;
	/** Takes back the newest step. Undefined when there is none. */
	undo(): Promise<{ readonly what: string } | undefined>;
}

export type TargetStep = Pick<Step, "what" | "isLast">;

/** A conflicted file of the repository: what is done to it is written down first, and it is staged when nothing is left. */
export class RepositoryTarget implements Target {
	readonly path: string;
	readonly markerSize: number;
	readonly texts: Texts;
	readonly #place: Place;
	readonly #by: Step["by"];
	#sides: Promise<SideCommits> | undefined;

	constructor(
		place: Place,
		by: Step["by"],
		{ path, markerSize, texts }: Pick<RepositoryTarget, "path" | "markerSize" | "texts">,
	) {
		this.#place = place;
		this.#by = by;
		this.path = path;
		this.markerSize = markerSize;
		this.texts = texts;
	}

	// Two walks through the history: only for who looks.
	sides(): Promise<SideCommits> {
		this.#sides ??= sideCommits(this.#place.git, this.#place.operation, this.path);
		return this.#sides;
	}

	async read(): Promise<Buffer> {
		const state = await this.#state();
		return state.kind === "file" ? state.bytes : Buffer.alloc(0);
	}

	write(from: Buffer, to: Buffer, step: TargetStep): Promise<void> {
		const { steps } = this.#place;
		const { path } = this;
		return steps.alone(async () => {
			const before = await this.#state();
			if (before.kind !== "file" || !before.bytes.equals(from)) throw changedMeanwhile(path);
			const made = await steps.make({ ...step, by: this.#by, path, to: { ...before, bytes: to } }, before);
			if (made === "changed") throw changedMeanwhile(path);
			if (step.isLast) await conclude(this.#place, path);
		});
	}

	undo(): Promise<{ readonly what: string } | undefined> {
		return undoStep(this.#place, [this.path]);
	}

	#state(): Promise<DiskState> {
		return diskState(this.#place, this.path);
	}
}
