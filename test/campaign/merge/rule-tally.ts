/** How a settled conflict compares with what the person made of it. */
export interface Verdict {
	readonly equal: boolean;
	/** Whether the person took one side as it is, there or for the whole file. */
	readonly side: boolean;
	readonly wholeFile: boolean;
}

/** Counts, for each rule, how often it was right. */
export class Tally {
	readonly #verdicts = new Map<string, Verdict[]>();

	note(rule: string, kind: string, verdict: Verdict): void {
		for (const name of [rule, `  in ${kind}`.padEnd(20) + rule]) {
			const verdicts = this.#verdicts.get(name) ?? [];
			verdicts.push(verdict);
			this.#verdicts.set(name, verdicts);
		}
	}

	table(): string {
		const rows = [...this.#verdicts].sort(([one], [other]) => keyOf(one).localeCompare(keyOf(other)));
		return rows
			.map(([name, verdicts]) => {
				const equal = verdicts.filter((verdict) => verdict.equal).length;
				const took = (which: (verdict: Verdict) => boolean) =>
					verdicts.filter((verdict) => !verdict.equal && which(verdict)).length;
				const without = (left: number) =>
					`${((100 * equal) / (verdicts.length - left)).toFixed(1)} % of ${verdicts.length - left}`;
				return (
					`  ${name.padEnd(36)} ${without(0)} as the person; ` +
					`${without(took(({ wholeFile }) => wholeFile))} without those who took a side's whole file; ` +
					`${without(took(({ side, wholeFile }) => side || wholeFile))} without those who took a side`
				);
			})
			.join("\n");
	}
}

// A rule's parts follow the rule.
function keyOf(name: string): string {
	return name.startsWith(" ") ? `${name.slice(20)} ${name}` : name;
}
