import { quantile } from "../campaign/report.ts";

/** One line of the table. */
export interface Row {
	readonly what: string;
	readonly measured: string;
	/** The goal, where there is one. */
	readonly goal?: string;
}

/** A part of the table, or why it cannot be measured here. */
export interface Part {
	readonly title: string;
	readonly rows: readonly Row[];
}

/** Milliseconds, as precise as they are worth. */
export function ms(value: number): string {
	return `${value < 10 ? value.toFixed(2) : value < 100 ? value.toFixed(1) : Math.round(value)} ms`;
}

export function median(values: readonly number[]): number {
	return quantile(values, 0.5);
}

/** `p50 0.12 ms, p99 1.40 ms, max 9.00 ms` */
export function spread(values: readonly number[]): string {
	const longest = values.reduce((most, value) => Math.max(most, value), 0);
	return `p50 ${ms(median(values))}, p99 ${ms(quantile(values, 0.99))}, max ${ms(longest)}`;
}

/** A row for what is not installed, or failed. */
export function notMeasured(what: string, reason: unknown): Row {
	return { what, measured: `n/a: ${reason instanceof Error ? reason.message.split("\n")[0] : reason}` };
}
