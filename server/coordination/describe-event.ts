import { showDuration, showText } from "./describe.ts";
import type { UdoEvent } from "./event.ts";
import { describeResource, type ResourceKey, resourceOf } from "./resource.ts";

/** What an event says to people, without when and who: `locked src/ (token 12)`. Safe to show. */
export function describeEvent(event: UdoEvent): string {
	switch (event.type) {
		case "session_connected":
			return `joined from ${showText(event.worktree, 120)}`;
		case "session_disconnected":
			return { closed: "left", died: "died, its locks are free", expired: "was silent for too long and was ended" }[
				event.cause
			];
		case "session_promoted":
			return "is primary now";
		case "lock_acquired": {
			const how = event.stolen ? "took over" : event.origin === "edit" ? "edits" : "locked";
			const after = event.handed ? ", handed over from the queue" : "";
			const from = event.stolen ? ` from ${names(event.stolen.victims)}: ${showText(event.stolen.reason)}` : "";
			return `${how} ${resources(event.resources)}${from} (token ${event.token}${after})`;
		}
		case "lock_released": {
			const what = resources(event.resources);
			switch (event.cause) {
				case "released":
					return `unlocked ${what}`;
				case "expired":
					return `lost ${what}: its lease ran out`;
				case "stolen":
					return `lost ${what} to ${showText(event.by ?? "somebody", 64)}: ${showText(event.reason ?? "")}`;
				case "diverged":
					return `lost ${what}: ${showText(event.reason ?? "somebody else had it when the team's store was back")}`;
				case "died":
				case "session_closed":
					return `left ${what} behind, now free`;
			}
			break;
		}
		case "lock_queued":
			return `waits for ${resources(event.resources)}`;
		case "lock_cancelled":
			return `no longer waits for ${resources(event.resources)}`;
		case "file_change":
			return `${{ edit: "is changing", save: "saved", create: "created", delete: "deleted" }[event.change]} ${showText(event.path, 160)}`;
		case "conflict_detected":
			return `${event.conflictType} conflict ${event.conflict} on ${resources([event.resource])} between ${names(event.sessions)}`;
		case "conflict_attempted":
			return `tried ${event.strategy} on ${event.conflict}: ${showText(event.outcome)}`;
		case "conflict_resolved":
			return event.how === "superseded"
				? `saw that ${event.conflict} is over: ${showText(event.resolution)}`
				: `settled ${event.conflict}: ${showText(event.resolution)}`;
		case "context_switched":
			return `left for ${showText(event.to, 120)}`;
		case "branch_moved":
			return `moved branch ${showText(event.branch, 120)} to ${showText(event.to, 12)}`;
		case "guard_refused":
			return `was refused by ${event.hook}: ${event.paths.map((path) => showText(path, 120)).join(", ")}`;
		case "guard_skipped":
			return `skipped ${event.hook} with ${showText(event.variable, 40)}`;
		case "link_changed":
			return event.state === "connected"
				? `is in touch with ${showText(event.server, 80)} again`
				: `lost touch with ${showText(event.server, 80)}: ${showText(event.why ?? "no answer", 160)}`;
		case "team_overridden":
			return `took ${resources(event.resources)} on this machine only (UDO_LOCAL=1)`;
	}
}

/** How long ago something happened, with the time of day: `14:03:22 (5 min ago)`. */
export function showWhen(at: number, now: number): string {
	const time = new Date(at);
	const clock = [time.getHours(), time.getMinutes(), time.getSeconds()]
		.map((part) => String(part).padStart(2, "0"))
		.join(":");
	const day =
		now - at > 86_400_000
			? `${time.getFullYear()}-${String(time.getMonth() + 1).padStart(2, "0")}-${String(time.getDate()).padStart(2, "0")} `
			: "";
	return `${day}${clock} (${showDuration(now - at)} ago)`;
}

function resources(keys: readonly ResourceKey[]): string {
	const shown = keys.slice(0, 4).map((key) => showText(describeResource(resourceOf(key)), 120));
	return keys.length > 4 ? `${shown.join(", ")} and ${keys.length - 4} more` : shown.join(", ");
}

function names(sessions: readonly string[]): string {
	return sessions.map((session) => showText(session, 64)).join(", ");
}
