/** What a campaign found: `wrong` is never acceptable, `slow` only on a machine that does other things as well. */
export interface Report {
	readonly name: string;
	readonly figures: Readonly<Record<string, number | string>>;
	readonly wrong: readonly string[];
	readonly slow: readonly string[];
}

/** The value below which a share of the values lies. */
export function quantile(values: readonly number[], share: number): number {
	const sorted = [...values].sort((a, b) => a - b);
	return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
