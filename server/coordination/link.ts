/**
 * How far this machine is in touch with the team's store. `connected`: locks exclude the whole team. `jeopardy`: no answer, but
 * leases that the team granted still run. `local`: no answer and no such lease, locks exclude others on this machine only.
 * `reconciling`: back, and telling each other what happened meanwhile.
 */
export type LinkState = "connected" | "jeopardy" | "local" | "reconciling";

/** The team's store as this process sees it now. */
export interface Link {
	readonly state: LinkState;
	/** Where it is, without secrets: `redis.example.org:6379`. */
	readonly server: string;
	/** What went wrong, for people; undefined when connected. */
	readonly why: string | undefined;
	/** For how long it has not answered; undefined when connected. */
	readonly awayMs?: number;
	/** For how long the store, having lost its data, gives back only what was held before; 0 when it has not. */
	readonly recoveringMs: number;
}
