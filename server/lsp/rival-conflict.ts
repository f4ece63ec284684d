import type { Resource } from "../coordination/resource.ts";
import type { SessionId } from "../coordination/session.ts";
import { isSameTree } from "./diagnostics.ts";
import type { FileChange } from "./file-changes.ts";
import type { Held } from "./held.ts";
import type { OpenWorktree } from "./open-worktree.ts";

// What others do in their buffers is told by presence, twice a second.
const rivalMs = 500;

/** Whether another editor of this tree has unsaved changes to a file, too. */
export type Rivalry =
	| { readonly kind: "clash"; readonly rival: Held }
	| { readonly kind: "ask again"; readonly inMs: number }
	| { readonly kind: "none" };

/** When a buffer's unsaved changes are in conflict with those of another editor, from its lock, its presence and what it tells. */
export class RivalConflict {
	readonly #worktree: OpenWorktree;
	readonly #resource: Resource;
	readonly #heard = new Map<SessionId, "unsaved" | "saved">();
	#isAccepted = false;
	#quietUntil = Number.NEGATIVE_INFINITY;

	constructor(worktree: OpenWorktree, resource: Resource) {
		this.#worktree = worktree;
		this.#resource = resource;
	}

	/** Another session changed the file in its editor, or saved it. */
	hear({ session, change, worktree }: FileChange): void {
		if (session === undefined || worktree !== this.#worktree.here.worktree) return;
		this.#heard.set(session, change === "edit" ? "unsaved" : "saved");
	}

	/** Looks for such an editor. */
	async find(): Promise<Rivalry> {
		const { here } = this.#worktree;
		const rival = this.#worktree
			.heldOn(this.#resource)
			.find(({ lock, holder }) => lock.origin === "edit" && isSameTree(here, holder));
		if (rival === undefined || this.#isAccepted) return { kind: "none" };
		const isClash = performance.now() >= this.#quietUntil && (await this.#isUnsavedThere(rival.holder.id));
		return isClash ? { kind: "clash", rival } : { kind: "ask again", inMs: rivalMs };
	}

	/** A conflict is over: what was heard before says nothing, and presence is not to be believed for a while. */
	over(): void {
		this.#quietUntil = performance.now() + 2 * rivalMs;
		this.#heard.clear();
	}

	/** Somebody settled it: it is not reported again. */
	accept(): void {
		this.#isAccepted = true;
	}

	/** Nothing of what was settled holds for later changes. */
	forget(): void {
		this.#isAccepted = false;
	}

	async #isUnsavedThere(session: SessionId): Promise<boolean> {
		const heard = this.#heard.get(session);
		if (heard !== undefined) return heard === "unsaved";
		const { store, project } = this.#worktree.workspace;
		const { id } = this.#resource;
		const places = await store.presence(project);
		return places.some((place) => place.session === session && place.path === id && place.unsaved);
	}
}
