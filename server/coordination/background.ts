/** Where a failure without a caller goes; composition roots point it at their log. */
export type FailureLog = (error: unknown) => void;

let report: FailureLog = () => {};

/** Sets where `background` reports to, for this process. */
export function onBackgroundFailure(log: FailureLog): void {
	report = log;
}

/** Runs what an event started. Events have no caller: a rejection is logged and never ends the process. */
export function background(work: Promise<unknown>): void {
	work.catch((error: unknown) => report(error));
}
