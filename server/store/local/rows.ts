import type { Origin, RequestId } from "../../coordination/lock.ts";
import type { ResourceKey } from "../../coordination/resource.ts";
import type { ProjectId, SessionId } from "../../coordination/session.ts";

/** A row of `holds`. */
export interface HoldRow {
	readonly project: ProjectId;
	readonly resource: ResourceKey;
	readonly request: RequestId;
	readonly session: SessionId;
	readonly token: number;
	readonly origin: Origin;
	readonly size: number;
	readonly owner: string | null;
	readonly ttl: number;
	readonly since: number;
	readonly expires: number;
}

/** A row of `tickets`; `resources` is JSON. */
export interface TicketRow {
	readonly ticket: number;
	readonly request: RequestId;
	readonly project: ProjectId;
	readonly session: SessionId;
	readonly resources: string;
	readonly origin: Origin;
	readonly owner: string | null;
	readonly ttl: number;
	readonly since: number;
	readonly expires: number;
}
