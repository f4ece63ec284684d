import { ancestry, livenessOf } from "../server/coordination/process.ts";
import { leadsTo } from "../server/coordination/push/queue.ts";
import type { Workspace } from "../server/workspace.ts";

/**
 * Whether this hook belongs to a push by `udo push`, whose process stands above this one and holds the lock of the queue for
 * just these refs. The variable only says that it is worth looking: anybody may set it.
 */
export async function isCoordinated(
	{ project, store }: Workspace,
	refs: readonly string[],
	environment: NodeJS.ProcessEnv,
): Promise<boolean> {
	if (environment["UDO_PUSH"] !== "1") return false;
	const above = ancestry(process.pid);
	const locks = await store.locks(project);
	const pushed = refs.filter((ref) => !ref.startsWith("refs/udo/queue/"));
	if (pushed.length === 0) return false;
	return locks
		.filter(({ resource }) => pushed.every((ref) => leadsTo(resource, ref)))
		.flatMap(({ holds }) => holds.flatMap(({ owner }) => owner ?? []))
		.some(
			(owner) =>
				livenessOf(owner) === "alive" &&
				above.some(({ pid, started }) => pid === owner.pid && started === owner.started),
		);
}
