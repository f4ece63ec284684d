import { UdoError } from "../../server/errors.ts";

/** What one check of `udo doctor` found. `next` is the command that mends it. */
export interface Finding {
	readonly check: string;
	readonly level: "ok" | "warning" | "failure";
	readonly message: string;
	readonly next?: string;
}

/** The finding for a check that ended in an error. */
export function failed(check: string, error: unknown): Finding {
	if (!(error instanceof UdoError)) {
		return { check, level: "failure", message: `${check}: ${error instanceof Error ? error.message : String(error)}` };
	}
	const why = error.why === undefined ? "" : `: ${error.why}`;
	return {
		check,
		level: "failure",
		message: `${check}: ${error.message}${why}`,
		...(error.next !== undefined && { next: error.next }),
	};
}
