import type { ProjectId, SessionId } from "./session.ts";

/** Where a session is working. Best effort, never authoritative: it may be late, and locks do not depend on it. */
export interface Presence {
	readonly project: ProjectId;
	readonly session: SessionId;
	readonly path: string;
	/** Whether its editor shows text that is not on disk yet. */
	readonly unsaved: boolean;
	/** Zero-based line of the last edit, where the editor told one. */
	readonly line: number | undefined;
	readonly ageMs: number;
}
