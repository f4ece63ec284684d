import type { Answer } from "../../helpers/terminal.ts";

/** What udo said, and what is wrong with it. */
export class Heard {
	readonly wrong: string[] = [];
	/** The commands that it said to type next. */
	readonly advice = new Set<string>();
	commands = 0;
	refused = 0;
	landed = 0;
	conflicts = 0;

	/** `isGit`: only what the hooks of udo said counts, not what git itself did. */
	hear(what: string, answer: Answer, kind: { readonly isJson?: boolean; readonly isGit?: boolean }): void {
		const { code, stdout, stderr } = answer;
		this.commands += 1;
		if (code === 4 || (kind.isGit === true && /refused:/.test(stderr))) this.refused += 1;
		const said = kind.isGit === true ? ofUdo(stderr) : stdout + stderr;
		const complain = (fault: string) => this.wrong.push(`${fault}: ${JSON.stringify(what)}: ${JSON.stringify(said)}`);
		if (code < 0 || (kind.isGit !== true && !exitCodes.has(code))) complain(`exit code ${code}`);
		if (/a bug in udo|goes on unguarded/.test(stderr)) complain("a bug");
		const found = unsafe.exec(said.replaceAll("\n", ""));
		if (found !== null) complain(`U+${found[0].codePointAt(0)?.toString(16)} was printed`);
		if (/^udo: all is well/m.test(said)) complain("a line was forged");
		if (kind.isJson === true && !isJson(stdout)) complain("no JSON");
		for (const [, advice = ""] of said.matchAll(/ next: (.*)$/gm)) this.advice.add(advice);
	}

	same(what: string, found: readonly string[], wanted: readonly string[]): void {
		const [a, b] = [found, wanted].map((each) => JSON.stringify([...new Set(each)].sort()));
		if (a !== b) this.wrong.push(`${what} ${a} instead of ${b}`);
	}
}

// Those of README.md, and those of `udo run` for a command that cannot be started; xargs has its own.
const exitCodes = new Set([0, 1, 4, 5, 6, 7, 64, 123, 126, 127, 128, 129, 130]);

// Nothing that a terminal acts on, that turns text around, or that nobody sees.
const unsafe = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}\p{Variation_Selector}\p{Default_Ignorable_Code_Point}]/u;

// A message of a hook is `udo: …` and lines that are indented; git puts `remote: ` in front of those of the other side.
function ofUdo(stderr: string): string {
	const kept: string[] = [];
	let isOurs = false;
	for (const line of stderr.split("\n").map((each) => each.replace(/^remote: /, ""))) {
		isOurs = line.startsWith("udo: ") || (isOurs && line.startsWith("  "));
		if (isOurs) kept.push(line.trimEnd());
	}
	return kept.join("\n");
}

function isJson(text: string): boolean {
	try {
		for (const line of text.split("\n").filter(Boolean)) JSON.parse(line);
		return true;
	} catch {
		return false;
	}
}
