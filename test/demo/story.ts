/** Tells the demo and checks it: every step says what it does, and fails the whole when it did not happen. */
export class Story {
	#steps = 0;
	readonly #happened: string[] = [];

	/** Announces a step. */
	title(text: string): void {
		this.#steps += 1;
		say(`\n${this.#steps}. ${text}`);
	}

	/** Shows what a person typed and what the terminal printed. */
	typed(who: string, command: string, printed = ""): void {
		say(`   ${who} $ ${command}`);
		this.shown(printed);
	}

	/** Shows text that appeared somewhere. */
	shown(printed: string): void {
		for (const line of printed.trimEnd().split("\n")) if (line !== "") say(`     ${line}`);
	}

	/** Ends a step: `fact` must hold, else the demo ends with an error. */
	check(fact: boolean, what: string): void {
		if (!fact) throw new Error(`this did not happen: ${what}`);
		this.#happened.push(what);
		say(`   ✓ ${what}`);
	}

	/** Says at the end what happened. */
	summary(seconds: number): void {
		say(`\nWhat happened, in ${seconds.toFixed(1)} s:`);
		for (const fact of this.#happened) say(`  ✓ ${fact}`);
	}
}

function say(text: string): void {
	process.stdout.write(`${text}\n`);
}
