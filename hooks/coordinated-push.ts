import { ancestry, livenessOf } from "../server/coordination/process.ts";
import type { Workspace } from "../server/workspace.ts";

/**
 * Whether this hook belongs to a push by `udo push`, whose process stands above this one and holds the lock of a push queue. The
 * variable only says that it is worth looking: anybody may set it.
 */
export async function isCoordinated({ project, store }: Workspace, environment: NodeJS.ProcessEnv): Promise<boolean> {
	if (environment["UDO_PUSH"] !== "1") return false;
	const above = ancestry(process.pid);
	const locks = await store.locks(project);
	return locks
		.filter(({ resource }) => resource.kind === "database" && resource.id.startsWith("push "))
		.flatMap(({ holds }) => holds.flatMap(({ owner }) => owner ?? []))
		.some(
			(owner) =>
				livenessOf(owner) === "alive" &&
				above.some(({ pid, started }) => pid === owner.pid && started === owner.started),
		);
}
