import { showJson, showText } from "../server/coordination/describe.ts";
import { UdoError } from "../server/errors.ts";

/** Where results and messages go. Data to stdout, messages to stderr; with --json one envelope on stdout and no colour. */
export class Output {
	readonly json: boolean;
	/** Whether a person is looking: a terminal on stderr, and not --json. */
	readonly interactive: boolean;
	readonly #colour: boolean;

	constructor(options: { readonly json: boolean; readonly plain: boolean }) {
		this.json = options.json;
		this.interactive = process.stderr.isTTY === true && !options.json;
		this.#colour = process.stdout.isTTY === true && !options.plain && !options.json;
	}

	/** The result of a command: `data` in the envelope under the schema `udo.<command>/1`, else the lines for people. */
	result(command: string, data: unknown, lines: readonly string[]): void {
		if (this.json) process.stdout.write(`${showJson({ schema: `udo.${command}/1`, ok: true, data })}\n`);
		else if (lines.length > 0) process.stdout.write(`${lines.join("\n")}\n`);
	}

	/** One line of a stream: NDJSON with --json, else text. */
	line(data: unknown, text: string): void {
		process.stdout.write(`${this.json ? showJson(data) : text}\n`);
	}

	/** A result that is a file's content, to the byte. */
	bytes(content: Uint8Array): void {
		process.stdout.write(content);
	}

	/** Lines of a conversation at the terminal, before there is a result. */
	say(lines: readonly string[]): void {
		for (const line of lines) process.stdout.write(`${line}\n`);
	}

	/** A question of such a conversation; what is said next stands behind it. */
	prompt(question: string): void {
		process.stdout.write(`${question} `);
	}

	/** A message beside the result, for people; silent with --json. */
	note(text: string): void {
		if (!this.json) process.stderr.write(`${text}\n`);
	}

	/** A line that the next one replaces, such as a place in a queue; nothing without a terminal. */
	progress(text: string): void {
		if (!this.interactive) return;
		const width = process.stderr.columns ?? 80;
		process.stderr.write(`\r\u001b[K${text.slice(0, width - 1)}`);
	}

	/** Removes the progress line. */
	progressDone(): void {
		if (this.interactive) process.stderr.write("\r\u001b[K");
	}

	/** What went wrong, in at most three lines: what; who and why; the next command. Answers the exit code. */
	failure(error: unknown): number {
		this.progressDone();
		if (!(error instanceof UdoError)) {
			const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
			if (this.json) this.#envelopeOf("internal", "udo has a bug", false, "report it with the stack on stderr");
			process.stderr.write(`udo: a bug in udo: ${text}\n`);
			return 1;
		}
		if (this.json) {
			this.#envelopeOf(error.code, [error.message, error.why].filter(Boolean).join(": "), error.retryable, error.next);
			return error.exitCode;
		}
		// Each part has been made safe where it was put together; this is for the one that was forgotten.
		const lines = [`udo: ${showText(error.message, 2000)}`];
		if (error.why !== undefined) lines.push(`  ${showText(error.why, 2000)}`);
		if (error.next !== undefined) lines.push(`  next: ${showText(error.next, 2000)}`);
		process.stderr.write(`${lines.join("\n")}\n`);
		return error.exitCode;
	}

	bold(text: string): string {
		return this.#style("1", text);
	}

	dim(text: string): string {
		return this.#style("2", text);
	}

	colour(name: keyof typeof colours, text: string): string {
		return this.#style(colours[name], text);
	}

	/** Columns aligned under each other, two spaces apart; cells must be sanitised. */
	table(rows: readonly (readonly string[])[]): string[] {
		const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)));
		return rows.map((row) =>
			row.map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd(widths[i] ?? 0))).join("  "),
		);
	}

	#style(code: string, text: string): string {
		return this.#colour ? `\u001b[${code}m${text}\u001b[0m` : text;
	}

	#envelopeOf(code: string, message: string, retryable: boolean, next: string | undefined): void {
		const error = { code, message: showText(message, 1000), retryable, next: next ?? null };
		process.stdout.write(`${showJson({ schema: "udo.error/1", ok: false, error })}\n`);
	}
}

const colours = { green: "32", yellow: "33", magenta: "35", cyan: "36" } as const;
