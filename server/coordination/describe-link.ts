import { showDuration, showText } from "./describe.ts";
import type { Link } from "./link.ts";

/** How the team's store is doing, in one line; undefined when there is nothing to say. Safe to show. */
export function describeLink(link: Link | undefined): string | undefined {
	if (link === undefined || (link.state === "connected" && link.recoveringMs === 0)) return undefined;
	const server = `Redis ${showText(link.server, 120)}`;
	if (link.state === "connected") {
		return `${server} was restarted: for ${showDuration(link.recoveringMs)} it only gives back what was held before · new file locks hold on this machine only`;
	}
	const since = link.awayMs === undefined ? "" : ` for ${showDuration(link.awayMs)}`;
	const away = `${server} is away${since} (${showText(link.why ?? "no answer", 200)})`;
	switch (link.state) {
		case "jeopardy":
			return `${away} · what the team granted stands until its lease ends · new file locks hold on this machine only, branch and database locks are refused`;
		case "local":
			return `${away} · local mode: file locks hold on this machine only, branch and database locks are refused`;
		case "reconciling":
			return `${server} is back · telling it what happened meanwhile`;
	}
}
